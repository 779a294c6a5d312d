import time

import pytest

from niassa_orch.admin import crontabs
from tests.unit.admin import hosts

LAUNCH = "seqware workflow-run launch-scheduled"
PROPAGATE = "seqware workflow-run propagate-statuses"
HOME = "/home/niassa-bob/.seqware/settings"
BOTH = [("launch", "niassa-bob", HOME, "", ""), ("propagate", "niassa-bob", HOME, "", "10")]
OF_BOB = [("launch", "niassa-bob", HOME, "", "")]
SCRIPT = f"#!/bin/bash\n# launch-scheduled, then propagate-statuses\n{LAUNCH}\n{PROPAGATE} --threads 10\n"


@pytest.fixture
def host() -> hosts.Host:
    return hosts.Host({"/home/niassa-bob/bin/cron.sh": SCRIPT})


@pytest.mark.parametrize(
    "line",
    [
        "* * * * * /home/niassa-bob/bin/cron.sh >> /home/niassa-bob/cron.log 2>&1",
        "*/1 0-23 1,15 jan-dec mon-fri\t~/bin/cron.sh &> cron.log",
        "-*/2 * * * * $HOME/bin/cron.sh",
        "@hourly bin/cron.sh",
        "@reboot sleep 60; ./bin/cron.sh",
        "* * * * * cd /home/niassa-bob/bin && ./cron.sh",
        "* * * * * cd bin; . ./cron.sh",
        "* * * * * bash -l bin/cron.sh",
        "* * * * * /bin/bash -lc 'bin/cron.sh >> log'",
        "* * * * * sh -x -o errexit bin/cron.sh",
        "* * * * * flock -n /tmp/cron.lock bin/cron.sh",
        "* * * * * flock -w 5 /tmp/cron.lock -c 'bin/cron.sh'",
        "* * * * * nice -n 19 ionice -c3 timeout -k 5 300 bin/cron.sh",
        "* * * * * nice -10 chronic nohup setsid bin/cron.sh &",
        "* * * * * env LANG=C bin/cron.sh",
        "* * * * * LANG=C bin/cron.sh 2>&1 | logger -t cron",
        "* * * * * [ -e /tmp/stop ] || bin/cron.sh",
        "* * * * * if [ ! -e stop ]; then bin/cron.sh; fi",
        "* * * * * (cd bin && ./cron.sh) >> log.$(date +\\%F)",
        "PATH=/opt/seqware/bin:/home/niassa-bob/bin\n* * * * * cron.sh",
        "SHELL=/bin/bash\nMAILTO = 'bob@lab.net'\n\n# every minute\n* * * * * bin/cron.sh",
        f"* * * * * {LAUNCH} && {PROPAGATE} --threads 10",
        f"* * * * * {LAUNCH} > /dev/null\n*/5 * * * * {PROPAGATE} --threads 10",
        f"* * * * * /opt/seqware/bin/{LAUNCH}; /opt/seqware/bin/{PROPAGATE} --threads '10'",
    ],
)
def test_the_usual_line_is_understood_in_every_way_in_which_people_write_it(host: hosts.Host, line: str) -> None:
    assert host.calls(line) == BOTH


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("--host server9", "server9"),
        ("--host 'server9'", "server9"),
        ("--host `hostname -f`", "server2.lab.net"),
        ('--host "$(hostname -f)"', "server2.lab.net"),
    ],
)
def test_a_host_is_taken_as_it_is_written_or_as_this_machine_prints_it(host: hosts.Host, words: str, name: str) -> None:
    assert host.calls(f"* * * * * {LAUNCH} {words}") == [("launch", "niassa-bob", HOME, name, "")]


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (f"SEQWARE_SETTINGS=/etc/bob\n* * * * * {LAUNCH}", ["/etc/bob"]),
        (f'SEQWARE_SETTINGS="/etc/b ob"\n* * * * * {LAUNCH}', ["/etc/b ob"]),
        (f"* * * * * SEQWARE_SETTINGS=~/a {LAUNCH}; {LAUNCH}", ["/home/niassa-bob/a", HOME]),
        (f"* * * * * export SEQWARE_SETTINGS=$HOME/a; {LAUNCH}", ["/home/niassa-bob/a"]),
        # Not exported: the engine does not see it.
        (f"* * * * * SEQWARE_SETTINGS=$HOME/a; {LAUNCH}", [HOME]),
        (f"* * * * * if x; then SEQWARE_SETTINGS=/a; fi; SEQWARE_SETTINGS=/b; {LAUNCH}", [HOME]),
        (f"* * * * * export SEQWARE_SETTINGS; {LAUNCH}; SEQWARE_SETTINGS=/a; {LAUNCH}", [HOME, "/a"]),
        (f"* * * * * A=b export SEQWARE_SETTINGS=/a; {LAUNCH}", ["/a"]),
        (f"* * * * * {LAUNCH}\nSEQWARE_SETTINGS=/late", [HOME]),
        (f"* * * * * env SEQWARE_SETTINGS=/a {LAUNCH}\n* * * * * {LAUNCH}", ["/a", HOME]),
        (f"SEQWARE_SETTINGS=/a\n* * * * * {LAUNCH}\nSEQWARE_SETTINGS=/b\n* * * * * {LAUNCH}", ["/a", "/b"]),
        (f"HOME=/data/bob\n* * * * * {LAUNCH}", ["/data/bob/.seqware/settings"]),
    ],
)
def test_whose_settings_a_line_uses_is_what_the_engine_would_see(
    host: hosts.Host, text: str, settings: list[str]
) -> None:
    assert [call[2] for call in host.calls(text)] == settings


@pytest.mark.parametrize(
    "command",
    [
        f"sudo -u niassa-bob {LAUNCH}",
        f"sudo -nHu niassa-bob -- {LAUNCH}",
        f"sudo --user=niassa-bob -i {LAUNCH}",
        f"su - niassa-bob -c '{LAUNCH}'",
        f"su -c '{LAUNCH}' niassa-bob",
        f"su -s /bin/bash - niassa-bob --command='{LAUNCH}'",
        f"runuser -l niassa-bob -c '{LAUNCH}'",
        f"runuser -u niassa-bob -- {LAUNCH}",
        "sudo -u niassa-bob bash -l /home/niassa-bob/launch.sh",
    ],
)
def test_a_line_of_roots_that_becomes_another_user_is_that_users(command: str) -> None:
    host = hosts.Host({"/home/niassa-bob/launch.sh": LAUNCH})
    assert host.calls(f"* * * * * {command}", "root") == OF_BOB
    assert ("root", "/home/niassa-bob/launch.sh") not in host.asked


def test_a_system_crontab_has_a_column_of_users(host: hosts.Host) -> None:
    text = f"SHELL=/bin/sh\n17 * * * * root run-parts /etc/cron.hourly\n* * * * *\tniassa-bob\t{LAUNCH}\n"
    assert host.calls(text, None) == OF_BOB
    assert host.look(text, None).others == 1
    assert host.unclear(f"* * * * * {LAUNCH}", None) == [(1, "", "this machine has no Unix user 'seqware'")]


def test_a_line_knows_its_number_when_it_runs_and_whom_it_launches_for(host: hosts.Host) -> None:
    text = f"# m h dom mon dow command\n\n0 3 * * * backup\n*/5 * * * * {PROPAGATE}\n@hourly {LAUNCH}\n"
    found = host.look(text)
    assert [(line.number, line.schedule, line.launches) for line in found.lines] == [
        (4, "*/5 * * * *", False),
        (5, "@hourly", True),
    ]
    assert found.others == 1
    (launching,) = (line for line in crontabs.look(text, host.around(), "niassa-bob").lines if line.launches)
    assert (launching.number, launching.text) == (5, f"@hourly {LAUNCH}")


def test_what_a_line_does_besides_is_named() -> None:
    host = hosts.Host({"/home/niassa-bob/all.sh": f"#!/bin/sh\ndate\n{LAUNCH}\nrsync -a results archive:\n"})
    (line,) = host.look("* * * * * ./all.sh; /usr/bin/report").lines
    assert line.seen.others == ("rsync", "/usr/bin/report")


@pytest.mark.parametrize(
    "secret",
    [
        "DB_PASSWORD=sesame",
        "--password sesame",
        "--token=sesame",
        "https://bob:sesame@ws/x",
        "curl -u bob:sesame x",
        "mysql -u bob -psesame",
        "SW_REST_PASS='sesame'",
    ],
)
def test_a_line_is_shown_without_what_looks_like_a_secret(host: hosts.Host, secret: str) -> None:
    (line,) = host.look(f"* * * * * {secret}; {LAUNCH}").lines
    assert "sesame" not in line.text
    assert LAUNCH in line.text


@pytest.mark.parametrize(
    "line",
    [
        "A=x" + " " * 100_000 + "y",
        "* * * * * " + "pass" * 25_000,
        "* * * * * pass" + " " * 100_000 + ";",
        "mysql " * 50_000,
    ],
)
def test_a_long_line_is_read_in_no_time(host: hosts.Host, line: str) -> None:
    began = time.process_time()
    crontabs.look(line, host.around(), "niassa-bob")
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x --password hunter2 y", "x --password **** y"),
        ("DB_PASSWORD=hunter2 x", "DB_PASSWORD=**** x"),
        ("pass\t : hunter2;x", "pass\t : ****;x"),
        ("api-key-2 \t hunter2", "api-key-2 \t ****"),
        ("https://bob:hunter2@host/", "https://bob:****@host/"),
        ("mkdir -p a; mysqldump x -phunter2; mysql -phunter3|y", "mkdir -p a; mysqldump x -p****; mysql -p****|y"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, shown: str) -> None:
    assert crontabs.masked(text) == shown
