import asyncio
import os
import pathlib
from collections.abc import Iterator

import pytest

from niassa_orch.config import settings
from niassa_orch.core import board, launching, pool, rests, settlement, state_directory
from niassa_orch.domain import jobs, runs
from niassa_orch.seqware import call
from tests.fakes import calls
from tests.fakes import clock as clocks
from tests.fakes import neighbours_in_memory as fakes

R, J = runs.RunStatus, jobs.JobStatus
JOB = "1-oozie-W"
DIRECTORY = "/work/oozie-1"
GRACE_SECONDS = 120.0


class Scene:
    """Bob's runs and who launches them, through a mediator that is a tiny script."""

    def __init__(self, directory: pathlib.Path, clock: clocks.Clock) -> None:
        self.directory = directory
        self.clock = clock
        self.service = fakes.WebServiceInMemory()
        self.oozie = fakes.OozieInMemory()
        self.told = fakes.board_of()
        self.mediator = directory / "mediator"
        self.known = fakes.enrolled(self.service, self.oozie, self.mediator)
        self.state = state_directory.StateDirectory(directory / "state")
        self.state.open()
        self.launcher = self.new_launcher()

    def new_launcher(self) -> launching.Launcher:
        """As after a start of the service."""
        settle = settlement.Settlement(self.told, pool.Pool(2), GRACE_SECONDS)
        engine = settings.Engine(batch=2)
        return launching.Launcher(self.told.line("bob"), self.told, pool.EngineTurns(2), settle, self.state, engine)

    def says(self, *lines: str, gate: pathlib.Path | None = None) -> None:
        calls.mediator(self.mediator, lines, gate=gate)

    async def beat(self) -> None:
        """Offer what is submitted, wait for the calls, ask about what is in doubt."""
        self.launcher.offer(self.known, [self.service.run(accession) for accession in self.service.rows])
        await self.launcher.finish()
        await self.launcher.settle_doubts()

    @property
    def called(self) -> list[str]:
        return calls.calls_of(self.mediator)

    @property
    def line(self) -> board.AccountLine:
        return self.told.line("bob")


@pytest.fixture
def scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    clock = clocks.Clock()
    for module in (launching, settlement, rests):
        monkeypatch.setattr(module, "time", clock)
    found = Scene(tmp_path, clock)
    yield found
    found.state.close()
    for gate in tmp_path.glob("gate-*"):
        os.close(os.open(gate, os.O_RDWR | os.O_NONBLOCK))  # whoever still waits there goes on


async def test_what_is_submitted_is_launched_in_batches_and_put_away_when_settled(scene: Scene) -> None:
    for accession in (7, 8, 9):
        scene.service.schedule(accession)
    scene.service.schedule(10, R.RUNNING)
    scene.service.schedule(11, host="server1")
    scene.service.schedule(12, ownerUserName="alice@lab.net")
    scene.says(*calls.whole(*(line for a in (7, 8, 9) for line in calls.launching(a, f"/w/oozie-{a}", f"{a}-oozie-W"))))
    await scene.beat()
    assert scene.called == ["launch 7 8", "launch 9"]
    assert [scene.service.run(a).status_cmd for a in (7, 8, 9)] == ["7-oozie-W", "8-oozie-W", "9-oozie-W"]
    assert scene.state.unsettled("bob") == ()
    assert (scene.line.in_flight, scene.line.in_doubt, scene.launcher.trouble) == ((), (), "")
    await scene.beat()
    assert len(scene.called) == 2


async def test_a_whitestar_run_has_a_call_of_its_own(scene: Scene) -> None:
    scene.service.schedule(7, workflowEngine="whitestar")
    scene.service.schedule(8)
    scene.says(*calls.whole("Setting workflow-run status to completed for: 7", *calls.launching(8, "/w/o-8", JOB)))
    await scene.beat()
    assert scene.called == ["launch 8", "launch-whitestar 7"]
    assert (scene.service.run(7).status, scene.service.run(7).status_cmd) == (R.COMPLETED, "7")


async def test_a_run_that_a_user_cancelled_in_the_last_moment_is_not_launched(scene: Scene) -> None:
    scene.service.schedule(7)
    scene.says(*calls.whole())
    scene.service.before_get.append(scene.service.sets(7, status=R.SUBMITTED_CANCEL))
    await scene.beat()
    assert scene.called == []
    assert scene.launcher.is_settled(runs.Accession(7))


async def test_nothing_is_launched_while_oozie_is_out_of_reach_and_everything_after(scene: Scene) -> None:
    scene.service.schedule(7)
    scene.says(*calls.whole(*calls.launching(7, DIRECTORY, JOB)))
    scene.oozie.down = True
    await scene.beat()
    assert scene.called == []
    assert "no connection to Oozie" in scene.launcher.trouble
    scene.oozie.down = False
    await scene.beat()
    assert scene.called == [], "it waits a little"
    scene.clock.advance(60)
    await scene.beat()
    assert scene.called == ["launch 7"]
    assert scene.launcher.trouble == ""


async def test_a_launch_that_came_to_nothing_is_tried_again_after_a_rest(scene: Scene) -> None:
    scene.service.schedule(7)
    scene.says(*calls.whole(*calls.launching(7)))
    await scene.beat()
    assert runs.Accession(7) in scene.launcher.unavailable()
    assert scene.launcher.is_settled(runs.Accession(7))
    await scene.beat()
    assert scene.called == ["launch 7"]
    scene.clock.advance(34)
    await scene.beat()
    assert scene.called == ["launch 7", "launch 7"]


async def test_a_run_in_doubt_is_neither_launched_nor_cancelled_until_oozie_said_none_twice(scene: Scene) -> None:
    scene.service.schedule(7)
    scene.says(*calls.whole(*calls.launching(7, DIRECTORY)))
    await scene.beat()
    assert scene.line.in_doubt == (7,)
    assert not scene.launcher.is_settled(runs.Accession(7))
    scene.clock.advance(GRACE_SECONDS)
    await scene.beat()
    assert scene.called == ["launch 7"]
    assert scene.launcher.is_settled(runs.Accession(7))
    assert not scene.line.in_doubt
    assert not scene.state.unsettled("bob")
    scene.clock.advance(3600)
    await scene.beat()
    assert scene.called == ["launch 7", "launch 7"]


async def test_two_jobs_of_one_launch_are_held_and_never_launched_again_nor_after_a_restart(scene: Scene) -> None:
    scene.service.schedule(7)
    for job in (JOB, "2-oozie-W"):
        scene.oozie.start(job, app_path="/apps/oozie-1")
    scene.says(*calls.whole(*calls.launching(7, DIRECTORY)))
    for _ in range(3):
        await scene.beat()
        scene.clock.advance(7200)
    assert list(scene.line.held) == [7]
    scene.launcher = scene.new_launcher()
    scene.launcher.adopt(scene.known)
    await scene.beat()
    assert scene.called == ["launch 7"]
    assert list(scene.line.held) == [7]


async def test_a_mediator_that_refuses_makes_the_account_wait_and_says_why(scene: Scene) -> None:
    scene.service.schedule(7)
    scene.says(calls.REFUSED)
    await scene.beat()
    await scene.beat()
    assert scene.called == ["launch 7"]
    assert scene.launcher.trouble.endswith("refused: no settings file")
    assert scene.launcher.is_settled(runs.Accession(7))
    assert scene.service.run(7).status is R.SUBMITTED
    scene.says(*calls.whole(*calls.launching(7, DIRECTORY, JOB)))
    scene.clock.advance(60)
    await scene.beat()
    assert scene.launcher.trouble == ""
    assert scene.service.run(7).status_cmd == JOB


async def test_a_mediator_that_is_not_there_makes_the_account_wait_and_loses_nothing(scene: Scene) -> None:
    scene.service.schedule(7)
    await scene.beat()
    assert "the mediator did not run" in scene.launcher.trouble
    scene.launcher.forgive()
    scene.says(*calls.whole(*calls.launching(7, DIRECTORY, JOB)))
    await scene.beat()
    assert scene.service.run(7).status_cmd == JOB


async def test_a_lock_that_is_held_elsewhere_points_to_a_crontab(scene: Scene) -> None:
    scene.service.schedule(7)
    scene.says(*calls.whole("it.sauronsoftware.junique.AlreadyLockedException: lock"))
    await scene.beat()
    assert "crontab of niassa-bob" in scene.launcher.trouble


async def test_without_room_for_the_intent_nothing_is_launched(scene: Scene) -> None:
    scene.service.schedule(7)
    scene.says(*calls.whole(*calls.launching(7, DIRECTORY, JOB)))
    calls_dir = scene.state.path / "calls"
    (calls_dir / "open").rename(calls_dir / "away")
    await scene.beat()
    assert scene.called == []
    assert scene.launcher.trouble
    assert scene.launcher.is_settled(runs.Accession(7))


async def test_a_drain_leaves_the_call_alive_and_the_next_start_adopts_it(scene: Scene) -> None:
    gate = scene.directory / "gate"
    os.mkfifo(f"{gate}-7")
    scene.service.schedule(7)
    scene.says(*calls.whole(*calls.launching(7, DIRECTORY, JOB)), gate=gate)
    scene.launcher.offer(scene.known, [scene.service.run(7)])
    door = await asyncio.to_thread(pathlib.Path(f"{gate}-7").open, "w")  # the call has come to its gate
    await scene.launcher.stop()
    (transcript,) = scene.state.unsettled("bob")
    assert call.is_held(transcript)

    scene.launcher = scene.new_launcher()
    scene.launcher.adopt(scene.known)
    assert scene.line.in_flight == (7,)
    scene.launcher.offer(scene.known, [scene.service.run(7)])
    assert not scene.launcher.is_settled(runs.Accession(7))
    door.write("go\n")
    door.close()
    await scene.launcher.finish()
    assert scene.called == ["launch 7"]
    assert scene.service.run(7).status_cmd == JOB
    assert scene.state.unsettled("bob") == ()
    assert "recovery.adopted" in fakes.names(scene.told)


async def test_a_call_that_ended_while_nobody_was_there_is_settled_at_the_next_start(scene: Scene) -> None:
    scene.service.schedule(7)
    header = call.CallHeader.now("bob", "niassa-bob", "launch", [runs.Accession(7)], runs.EngineFamily.OOZIE)
    lines = "\n".join(calls.whole(*calls.launching(7, DIRECTORY, JOB)))
    scene.state.transcript("bob", header.call_id).write_bytes(header.to_line() + f"{lines}\n".encode())
    scene.state.transcript("bob", "half").write_bytes(header.to_line()[:20])
    scene.says(*calls.whole())
    scene.launcher.adopt(scene.known)
    await scene.beat()
    assert scene.called == []
    assert scene.service.run(7).status_cmd == JOB
    assert {"recovery.to_settle", "recovery.no_call", "launch.repaired"} <= set(fakes.names(scene.told))


async def test_a_transcript_of_an_account_with_a_similar_name_is_left_to_it(scene: Scene) -> None:
    header = call.CallHeader.now("bob--x", "niassa-x", "launch", [runs.Accession(7)], runs.EngineFamily.OOZIE)
    scene.state.transcript("bob--x", header.call_id).write_bytes(header.to_line())
    scene.launcher.adopt(scene.known)
    assert scene.launcher.is_settled(runs.Accession(7))


async def test_two_accounts_of_one_unix_user_never_call_the_engine_at_once(scene: Scene) -> None:
    gate = scene.directory / "gate"
    for accession in (7, 8):
        os.mkfifo(f"{gate}-{accession}")
    turns = pool.EngineTurns(5)
    launchers = [
        launching.Launcher(
            scene.told.line(name),
            scene.told,
            turns,
            settlement.Settlement(scene.told, pool.Pool(2), GRACE_SECONDS),
            scene.state,
            settings.Engine(),
        )
        for name in ("one", "two")
    ]
    scene.says(*calls.whole(*calls.launching(7, DIRECTORY, JOB), *calls.launching(8, "/w/oozie-8", "8-W")), gate=gate)
    for launcher, accession in zip(launchers, (7, 8), strict=True):
        launcher.offer(scene.known, [scene.service.schedule(accession)])
    for number, accession in enumerate((7, 8), 1):
        door = await asyncio.to_thread(pathlib.Path(f"{gate}-{accession}").open, "w")
        assert len(scene.called) == number
        door.write("go\n")
        door.close()
    for launcher in launchers:
        await launcher.finish()
    assert scene.called == ["launch 7", "launch 8"]
