"""The commands as people and scripts call them: what they say, and the exit codes that are promised."""

import asyncio
import dataclasses
import grp
import json
import os
import pathlib
import pwd
import re
import sys

import pytest

import niassa_orch
from niassa_orch.sandbox import unix_users
from tests.acceptance import machine, stages

_SUDOERS = pathlib.Path("/etc/sudoers.d")


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    exit_code: int
    out: str
    errors: str


async def _command(*words: str, seconds: float = 60, **environment: str) -> Done:
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
        env={**os.environ, "COLUMNS": "200", **environment},
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def _orch(*words: str, seconds: float = 60, **environment: str) -> Done:
    return await _command(sys.executable, "-m", "niassa_orch", *words, seconds=seconds, **environment)


async def test_the_version_is_the_same_as_a_module_and_as_a_command() -> None:
    script = pathlib.Path(sys.executable).with_name("niassa-orch")
    expected = f"niassa-orch {niassa_orch.__version__}\n"
    assert await _orch("version") == Done(0, expected, "")
    assert await _command(str(script), "version") == Done(0, expected, "")


@pytest.mark.parametrize("words", [("run", "--no-such-option"), ("launch",), ("run", "superfluous")])
async def test_wrong_usage_ends_with_2(words: tuple[str, ...]) -> None:
    done = await _orch(*words)
    assert done.exit_code == 2
    assert words[-1] in done.errors
    assert "Traceback" not in done.errors


async def test_an_unknown_key_in_the_settings_ends_with_78_and_a_suggestion(stage: stages.Stage) -> None:
    text = stage.place.config_file.read_text("utf-8")
    stage.place.config_file.write_text(text.replace("interval_seconds", "intervall_seconds"), "utf-8")
    for command in ("run", "once", "accounts"):
        done = await _orch("--config", str(stage.place.config_file), command)
        assert done.exit_code == 78
        for word in (str(stage.place.config_file), "beat.intervall_seconds", "did you mean", "interval_seconds"):
            assert word in done.errors
        assert "Traceback" not in done.errors


async def test_settings_that_are_not_there_or_make_no_sense_end_with_78(tmp_path: pathlib.Path) -> None:
    missing = await _orch("--config", str(tmp_path / "absent.toml"), "run")
    assert missing.exit_code == 78
    assert "absent.toml" in missing.errors
    wrong = await _orch("run", NIASSA_ORCH_POOL__SIZE="none")
    assert wrong.exit_code == 78
    assert "NIASSA_ORCH_POOL__SIZE" in wrong.errors


async def test_a_second_instance_on_the_same_state_directory_ends_with_78(stage: stages.Stage) -> None:
    async with stage.service() as service:
        await service.tells("account.started", account="bob")
        for command in ("run", "once"):
            second = await _orch("--config", str(stage.place.config_file), command)
            assert second.exit_code == 78
            assert "another niassa-orch" in second.errors
            assert str(stage.place.state_dir) in second.errors
        # Looking is allowed meanwhile.
        assert (await _orch("--config", str(stage.place.config_file), "accounts")).exit_code == 0
        mine = await stage.schedule("alice")
        await stage.web.reach("completed", mine)


async def test_once_works_one_cycle_and_says_by_its_exit_code_whether_all_fared_well(stage: stages.Stage) -> None:
    mine = [await stage.schedule(name) for name in ("alice", "bob")]
    async with stage.service("once") as service:
        assert await service.ended() == 0
        assert len(service.events("launch.verified")) == 2
    await stage.launched_once(*mine)

    stage.profile("bob").write_text('unix_user = "nobody-has-this-name"\n', "utf-8")
    later = await stage.schedule("alice")
    async with stage.service("once") as service:
        assert await service.ended() == 1
        assert service.events("profile.refused", account="bob", key="unix_user")
    await stage.launched_once(later)


async def test_once_ends_with_1_when_a_web_service_does_not_answer(stage: stages.Stage) -> None:
    await stage.web.order("status", status=503, user="bob@lab.net", times=None)
    async with stage.service("once", HTTP__TIMEOUT_SECONDS=1, HTTP__ATTEMPTS=1) as service:
        assert await service.ended() == 1
        assert service.events("account.backing_off", account="bob")
        assert service.events("account.backing_off", account="alice") == []


async def test_the_accounts_command_shows_who_runs_what_and_ends_with_1_for_a_refused_profile(
    stage: stages.Stage,
) -> None:
    config = ("--config", str(stage.place.config_file))
    good = await _orch(*config, "accounts", "--json")
    assert good.exit_code == 0
    rows = {row["profile"]: row for row in json.loads(good.out)}
    own = pwd.getpwuid(os.geteuid()).pw_name
    assert rows["alice"] == {
        "profile": "alice",
        "web_service_account": "alice@lab.net",
        "host": stages.HOST,
        "unix_user": own,
        "web_service": str(stage.web.url),
        "oozie": str(stage.oozie.url),
        "engine": "oozie",
        "state": "ok",
        "reason": None,
    }
    (stage.place.accounts_dir / "zoe.toml").write_text(f'unix_user = "{own}"\nhost = "it\'s"\n', "utf-8")
    table = await _orch(*config, "accounts")
    assert table.exit_code == 1
    for word in ("alice@lab.net", "bob@lab.net", stages.HOST, own, "zoe", "refused", "host"):
        assert word in table.out
    assert not [secret for secret in stage.secrets() if secret in table.out + table.errors + good.out]


async def test_the_demo_comes_to_the_expected_end_in_under_a_minute(tmp_path: pathlib.Path) -> None:
    done = await _orch("demo", seconds=60, TMPDIR=str(tmp_path))
    assert done.exit_code == 0, done.out + done.errors
    last = done.out.strip().splitlines()[-1].split()
    assert last[0] == last[2]  # "30 of 30 runs as expected"
    assert int(last[0]) >= 25
    assert machine.entries(tmp_path) == []


@pytest.mark.real_users
async def test_the_demo_with_real_users_leaves_nothing_of_them_behind(tmp_path: pathlib.Path) -> None:
    reason = unix_users.skip_reason()
    if reason is not None:
        pytest.skip(reason)
    output = tmp_path / "output"
    with output.open("wb") as stream:
        demo = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "niassa_orch", "demo", "--users", stdout=stream, stderr=stream, cwd="/"
        )
    uids: set[int] = set()
    ended = asyncio.create_task(demo.wait())
    async with asyncio.timeout(90):
        while not ended.done():
            uids |= {entry.pw_uid for entry in pwd.getpwall() if _is_of(demo.pid, entry.pw_name)}
            await asyncio.wait({ended}, timeout=0.2)
    text = output.read_text("utf-8")
    assert demo.returncode == 0, text
    assert len(uids) >= 5  # the service's user and one an account
    assert f"niorch-{demo.pid:x}" in text
    users = [entry.pw_name for entry in pwd.getpwall()]
    groups = [entry.gr_name for entry in grp.getgrall()]
    rules = [path.name for path in machine.entries(_SUDOERS)]
    assert [name for name in (*users, *groups, *rules) if _is_of(demo.pid, name)] == []
    assert machine.processes(lambda entry: entry.stat().st_uid in uids) == []


def _is_of(pid: int, name: str) -> bool:
    """Whether a user, a group or a rule was made by this process: its number is in the name, and four digits more."""
    return re.fullmatch(rf"niorch-{pid:x}[0-9a-f]{{4}}(-.*)?", name) is not None
