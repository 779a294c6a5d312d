"""Real Unix users, real sudo: work of an account runs as that account's user and as nobody else."""

import pathlib
import pwd
import signal

import pytest

from tests.acceptance import books, machine, stages, steps

pytestmark = pytest.mark.real_users


async def test_each_runs_files_belong_to_its_accounts_user_and_nobody_launches_for_another(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        owners = {}
        for engine in ("oozie", "oozie-sge", "whitestar"):
            for name in ("alice", "bob"):
                owners[await stage.schedule(name, engine=engine)] = name
        async with stage.service() as service:
            runs = await stage.web.reach("completed", *owners)
            called = {
                int(accession): event["account"]
                for event in service.events("launch.called")
                for accession in event["accessions"].split()
            }
        assert called == owners
        for job in await stage.oozie.jobs():
            user = people.made[owners[job["accession"]]]
            assert (job["user"], job["uid"]) == (user.name, user.uid)
        for run in runs:
            user = people.made[owners[run["accession"]]]
            assert _owners(pathlib.Path(run["currentWorkingDir"])) == {user.name}
        for name in ("alice", "bob"):
            for place in (stage.place.work_dir(name), stage.place.app_root(name)):
                assert _owners(place) == {people.made[name].name}


async def test_the_texts_of_steps_are_read_as_the_user_whose_they_are(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        mine = await stage.schedule("alice", steps.LONG, engine="oozie-sge")
        async with stage.service():
            [run] = await stage.web.reach("running", mine)
            _close(run["currentWorkingDir"])
            await steps.end(stage, mine)
            await stage.web.reach("completed", mine)
        assert f"began as {people.made['alice'].name}" in (await stage.record("alice", mine))["stdOut"]


async def test_an_engine_that_hangs_is_killed_at_its_deadline_with_its_children(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    alice = people.made["alice"]
    async with stages.of_people(open_directory, people, deadline_seconds=10, kill_grace_seconds=0.5) as stage:
        stuck = await stage.schedule("alice", launch="hangs")
        other = await stage.schedule("bob")
        async with stage.service() as service:
            await service.tells("launch.called", account="alice")

            async def grown() -> set[int] | None:
                # The engine and the child of its own, both deaf to SIGTERM.
                of_call = set(machine.processes_of_user(alice.uid))
                return of_call if len([pid for pid in of_call if _is_deaf(pid)]) >= 2 else None

            of_call = await books.until("an engine that hangs, and its child", grown)
            await stage.web.reach("completed", other)
            await service.tells("launch.clean", accession=stuck)
            assert of_call.isdisjoint(machine.processes_of_user(alice.uid))  # the next try may have begun
        assert await stage.web.statuses(stuck) == ["submitted"]
        assert await stage.oozie.jobs(stuck) == []


async def test_a_missing_sudo_rule_is_named_and_nothing_is_lost(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    made = people.made
    async with stages.of_people(open_directory, people) as stage:
        mine = await stage.schedule("alice")
        made.forbid()
        try:
            async with stage.service() as service:
                told = await service.tells("account.backing_off", account="alice")
                rule = f"{made.service.name} ALL=({made['alice'].name}) NOPASSWD: {made.mediator}"
                assert rule in told["reason"]
                assert await stage.web.statuses(mine) == ["submitted"]

                made.allow(made.mediator)
                service.signal(signal.SIGHUP)
                await stage.web.reach("completed", mine)

                made.forbid()  # the accounts are known by now: it is the launch that is refused
                later = await stage.schedule("alice")
                told = await service.tells("launch.backing_off", account="alice")
                assert rule in told["reason"]
                assert await stage.web.statuses(later) == ["submitted"]

                made.allow(made.mediator)
                service.signal(signal.SIGHUP)
                await stage.web.reach("completed", later)
            await stage.launched_once(mine, later)
        finally:
            made.allow(made.mediator)


async def test_whitestar_holds_its_own_users_turn_and_no_other_users(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        long = await stage.schedule("alice", steps.LONG, engine="whitestar")
        async with stage.service(POOL__ENGINE_CALLS=1) as service:
            await service.tells("launch.called", accessions=long)
            behind = await stage.schedule("alice")
            others = [await stage.schedule("bob") for _ in range(2)]
            await stage.web.reach("completed", *others)
            assert await stage.web.statuses(long) == await stage.web.statuses(behind) == ["submitted"]
            await steps.end(stage, long)
            await stage.web.reach("completed", long, behind)
            assert len(service.events("launch.called", accessions=long)) == 1
        assert await stage.web.statuses(long) == ["submitted", "completed"]
        await stage.launched_once(*others, behind)


async def test_a_service_of_its_own_user_that_is_killed_adopts_the_calls_of_others(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        both = [await stage.schedule(name, launch="silent_after_submit") for name in ("alice", "bob")]
        async with stage.service() as service:
            await service.tells("launch.called", account="alice")
            await service.tells("launch.called", account="bob")
            await service.kill()
        async with stage.service() as service:
            await stage.web.reach("completed", *both)
            assert service.events("launch.backing_off") == []
        await stage.launched_once(*both)


def _owners(directory: pathlib.Path) -> set[str]:
    return {pwd.getpwuid(path.lstat().st_uid).pw_name for path in (directory, *directory.rglob("*"))}


def _close(directory: str) -> None:
    """Only its owner may enter it from now on."""
    pathlib.Path(directory).chmod(0o700)


def _is_deaf(pid: int) -> bool:
    """Whether a process ignores SIGTERM."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return False
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(ignored.split()[1], 16) & 1 << (signal.SIGTERM - 1))
