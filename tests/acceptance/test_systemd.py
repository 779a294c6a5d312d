"""A real systemd, ``KillMode=process``: whatever it does to the service, an engine call lives on and is adopted."""

import functools
import pathlib
import signal

import pytest

from niassa_orch.seqware import call
from tests.acceptance import books, machine, stages, systemd

pytestmark = [pytest.mark.real_users, pytest.mark.real_systemd]


async def test_an_engine_call_outlives_restart_death_and_stop_of_the_unit_and_is_adopted_each_time(
    people: stages.People, open_directory: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    crew, uid = people.crew(), people.made["alice"].uid
    async with stages.of_people(open_directory, people) as stage:
        # Its engine stops itself before it submits, and works as long as this test likes.
        mine = await stage.schedule("alice", launch="silent_after_submit", pause="1")
        command = (*crew.argv, "--config", str(stage.place.config_file), "run")
        environment = {**crew.environment, "NIASSA_ORCH_BEAT__INTERVAL_SECONDS": "0.3"}
        async with systemd.booted(tmp_path, str(crew.user), command, environment) as host:
            await host.systemctl("start", "niorch.service")
            engines = await books.until("an engine that stopped itself", lambda: _stopped(uid))
            [transcript] = stage.transcripts("open")
            lives = {await host.main_pid()}
            for number, words in enumerate(
                (("restart",), ("kill", "--kill-who=main", "--signal=KILL"), ("stop",)), start=1
            ):
                await host.systemctl(*words, "niorch.service")
                if words == ("stop",):
                    assert await host.main_pid() == 0
                    assert call.is_held(transcript)
                    await host.systemctl("start", "niorch.service")
                await books.until(f"adopted {number} times", functools.partial(_adopted, host, number))
                lives.add(await host.main_pid())
                assert call.is_held(transcript)
            assert len(lives) == 4
            assert await stage.oozie.jobs() == []
            machine.signal_all(engines, signal.SIGCONT)
            await stage.web.reach("completed", mine)
            assert len(host.said.events("launch.called")) == 1
            await host.systemctl("stop", "niorch.service")
        await stage.launched_once(mine)


async def _stopped(uid: int) -> list[int] | None:
    return machine.stopped_of_user(uid) or None


async def _adopted(host: systemd.Machine, times: int) -> bool | None:
    return len(host.said.events("recovery.adopted")) >= times or None
