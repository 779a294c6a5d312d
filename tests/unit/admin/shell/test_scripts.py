import time

import pytest

from tests.unit.admin import hosts

LAUNCH = "seqware workflow-run launch-scheduled"
PROPAGATE = "seqware workflow-run propagate-statuses"
HOME = "/home/niassa-bob/.seqware/settings"
LINE = "* * * * * /opt/niassa/cron.sh >> cron.log 2>&1"
#: As sites have it.
SCRIPT = """#!/usr/bin/env bash
set -euo pipefail
LOCK=/tmp/seqware-$(whoami).lock
LOG_DIR="${HOME}/logs"; mkdir -p "$LOG_DIR"
SEQWARE=${SEQWARE:-/opt/seqware/bin/seqware}
log() { echo "$(date '+%F %T') $*" >> "$LOG_DIR/cron.log"; }
if [ -f "$LOCK" ] && kill -0 "$(cat "$LOCK")" 2>/dev/null; then
    log "launch-scheduled still runs"   # propagate-statuses too
    exit 0
fi
trap 'rm -f "$LOCK"' EXIT
echo $$ > "$LOCK"
export JAVA_HOME=/usr/lib/jvm/java-8 PATH=$JAVA_HOME/bin:$PATH
log launching
$SEQWARE workflow-run launch-scheduled \\
    --host server2 || log "failed: $?"
"$SEQWARE" workflow-run propagate-statuses --host server2 --threads 10 >> "$LOG_DIR/cron.log" 2>&1 || true
cat <<END >> "$LOG_DIR/cron.log"
done
END
"""


def settings_of(script: str, line: str = LINE, **scripts: str) -> list[str]:
    inner = {f"/opt/niassa/{name}.sh": text for name, text in scripts.items()}
    host = hosts.Host({"/opt/niassa/cron.sh": script, **inner})
    return [call[2] for call in host.calls(line)]


def test_a_script_as_sites_have_it_is_understood() -> None:
    host = hosts.Host({"/opt/niassa/cron.sh": SCRIPT})
    assert host.calls(LINE) == [
        ("launch", "niassa-bob", HOME, "server2", ""),
        ("propagate", "niassa-bob", HOME, "server2", "10"),
    ]
    (line,) = host.look(LINE).lines
    assert line.seen.others == ()
    assert [call.place for call in line.seen.calls] == ["/opt/niassa/cron.sh line 15", "/opt/niassa/cron.sh line 17"]
    assert line.seen.calls[0].command == "/opt/seqware/bin/seqware"


@pytest.mark.parametrize(
    "script",
    [
        f"for who in a b; do\n  SEQWARE_SETTINGS=/etc/niassa/$who {LAUNCH}\ndone",
        f"ALL='a b'\nfor who in $ALL; do export SEQWARE_SETTINGS=/etc/niassa/${{who}}; {LAUNCH}; done",
        f"go() {{\n  SEQWARE_SETTINGS=/etc/niassa/$1 {LAUNCH}\n}}\ngo a\ngo b",
        f"function go {{ export SEQWARE_SETTINGS=$1; {LAUNCH}; }}\ngo /etc/niassa/a\ngo /etc/niassa/b",
        f"set -- a b\nfor who\ndo SEQWARE_SETTINGS=/etc/niassa/$who {LAUNCH}; done",
        f"set -a\nSEQWARE_SETTINGS=/etc/niassa/a\n{LAUNCH}\nSEQWARE_SETTINGS=/etc/niassa/b\n{LAUNCH}",
    ],
)
def test_one_script_with_the_settings_of_several_accounts_is_as_many_accounts(script: str) -> None:
    assert settings_of(script) == ["/etc/niassa/a", "/etc/niassa/b"]


def test_arguments_of_a_script_tell_accounts_apart() -> None:
    script = f'#!/bin/sh\nSEQWARE_SETTINGS="/etc/niassa/${{1:-nobody}}" {LAUNCH}\n'
    lines = "\n".join(f"* * * * * /opt/niassa/cron.sh {name}" for name in ("a", "b", ""))
    assert settings_of(script, lines) == ["/etc/niassa/a", "/etc/niassa/b", "/etc/niassa/nobody"]


@pytest.mark.parametrize(
    "call",
    [
        "$(dirname $0)/inner.sh",
        'cd "$(dirname "$0")" && ./inner.sh',
        'HERE=$(cd "$(dirname "$0")" && pwd)\n"$HERE"/inner.sh',
        "${0%/*}/inner.sh",
        "exec bash /opt/niassa/inner.sh",
        "source /opt/niassa/inner.sh",
        "eval /opt/niassa/inner.sh",
        "while true; do /opt/niassa/inner.sh; break; done",
        "until [[ -e x && $a < b ]]; do { /opt/niassa/inner.sh; }; done < /dev/null",
    ],
)
def test_a_script_that_calls_another_is_followed(call: str) -> None:
    assert settings_of(f"#!/bin/bash\n{call}\n", inner=LAUNCH) == [HOME]


def test_a_large_script_that_many_lines_call_is_parsed_once() -> None:
    host = hosts.Host(
        {"/opt/niassa/cron.sh": f"#!/bin/sh\n{LAUNCH}\n" + 'echo "$(date)" "${X:-y}" | tee log\n' * 2_000}
    )
    began = time.process_time()
    assert len(host.calls("\n".join(f"* * * * * /opt/niassa/cron.sh {number}" for number in range(100)))) == 100
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("profile", "settings"),
    [("export SEQWARE_SETTINGS=/etc/bob", "/etc/bob"), ("alias ll='ls -l'\ncase $- in *i*) ;; esac", HOME)],
)
def test_a_login_shell_reads_its_profile_first(profile: str, settings: str) -> None:
    host = hosts.Host({"/home/niassa-bob/.profile": profile, "/home/niassa-bob/x": LAUNCH})
    assert [call[2] for call in host.calls("* * * * * bash -l x")] == [settings]
    assert [call[2] for call in host.calls("* * * * * bash x")] == [HOME]


@pytest.mark.parametrize("command", ["cd /opt || exit", "cd /opt || { echo no; exit 1; }", "cd /opt && true"])
def test_a_directory_that_was_entered_or_else_the_script_ended_is_known(command: str) -> None:
    assert settings_of(f"#!/bin/sh\n# seqware\n{command}\nniassa/inner.sh\n", inner=LAUNCH) == [HOME]


def test_a_call_in_the_output_of_another_command_is_told_beside_calls_that_are_taken() -> None:
    host = hosts.Host({"/opt/niassa/cron.sh": f"#!/bin/sh\nX=$({LAUNCH} --host a)\n{LAUNCH} --host b\n"})
    assert [place for _, place, _ in host.unclear(LINE)] == ["/opt/niassa/cron.sh line 2"]


def test_what_stands_after_an_exit_is_not_run() -> None:
    host = hosts.Host({"/opt/niassa/cron.sh": f"#!/bin/sh\nexit 0\n{LAUNCH}\n"})
    assert host.calls(LINE) == []


@pytest.mark.parametrize(
    "guard",
    [
        "[ -e x ] && exit",
        "(exit 1)",
        "true || { echo; exit 1; }",
        "die() { exit 1; }\ntrue || die",
        "if x; then exit; fi",
    ],
)
def test_what_stands_after_an_exit_that_depends_may_be_run(guard: str) -> None:
    assert settings_of(f"#!/bin/sh\n{guard}\n{LAUNCH}\n") == [HOME]


def test_scripts_that_have_nothing_to_do_with_seqware_are_no_trouble() -> None:
    backup = '#!/bin/bash\n$RSYNC -a $(ls) "$1"\nxargs -n1 <('
    host = hosts.Host({"/opt/backup.sh": backup, "/b.py": "#!/usr/bin/python3\n(("})
    text = "* * * * * /opt/backup.sh\n* * * * * /b.py\n* * * * * /no/such\n* * * * * /usr/bin/true"
    assert host.look(text).lines == ()
    assert host.look(text).others == 4
