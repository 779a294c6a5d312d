import pathlib
import re
import shutil
import subprocess

import pytest

from niassa_orch.admin import systemd

DEPLOY = pathlib.Path(__file__).parents[3] / "deploy"
TEXTS = {
    "niassa-orch.service": systemd.service(systemd.Installation()),
    "niassa-orch-once.service": systemd.once(systemd.Installation()),
    "niassa-orch-once.timer": systemd.timer(),
}
#: Each of them breaks sudo in the unit, or hurts the engine (tried on systemd 252).
FORBIDDEN = {
    "NoNewPrivileges",
    "PrivateDevices",
    "ProtectKernelTunables",
    "ProtectKernelModules",
    "ProtectKernelLogs",
    "ProtectClock",
    "ProtectHostname",
    "RestrictNamespaces",
    "RestrictSUIDSGID",
    "RestrictRealtime",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "RestrictAddressFamilies",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "DynamicUser",
    "PrivateUsers",
    "InaccessiblePaths",
    "NoExecPaths",
    "ProtectHome",
    "PrivateTmp",
    "ProtectProc",
}


def directives(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Z]\w+=", line))


@pytest.mark.parametrize("name", TEXTS)
def test_the_files_in_deploy_are_what_the_command_prints(name: str) -> None:
    assert (DEPLOY / name).read_text() == TEXTS[name]


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".service")])
def test_engine_calls_outlive_the_service_and_sudo_works_in_it(name: str) -> None:
    said = directives(TEXTS[name])
    assert said["KillMode"] == "process"
    assert said["OOMPolicy"] == "continue"
    assert said["UMask"] == "0022"
    assert said["ProtectSystem"] == "full"
    assert {"CAP_SETUID", "CAP_SETGID", "CAP_AUDIT_WRITE"} <= set(said["CapabilityBoundingSet"].split())
    assert not said.keys() & FORBIDDEN


def test_the_watchdog_waits_longer_than_the_rarest_sign_of_life() -> None:
    said = directives(TEXTS["niassa-orch.service"])
    assert (said["Type"], said["NotifyAccess"]) == ("notify", "main")
    assert int(said["WatchdogSec"]) >= 2 * 30, "the supervisor's look is each 30 seconds"


def test_the_units_say_what_the_settings_say() -> None:
    odd = systemd.Installation(
        program=pathlib.Path("/opt/my tools/100%/niassa-orch"),
        config=pathlib.Path("/etc/a$b.toml"),
        user="svc",
        state_dir=pathlib.Path("/data/orch"),
        runtime_dir=pathlib.Path("/run/orch"),
        group="lab",
    )
    text = systemd.service(odd)
    said = directives(text)
    assert said["ExecStart"] == '"/opt/my tools/100%%/niassa-orch" --config /etc/a$$b.toml run --no-dashboard'
    assert (said["User"], said["RuntimeDirectory"], said["SupplementaryGroups"]) == ("svc", "orch", "lab")
    assert "StateDirectory" not in said, "it is not below /var/lib: for the administrator to make"


def test_directories_with_blanks_and_percent_signs_stay_one_directory() -> None:
    state, runtime = pathlib.Path("/var/lib/my orch 5%"), pathlib.Path("/run/a\\b")
    said = directives(systemd.service(systemd.Installation(state_dir=state, runtime_dir=runtime)))
    assert (said["StateDirectory"], said["RuntimeDirectory"]) == ('"my orch 5%%"', '"a\\\\b"')


@pytest.mark.parametrize("folder", ["plain", "my tools", "100%h", "a$HOME", "a;b"])
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_the_program_whatever_its_folder_is_called(tmp_path: pathlib.Path, folder: str) -> None:
    program = tmp_path / folder / "niassa-orch"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "o.service"
    unit.write_text(systemd.service(systemd.Installation(program=program, user="root")))
    argv = ["systemd-analyze", "--man=no", "verify", str(unit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_every_line(tmp_path: pathlib.Path) -> None:
    program = tmp_path / "niassa-orch"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    of = systemd.Installation(program=program, user="root", runtime_dir=pathlib.Path("/run/niassa-orch"))
    files = {"o.service": systemd.service(of), "o-once.service": systemd.once(of), "o-once.timer": systemd.timer()}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    argv = ["systemd-analyze", "--man=no", "verify", *(str(tmp_path / name) for name in files)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(tmp_path) in line]) == (0, [])
