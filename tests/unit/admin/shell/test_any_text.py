"""Whatever stands in a crontab or a script: it is read to its end, and a launch is never passed over."""

from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.admin import crontabs
from tests.unit.admin import hosts

LAUNCH = "seqware workflow-run launch-scheduled"
#: Pieces of shell text, whole ones and halves.
PIECES = st.sampled_from(
    [
        *(
            "'",
            '"',
            "`",
            "$(",
            ")",
            "${",
            "}",
            "$",
            "\\",
            "\n",
            ";",
            "&&",
            "||",
            "|",
            "&",
            "(",
            "{ ",
            " }",
            "<<X\n",
            "X\n",
        ),
        *("if ", "then ", "else ", "fi", "while ", "do ", "done", "for x in a b; ", "case x in ", "esac", "a) ", ";; "),
        *(
            "cd ",
            "export ",
            "A=1 ",
            "A=$A$A ",
            "f() ",
            "f ",
            "x.sh ",
            ". ",
            "eval ",
            "exit",
            "set -a",
            "[[ ",
            "]] ",
            "!",
        ),
        *(
            "sudo -u niassa-bob ",
            "su - ",
            "flock ",
            "env ",
            "bash -c ",
            "bash -l ",
            "sh ",
            "nice -n ",
            "timeout ",
            "-c ",
        ),
        *(LAUNCH, " --host ", "server2", "~", "*", "# ", "%", "\\%", "\0", "\r", "é", "\ud800", "$1", '"$@"', "~root/"),
    ]
)
SHELL = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=80)
#: Ways to call the engine that are shell text whatever stands before and after, and run it or may run it.
BEFORE = st.sampled_from(
    [
        "",
        "date; ",
        "cd /tmp && ",
        "[ -e x ] || ",
        "nice ",
        "flock -n /l ",
        "sudo -u niassa-bob ",
        "A=$B ",
        "ssh x ",
        "$X ",
        "( ",
    ]
)


def look(crontab: str, script: str, user: str | None) -> crontabs.Crontab:
    return hosts.Host({"/home/niassa-bob/x.sh": script, "/home/niassa-bob/.profile": script}).look(crontab, user)


@given(st.text(max_size=300), st.sampled_from(["niassa-bob", None, "no-such-user"]))
def test_any_text_is_a_crontab_that_can_be_looked_through(text: str, user: str | None) -> None:
    look(text, text, user)


@given(SHELL, SHELL)
def test_any_command_and_any_script_can_be_followed(command: str, script: str) -> None:
    crontab = f"* * * * * {command}\n* * * * * ./x.sh a b\n* * * * * bash -l x.sh\n* * * * * . ./x.sh"
    assert look(crontab, script, "niassa-bob").others <= len(crontab.split("\n"))


@given(
    st.lists(BEFORE, max_size=4).map("".join), st.sampled_from(["", " >> log 2>&1", " --host h", " --host $H", " &"])
)
def test_a_launch_is_taken_or_told_whatever_stands_before_and_after(before: str, after: str) -> None:
    end = ")" * before.count("(")
    command = f"{before}{LAUNCH}{after}{' ' + end if end else ''}"
    for text in (f"* * * * * {command}", "* * * * * ./x.sh"):
        (line,) = look(text, f"#!/bin/sh\n{command}\n", "niassa-bob").lines
        assert line.launches or line.seen.unclear


@given(SHELL)
def test_a_script_whose_last_line_launches_is_taken_or_told_unless_it_ends_before(script: str) -> None:
    if any(end in script for end in ("exit", "<<", "#")) or script.endswith("\\"):
        return
    (line,) = look("* * * * * ./x.sh", f"#!/bin/sh\n{script}\n{LAUNCH}\n", "niassa-bob").lines
    assert line.launches or line.seen.unclear
