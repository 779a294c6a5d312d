import pytest

from tests.unit.admin import hosts

LAUNCH = "seqware workflow-run launch-scheduled"
LINE = "* * * * * ./x.sh"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (f"{LAUNCH} --accession 12", "single runs"),
        (f"{LAUNCH} --host", "nothing stands after --host"),
        (f"{LAUNCH} --host a --host b", "twice"),
        (f"{LAUNCH} --verbose 3", "other than --host and --threads"),
        (f"{LAUNCH} --host $HOST", "what --host says is known only when it runs"),
        (f"{LAUNCH} --host $(cat host)", "what --host says is known only when it runs"),
        (f"{LAUNCH} $OPTIONS", "an argument is known only when it runs"),
        (f"SEQWARE_SETTINGS=$(ls -t | head -1) {LAUNCH}", "SEQWARE_SETTINGS it uses is known only when it runs"),
        (f"export SEQWARE_SETTINGS=$WHO/settings; {LAUNCH}", "SEQWARE_SETTINGS it uses is known only when it runs"),
        (f"SEQWARE_SETTINGS=settings {LAUNCH}", "not an absolute path"),
        (f"read SEQWARE_SETTINGS; export SEQWARE_SETTINGS; {LAUNCH}", "known only when it runs"),
        (f"test -e x && export SEQWARE_SETTINGS=/a; {LAUNCH}", "known only when it runs"),
        (f"test -e x && export SEQWARE_SETTINGS=/a; SEQWARE_SETTINGS=/b; {LAUNCH}", "known only when it runs"),
        (f"export $(cat settings.env); {LAUNCH}", "known only when it runs"),
        (f"if test -e x; then export SEQWARE_SETTINGS=/a; fi; {LAUNCH}", "known only when it runs"),
        (f"for f in /etc/niassa/*; do SEQWARE_SETTINGS=$f {LAUNCH}; done", "known only when it runs"),
        (f"ssh server3 {LAUNCH}", "mentions"),
        (f"find /etc/niassa -exec env {LAUNCH} {{}} +", "mentions"),
        (f"echo {LAUNCH} | at now", "mentions"),
        ("java -jar seqware.jar -p net.sourceforge.seqware.pipeline.plugins.WorkflowLauncher -- -ls", "mentions"),
        (f"sudo -u $WHO {LAUNCH}", "the user of sudo is known only when it runs"),
        (f"sudo -u nobody-has-this-name {LAUNCH}", "no Unix user"),
        ("$HERE/launch.sh", "which command it calls is known only when it runs"),
        (f"echo '{LAUNCH}", "a ' is missing"),
        (f"if true; then {LAUNCH}", "fi is missing"),
        (f"[[ -e x; {LAUNCH}", "]] is missing"),
        (f"case x in x) {LAUNCH};; esac", "case is not followed"),
        ("bash -s%cd bin%./cron.sh", "reads its commands from what it is fed"),
        (f"cat > launch.sh%{LAUNCH}", "after a %"),
        (f"X=$({LAUNCH})", "mentions"),
        (f'echo "$({LAUNCH})"', "mentions"),
        (f"sudo --preserve-env=X {LAUNCH}", "sudo with an option that we do not follow"),
        (f"test -e x && export SEQWARE_SETTINGS=/a || {LAUNCH}", "known only when it runs"),
        (f"{LAUNCH} --host $(cat <(", "is missing"),
    ],
)
def test_a_command_that_is_not_understood_is_said_and_nothing_is_taken_from_it(command: str, reason: str) -> None:
    host = hosts.Host()
    found = set(host.unclear(f"\n* * * * * {command}\n"))
    assert {(number, place) for number, place, _ in found} == {(2, "")}
    assert any(reason in said for _, _, said in found), found
    assert [call for line in host.look(f"* * * * * {command}").lines for call in line.seen.calls] == []


def test_a_turn_that_changes_whose_settings_the_next_one_uses_is_told() -> None:
    (line,) = hosts.Host().look(f"* * * * * while test -e x; do {LAUNCH}; export SEQWARE_SETTINGS=/b; done").lines
    assert [call.settings for call in line.seen.calls] == ["/home/niassa-bob/.seqware/settings"]
    assert ["known only when it runs" in one.reason for one in line.seen.unclear] == [True]


@pytest.mark.parametrize("line", ["* * * * /bin/x", "@sometimes x", "hello there, dear cron, how are you", "* * * * *"])
def test_a_line_that_is_none_is_said(line: str) -> None:
    assert hosts.Host().unclear(line) == [(1, "", "it is no line that cron understands")]


@pytest.mark.parametrize(
    ("script", "places"),
    [
        (f"#!/bin/sh\ndate\n\nssh server3 {LAUNCH}\n", ["line 4"]),
        (f"#!/bin/sh\n{LAUNCH} --host $X\n{LAUNCH} --host y\n", ["line 2"]),
        (f"#!/bin/sh\nsudo -u niassa-alice sh <<END\n{LAUNCH}\nEND\n", ["line 3"]),
        (f"#!/bin/sh\nnever() {{\n{LAUNCH}\n}}\n", ["line 3"]),
        (f"#!/bin/sh\nCALL='{LAUNCH}'\nssh server3 $CALL\n", ["line 2"]),
        (f"#!/usr/bin/python3\nimport os\nos.system('{LAUNCH}')\n", [""]),
        ("#!/bin/sh\n. $HOME/.niassa/$X\n", ["line 2"]),
        ("#!/bin/sh\n# seqware\n`pick_command`\n", ["line 3"]),
        (f"#!/bin/sh\ncase $1 in\n launch) {LAUNCH}\n", ["line 3"]),
    ],
)
def test_what_of_a_script_is_not_understood_is_said_with_its_place(script: str, places: list[str]) -> None:
    host = hosts.Host({"/home/niassa-bob/x.sh": script})
    found = {place for _, place, _ in host.unclear(LINE)}
    assert {f"/home/niassa-bob/x.sh {place}".strip() for place in places} <= found


def test_a_script_that_its_user_may_not_read_is_said() -> None:
    host = hosts.Host(closed={"/home/niassa-bob/x.sh"})
    assert host.unclear(LINE) == [(1, "", "/home/niassa-bob/x.sh cannot be read as niassa-bob: Permission denied")]


def test_scripts_that_call_each_other_for_ever_end() -> None:
    host = hosts.Host({"/home/niassa-bob/x.sh": f"#!/bin/sh\n{LAUNCH}\n./x.sh\n./x.sh\nf() {{ f|f& }}; f\n"})
    (line,) = host.look(LINE).lines
    assert len(line.seen.calls) == 1
    assert line.seen.unclear


def test_a_variable_that_grows_without_end_is_not_followed() -> None:
    command = f"A=x; {'A=$A$A; ' * 16}{LAUNCH} --host $A"
    assert hosts.Host().unclear(f"* * * * * {command}") == [(1, "", "what --host says is known only when it runs")]


def test_a_variable_that_sudo_may_keep_or_not_is_not_guessed() -> None:
    text = (
        f"SEQWARE_SETTINGS=/etc/bob\n* * * * * sudo -u niassa-bob {LAUNCH}\n* * * * * sudo -E -u niassa-bob {LAUNCH}\n"
    )
    host = hosts.Host()
    assert [number for number, _, _ in host.unclear(text, "root")] == [2]
    assert [call.settings for line in host.look(text, "root").lines for call in line.seen.calls] == ["/etc/bob"]
