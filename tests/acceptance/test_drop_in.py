"""accounts.d while the service runs, without a signal: what comes, changes, moves and goes takes effect by itself."""

import asyncio
import itertools
import pathlib
import time

from tests.acceptance import books, services, stages

#: What a loaded machine may take; tests/benchmarks/bench_profiles.py says what it takes.
_SECONDS = 60


async def test_a_profile_that_is_dropped_in_is_served_and_the_others_are_not_disturbed(stage: stages.Stage) -> None:
    text = _taken_away(stage, "bob")
    mine = await stage.schedule("bob")
    async with stage.service() as service:
        await service.tells("account.started", account="alice")
        stage.profile("bob").write_text(text, "utf-8")
        assert (await service.tells("accounts.changed", seconds=_SECONDS)).fields == {"added": "bob"}
        await stage.web.reach("completed", mine)
        assert _alone(service, "alice") == ["account.started"]


async def test_a_profile_that_is_changed_is_worked_by_and_its_call_under_way_keeps_what_it_began_with(
    stage: stages.Stage,
) -> None:
    mine = await stage.schedule("bob", launch="silent_after_submit")
    async with stage.service() as service:
        await service.tells("launch.called", account="bob")
        _change(stage, "bob", stages.HOST, "server3.lab.net")
        assert (await service.tells("accounts.changed", seconds=_SECONDS)).fields == {"changed": "bob"}
        there = await stage.schedule("bob", host="server3.lab.net")
        await service.tells("launch.verified", account="bob", accession=mine)
        await stage.web.reach("completed", there)
        assert service.events("account.stopped") == []
        assert _alone(service, "alice") == ["account.started"]
    await stage.launched_once(mine, there)


async def test_a_profile_that_is_renamed_is_served_under_its_new_name_when_the_old_one_let_go(
    stage: stages.Stage,
) -> None:
    first = await stage.schedule("bob", "align:300")
    async with stage.service(HTTP__TIMEOUT_SECONDS=5, HTTP__ATTEMPTS=1) as service:
        await stage.web.reach("running", first)
        # Under its old name it has a request under way, and still claims its runs.
        await stage.web.order("hang", method="GET", path=f"/{first}$", agent="niassa-orch", times=1)
        await stage.cancel("bob", first)
        await books.until("a request that hangs", lambda: _struck(stage))
        stage.profile("bob").rename(stage.profile("robert"))
        told = await service.tells("accounts.changed", seconds=_SECONDS)
        assert told.fields == {"added": "robert", "removed": "bob"}
        later = await stage.schedule("bob")
        await service.tells("launch.verified", account="robert", accession=later, seconds=60)
        await stage.web.reach("cancelled", first)
        assert service.events("account.stopped", account="bob")
        assert service.events("account.misconfigured") == []
    await stage.launched_once(first, later)


async def test_a_profile_that_is_removed_ends_what_is_in_flight_and_launches_no_more(stage: stages.Stage) -> None:
    mine = await stage.schedule("bob", launch="silent_after_submit")
    async with stage.service() as service:
        await service.tells("launch.called", account="bob")
        stage.profile("bob").unlink()
        assert (await service.tells("accounts.changed", seconds=_SECONDS)).fields == {"removed": "bob"}
        left = await stage.schedule("bob")
        await service.tells("launch.repaired", account="bob", accession=mine)
        await service.tells("account.stopped", account="bob")
        await stage.web.polls(more=3)
    assert await stage.web.statuses(left) == ["submitted"]
    await stage.launched_once(mine)


async def test_a_file_that_is_written_slowly_is_read_when_it_is_whole_and_nothing_is_told_before(
    stage: stages.Stage,
) -> None:
    whole = _taken_away(stage, "bob").replace(stages.HOST, "server3.lab.net")
    # Half of a profile may be no TOML, and may be a profile as good as any.
    parts = ["", "# bob\n", "unix_user = ", whole.replace("server3.lab.net", stages.HOST), whole + "[engine", whole] * 4
    never = await stage.schedule("bob")
    async with stage.service() as service:
        await service.tells("account.started", account="alice")
        path = await _written_slowly(stage, parts)
        await service.tells("account.started", account=path.stem, seconds=_SECONDS)
        mine = await stage.schedule("bob", host="server3.lab.net")
        await stage.web.reach("completed", mine)
        assert service.events("profile.refused", account=path.stem) == []
        assert len(service.events("accounts.changed", added=path.stem)) == 1
        assert await stage.web.statuses(never) == ["submitted"]


async def test_a_file_that_is_being_written_when_the_service_starts_is_served_by_its_whole_alone(
    stage: stages.Stage,
) -> None:
    half = _taken_away(stage, "bob")
    never = await stage.schedule("bob")
    writing = asyncio.create_task(_keep_writing(stage, half))
    async with stage.service() as service:
        told = await service.tells("accounts.unfinished")
        assert (told.level, told["files"]) == ("info", "bob.toml")
        await service.tells("account.started", account="alice")
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        stage.profile("bob").write_text(half.replace(stages.HOST, "server3.lab.net"), "utf-8")
        await service.tells("account.started", account="bob", seconds=_SECONDS)
        mine = await stage.schedule("bob", host="server3.lab.net")
        await stage.web.reach("completed", mine)
        assert await stage.web.statuses(never) == ["submitted"]


async def test_what_editors_do_is_one_change_and_no_refusal(stage: stages.Stage) -> None:
    async with stage.service() as service:
        for name in ("alice", "bob"):
            await service.tells("account.started", account=name)
        path = stage.profile("bob")

        _save_as_vim(path, path.read_text("utf-8") + "# edited by vim\nenabled = false\n")
        await service.tells("account.stopped", account="bob", seconds=_SECONDS)
        await _run("sed", "-i", "/^enabled/d", path)
        await _count(service, "account.started", 3)
        await _run("sed", "-i", "$a enabled = false", path)
        await _count(service, "account.stopped", 2)

        changes = [event.fields for event in service.events("accounts.changed")]
        assert changes == [{"removed": "bob"}, {"added": "bob"}, {"removed": "bob"}]
        assert service.events("profile.refused") == []
        assert _alone(service, "alice") == ["account.started"]


async def test_a_burst_of_two_hundred_files_is_one_reload(stage: stages.Stage) -> None:
    async with stage.service() as service:
        await service.tells("account.started", account="bob")
        unix_user = stage.accounts["bob"].unix_user
        for number in range(200):
            enabled = "true" if number in (0, 199) else "false"
            text = f'unix_user = "{unix_user}"\nenabled = {enabled}\nsettings_file = "/nowhere/{number}"\n'
            stage.profile(f"burst{number:03}").write_text(text, "utf-8")
        # The first and the last that were written, and all between them.
        told = await service.tells("accounts.changed", seconds=_SECONDS)
        assert told.fields == {"added": "burst000, burst199"}
        mine = await stage.schedule("bob")
        await stage.web.reach("completed", mine)
        assert len(service.events("accounts.changed")) == 1


async def test_a_profile_that_turns_bad_goes_on_with_a_warning_until_it_is_good_again(stage: stages.Stage) -> None:
    good = stage.profile("bob").read_text("utf-8")
    async with stage.service() as service:
        await service.tells("account.started", account="bob")
        stage.profile("bob").write_text(good + 'hots = "nowhere"\n', "utf-8")
        told = await service.tells("profile.refused", account="bob", seconds=_SECONDS)
        assert (told.level, told["key"], told["served_by"]) == ("error", "hots", "the last good version")
        mine = await stage.schedule("bob")
        await stage.web.reach("completed", mine)

        stage.profile("bob").write_text(good, "utf-8")
        await service.tells("profile.accepted", account="bob", seconds=_SECONDS)
        assert len(service.events("profile.refused")) == 1
        assert service.events("accounts.changed") == []
        assert service.events("account.stopped") == []


async def test_permissions_count_as_changes(stage: stages.Stage) -> None:
    async with stage.service() as service:
        await service.tells("account.started", account="bob")
        stage.profile("bob").chmod(0o666)
        refused = await service.tells("profile.refused", account="bob", seconds=_SECONDS)
        assert "chmod go-w" in refused["reason"]
        stage.profile("bob").chmod(0o644)
        await service.tells("profile.accepted", account="bob", seconds=_SECONDS)
        stage.place.accounts_dir.chmod(0o777)
        for name in ("alice", "bob"):
            await service.tells("profile.refused", account=name, key="", seconds=_SECONDS)
        stage.place.accounts_dir.chmod(0o755)
        await service.tells("profile.accepted", account="alice", seconds=_SECONDS)


async def _written_slowly(stage: stages.Stage, parts: list[str]) -> pathlib.Path:
    """Write a profile again and again, in longer than is waited for, pausing for less than it has to keep still.

    Where the machine paused longer that was no test of anything: another profile is written.
    """
    for name in ("bob", "bob2", "bob3", "bob4", "bob5"):
        written = [time.monotonic()]
        for part in parts:
            stage.profile(name).write_text(part, "utf-8")
            await asyncio.sleep(0.1)
            written.append(time.monotonic())
        if max(later - earlier for earlier, later in itertools.pairwise(written)) < 0.4:
            return stage.profile(name)
        stage.profile(name).unlink()
    message = "this machine is too loaded to write anything quickly"
    raise AssertionError(message)


async def _keep_writing(stage: stages.Stage, text: str) -> None:
    while True:
        stage.profile("bob").write_text(text, "utf-8")
        await asyncio.sleep(0.05)


async def _struck(stage: stages.Stage) -> bool | None:
    return await stage.web.fault_hits() > 0 or None


async def _run(*argv: str | pathlib.Path) -> None:
    assert await (await asyncio.create_subprocess_exec(*argv)).wait() == 0


async def _count(service: services.Service, name: str, wanted: int) -> None:
    async def look() -> bool | None:
        return len(service.events(name)) >= wanted or None

    await books.until(f"{wanted} times {name}", look, 60)


def _alone(service: services.Service, account: str) -> list[str]:
    """Names of all that was told of an account."""
    return [event.name for event in service.all_events() if event.fields.get("account") == account]


def _taken_away(stage: stages.Stage, name: str) -> str:
    text = stage.profile(name).read_text("utf-8")
    stage.profile(name).unlink()
    return text


def _change(stage: stages.Stage, name: str, old: str, new: str) -> None:
    stage.profile(name).write_text(stage.profile(name).read_text("utf-8").replace(old, new), "utf-8")


def _save_as_vim(path: pathlib.Path, text: str) -> None:
    """As strace shows it of ``:w`` with its defaults: a swap file, a trial file, the old one aside, a new one."""
    swap, trial, backup = path.with_name(f".{path.name}.swp"), path.with_name("4913"), path.with_name(f"{path.name}~")
    swap.write_bytes(b"b0VIM 9.0")
    trial.write_bytes(b"")
    trial.unlink()
    path.rename(backup)
    path.write_text(text, "utf-8")
    backup.unlink()
    swap.unlink()
