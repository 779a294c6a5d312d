"""accounts.d as a directory that is swapped, vanishes, or cannot be listened to, while the service runs."""

import asyncio
import os
import pathlib
import shutil
import signal
import sys

import pytest

from tests.acceptance import services, stages

_SECONDS = 60
#: A service that has no inotify, and all else as ever: the limit is of a user namespace of its own.
_DEAF = (
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    'echo 0 > /proc/sys/user/max_inotify_instances; exec "$@"',
    "sh",
)


async def test_a_directory_that_is_a_symbolic_link_may_be_pointed_elsewhere_in_one_step(stage: stages.Stage) -> None:
    real, link = stage.place.accounts_dir.with_name("..v1"), stage.place.accounts_dir
    link.rename(real)
    link.symlink_to(real.name)
    async with stage.service() as service:
        await _both_start(service)
        second = _copied(real, "..v2")
        (second / "bob.toml").rename(second / "robert.toml")
        _point(link, second)
        told = await service.tells("accounts.changed", seconds=_SECONDS)
        assert told.fields == {"added": "robert", "removed": "bob"}
        # What a link points to now is listened to.
        (second / "robert.toml").unlink()
        await service.tells("account.stopped", account="robert", seconds=_SECONDS)
        _assert_undisturbed(service)


async def test_a_directory_of_which_a_part_of_the_path_is_swapped_is_the_new_one(stage: stages.Stage) -> None:
    # As Kubernetes mounts a ConfigMap: ..data points to a directory with a date, and is replaced by a rename.
    mount = stage.place.accounts_dir.with_name("mount")
    mount.mkdir(mode=0o755)
    dated = mount / "..2026_01_01"
    stage.place.accounts_dir.rename(dated)
    _point(mount / "..data", dated)
    stage.place.accounts_dir.symlink_to("mount/..data")
    async with stage.service() as service:
        await _both_start(service)
        later = _copied(dated, "..2026_02_02")
        text = (later / "bob.toml").read_text("utf-8")
        (later / "bob.toml").write_text(text.replace(stages.HOST, "server3.lab.net"), "utf-8")
        _point(mount / "..data", later)
        shutil.rmtree(dated)
        assert (await service.tells("accounts.changed", seconds=_SECONDS)).fields == {"changed": "bob"}
        there = await stage.schedule("bob", host="server3.lab.net")
        await stage.web.reach("completed", there)
        assert service.events("accounts.unreadable") == []
        _assert_undisturbed(service)


async def test_a_directory_that_vanishes_changes_nothing_is_told_and_is_heard_when_it_is_back(
    stage: stages.Stage,
) -> None:
    away = stage.place.accounts_dir.with_name("away")
    async with stage.service() as service:
        await _both_start(service)
        stage.place.accounts_dir.rename(away)
        told = await service.tells("accounts.unreadable", seconds=_SECONDS)
        assert told.level == "error"
        assert "mkdir" in told["reason"]
        mine = await stage.schedule("bob")
        await stage.web.reach("completed", mine)
        (away / "bob.toml").rename(away / "bob.toml.disabled")
        away.rename(stage.place.accounts_dir)
        await service.tells("accounts.readable", seconds=_SECONDS)
        await service.tells("account.stopped", account="bob", seconds=_SECONDS)
        (stage.place.accounts_dir / "bob.toml.disabled").rename(stage.profile("bob"))
        await service.tells("accounts.changed", added="bob", seconds=_SECONDS)
        assert len(service.events("accounts.unreadable")) == 1
        _assert_undisturbed(service)


async def test_a_directory_that_is_made_anew_at_once_is_the_new_one(stage: stages.Stage) -> None:
    async with stage.service() as service:
        await _both_start(service)
        text = stage.profile("alice").read_text("utf-8")
        for _ in range(3):  # a file system may give the new one the number of the old
            shutil.rmtree(stage.place.accounts_dir)
            stage.place.accounts_dir.mkdir(mode=0o755)
            stage.profile("alice").write_text(text, "utf-8")
        await service.tells("account.stopped", account="bob", seconds=_SECONDS)
        stage.profile("alice").write_text(text + "enabled = false\n", "utf-8")
        await service.tells("account.stopped", account="alice", seconds=_SECONDS)
        assert service.events("accounts.unreadable") == []


@pytest.mark.parametrize("how", ["poll", "deaf"])
async def test_without_inotify_a_look_a_second_does_and_the_service_says_why(stage: stages.Stage, how: str) -> None:
    environment: dict[str, object] = {"ACCOUNTS_WATCH": "poll"} if how == "poll" else {}
    if how == "deaf":
        await _skip_without_user_namespaces()
        stage.crew = stages.Crew(argv=(*_DEAF, sys.executable, "-m", "niassa_orch"))
    async with stage.service(**environment) as service:
        await _both_start(service, "accounts.polled")
        (told,) = service.events("accounts.polled")
        assert (told.level, "inotify" in told["reason"]) == (("info", False) if how == "poll" else ("warning", True))
        stage.profile("bob").chmod(0o666)
        await service.tells("profile.refused", account="bob", seconds=_SECONDS)
        stage.profile("bob").chmod(0o644)
        await service.tells("profile.accepted", account="bob", seconds=_SECONDS)
        _change_unseen(stage.profile("bob"), stages.HOST, "server3.lab.net")
        await service.tells("accounts.changed", changed="bob", seconds=_SECONDS)
        assert len(service.events("accounts.polled")) == 1
        _assert_undisturbed(service)


async def test_switched_off_nothing_takes_effect_before_somebody_asks(stage: stages.Stage) -> None:
    async with stage.service(ACCOUNTS_WATCH="off") as service:
        await _both_start(service, "service.started")
        stage.profile("bob").unlink()
        for _ in range(3):
            await stage.web.reach("completed", await stage.schedule("bob"))
        assert service.events("accounts.changed") == []
        service.signal(signal.SIGHUP)
        await service.tells("account.stopped", account="bob")


async def _skip_without_user_namespaces() -> None:
    probe = await asyncio.create_subprocess_exec(*_DEAF, "true", stderr=asyncio.subprocess.DEVNULL)
    if await probe.wait() != 0:
        pytest.skip("inotify cannot be taken away from one process here: unshare --user is refused")


async def _both_start(service: services.Service, heard: str = "accounts.watched") -> None:
    """And whatever happens now is heard, or not: what happened before the watch stood is looked for once it does."""
    await service.tells(heard)
    for name in ("alice", "bob"):
        await service.tells("account.started", account=name)


def _assert_undisturbed(service: services.Service) -> None:
    told = [event.name for event in service.all_events() if event.fields.get("account") == "alice"]
    assert told == ["account.started"]


def _copied(directory: pathlib.Path, name: str) -> pathlib.Path:
    """With files that are younger, as a tool that writes all of them anew leaves them."""
    return pathlib.Path(shutil.copytree(directory, directory.with_name(name), copy_function=shutil.copyfile))


def _point(link: pathlib.Path, directory: pathlib.Path) -> None:
    """In one step, as ``ln -sfn`` does not and careful tools do."""
    new = link.with_name(f"{link.name}.new")
    new.symlink_to(directory.name)
    new.replace(link)


def _change_unseen(path: pathlib.Path, old: str, new: str) -> None:
    """Of the same size and with the same time of change: only the one that nobody can set tells."""
    assert len(old) == len(new)
    before = path.stat()
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
