"""No file descriptor, no process to be had while a call is started: the reason is told, the service lives on, and each
run is launched exactly once, at the latest when there are some again.
"""

import functools
import pathlib
import signal

import pytest

from tests.acceptance import books, scarcity, services, stages

_QUICK = {"BEAT__INTERVAL_SECONDS": 0.1, "HTTP__ATTEMPTS": 1}
_REASONS = ("account.backing_off", "launch.backing_off", "launch.put_off", "launch.in_doubt", "run.left_alone")
#: What Python and the kernel say of a thread or a process that there cannot be.
_NO_PROCESS = ("can't start new thread", "Resource temporarily unavailable")


async def test_without_file_descriptors_a_run_is_launched_once_or_waits_with_a_reason(stage: stages.Stage) -> None:
    runs = []
    async with stage.service(**_QUICK) as service:
        pid = service.process.pid
        for spare in range(13):
            name = "alice" if spare % 2 else "bob"
            await _is_well(stage, service)
            with scarcity.limited(pid, "nofile", scarcity.descriptors_and(pid, spare)):
                runs.append(await _schedule_and_meet(stage, service, name))
            service.signal(signal.SIGHUP)
        await stage.web.reach("completed", *runs)
        assert any("Too many open files" in event["reason"] for event in _reasons(service))
        _assert_no_defect(service)
    await stage.launched_once(*runs)


async def test_without_file_descriptors_a_service_that_is_asked_to_read_its_profiles_again_lives_on(
    stage: stages.Stage,
) -> None:
    mine = await stage.schedule("alice", "align:300")
    async with stage.service(**_QUICK) as service:
        await stage.web.reach("running", mine)
        pid = service.process.pid
        for spare in range(6):
            told = len(_reasons(service)) + len(service.events("accounts.unreadable"))
            with scarcity.limited(pid, "nofile", scarcity.descriptors_and(pid, spare)):
                service.signal(signal.SIGHUP)
                if spare < 3:
                    await books.until("a reason", functools.partial(_has_told, service, told))
            service.signal(signal.SIGHUP)
            await _is_well(stage, service)
        _assert_no_defect(service)
    await stage.launched_once(mine)


@pytest.mark.real_users
async def test_without_processes_a_run_is_launched_once_or_waits_with_a_reason(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        runs = []
        async with stage.service(**_QUICK) as service:
            pid, uid = service.process.pid, people.made.service.uid
            for spare in range(7):
                name = "alice" if spare % 2 else "bob"
                await _is_well(stage, service)
                with scarcity.limited(pid, "nproc", scarcity.threads_of(uid) + spare):
                    runs.append(await _schedule_and_meet(stage, service, name))
                service.signal(signal.SIGHUP)
            await stage.web.reach("completed", *runs)
            assert any(word in event["reason"] for event in _reasons(service) for word in _NO_PROCESS), service.text
            _assert_no_defect(service)
        await stage.launched_once(*runs)


async def _is_well(stage: stages.Stage, service: services.Service) -> None:
    """Wait until accounts are served."""
    assert service.process.returncode is None
    await stage.web.polls(more=3)


async def _schedule_and_meet(stage: stages.Stage, service: services.Service, name: str) -> int:
    """Schedule a run, and wait until it is launched all the same, or somebody is told why not: of its own account."""
    seen = len(_reasons(service, account=name))
    accession = await stage.schedule(name)

    async def look() -> bool | None:
        launched = (await stage.web.runs())[accession]["status"] == "completed"
        return launched or len(_reasons(service, account=name)) > seen or None

    await books.until(f"a launch of {accession}, or a reason why not", look)
    return accession


async def _has_told(service: services.Service, before: int) -> bool | None:
    return len(_reasons(service)) + len(service.events("accounts.unreadable")) > before or None


def _reasons(service: services.Service, **fields: object) -> list[services.Event]:
    return [event for name in _REASONS for event in service.events(name, **fields)]


def _assert_no_defect(service: services.Service) -> None:
    for word in ("Traceback", "task.crashed", "a defect", "install it with"):
        assert word not in service.text, word
