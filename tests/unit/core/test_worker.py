import asyncio
import pathlib
import typing

import pytest

from niassa_orch import errors
from niassa_orch.config import profiles, settings
from niassa_orch.core import board, enrolling, pool, state_directory, worker
from niassa_orch.domain import jobs, runs
from tests.fakes import clock as clocks
from tests.fakes import neighbours_in_memory as fakes

R, J, State = runs.RunStatus, jobs.JobStatus, board.State
INTERVAL_SECONDS = 30.0


class Enrolling:
    """Enrols Bob, or says what is wrong with him."""

    def __init__(self, known: enrolling.Enrolled) -> None:
        self.known = known
        self.wrong: errors.NiassaOrchError | None = None
        self.enrolled = 0
        self.released: list[str] = []

    async def enrol(self, _profile: profiles.Profile) -> enrolling.Enrolled:
        self.enrolled += 1
        if self.wrong is not None:
            raise self.wrong
        return self.known

    def release(self, name: str) -> None:
        self.released.append(name)


class Scene:
    """Bob's worker and everything around it."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.clock = clocks.Clock()
        self.service = fakes.WebServiceInMemory()
        self.oozie = fakes.OozieInMemory()
        self.told = fakes.board_of()
        self.enrolling = Enrolling(fakes.enrolled(self.service, self.oozie, directory / "mediator"))
        service = settings.Settings(beat=settings.Beat(interval_seconds=INTERVAL_SECONDS, jitter=0))
        slots, turns = pool.Pool(4), pool.EngineTurns(2)
        state = state_directory.StateDirectory(directory)
        stand_in = typing.cast(typing.Any, self.enrolling)
        desk = worker.Desk(service, self.told, slots, turns, state, stand_in)
        self.profile = profiles.Profile.model_construct(
            name="bob", unix_user="niassa-bob", web_service=profiles.WebServiceKeys(), settings_file="~/s"
        )
        self.worker = worker.Worker(self.profile, desk)

    @property
    def line(self) -> board.AccountLine:
        return self.told.line("bob")

    def always(self, exc: errors.NiassaOrchError) -> None:
        """Every request to the web service ends so."""

        def fail() -> None:
            raise exc

        self.service.before_get = [fail] * 100

    def well(self) -> None:
        self.service.before_get = []


@pytest.fixture
def scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    found = Scene(tmp_path)
    monkeypatch.setattr(worker, "time", found.clock)
    return found


async def test_a_good_beat_is_ok_and_the_next_comes_after_the_interval(scene: Scene) -> None:
    assert scene.line.state is State.STARTING
    assert await scene.worker.beat() == INTERVAL_SECONDS
    assert (scene.line.state, scene.line.reason) == (State.OK, "")
    await scene.worker.beat()
    assert scene.enrolling.enrolled == 1


async def test_a_web_service_out_of_reach_is_asked_more_seldom_and_told_once(scene: Scene) -> None:
    scene.always(errors.WebServiceUnavailableError("no connection"))
    waits = [await scene.worker.beat() for _ in range(6)]
    assert waits == pytest.approx([30, 60, 120, 240, 300, 300], rel=0.11)
    assert (scene.line.state, scene.line.reason) == (State.BACKING_OFF, "no connection")
    scene.well()
    assert await scene.worker.beat() == INTERVAL_SECONDS
    assert fakes.names(scene.told) == ["account.backing_off", "account.recovered"]


async def test_a_refused_login_may_be_a_hiccup_and_is_believed_only_when_it_lasts(scene: Scene) -> None:
    scene.always(errors.LoginRefusedError("401"))
    waits = []
    for _ in range(6):
        waits.append(await scene.worker.beat())
        states = scene.line.state
        scene.clock.advance(waits[-1])
        assert states is (State.LOGIN_REFUSED if waits[-1] == 20 else State.WRONG_PASSWORD)
    assert waits == [20, 20, 20, 20, 20, 900]
    assert scene.enrolling.enrolled == 6, "passwords are read again each time"
    assert "~/s of niassa-bob" in scene.line.reason
    scene.well()
    assert await scene.worker.beat() == INTERVAL_SECONDS
    assert scene.line.state is State.OK


@pytest.mark.parametrize(
    ("wrong", "state", "level"),
    [
        (errors.ProfileError("bob.toml", "unix_user", "no such user"), State.MISCONFIGURED, board.Level.ERROR),
        (errors.CredentialError("the password file is readable by others"), State.MISCONFIGURED, board.Level.ERROR),
        (errors.SudoRefusedError("no rule"), State.BACKING_OFF, board.Level.WARNING),
    ],
)
async def test_what_is_wrong_with_an_account_is_on_the_board(
    scene: Scene, wrong: errors.NiassaOrchError, state: board.State, level: board.Level
) -> None:
    scene.enrolling.wrong = wrong
    await scene.worker.beat()
    assert (scene.line.state, scene.line.reason) == (state, str(wrong))
    assert scene.told.snapshot().events[-1].level is level
    assert not await scene.worker.once()


async def test_a_person_who_mended_something_is_not_kept_waiting(scene: Scene) -> None:
    scene.always(errors.WebServiceUnavailableError("no connection"))
    for _ in range(5):
        await scene.worker.beat()
    scene.worker.update(scene.profile)
    assert await scene.worker.beat() == pytest.approx(30, rel=0.11)
    assert scene.enrolling.enrolled == 2


async def test_once_says_whether_the_account_fared_well(scene: Scene) -> None:
    scene.service.schedule(7, R.RUNNING, statusCmd="1-W", workflowEngine="oozie")
    scene.oozie.start("1-W", J.SUCCEEDED)
    assert await scene.worker.once()
    assert scene.service.run(7).status is R.COMPLETED
    scene.service.schedule(8)
    assert not await scene.worker.once(), "there is no mediator"


@pytest.mark.looptime
async def test_a_worker_beats_until_it_is_stopped_and_gives_back_what_it_claimed(scene: Scene) -> None:
    running = asyncio.create_task(scene.worker.run())
    await asyncio.sleep(10 * INTERVAL_SECONDS + 1)
    assert scene.service.asked.count("LIST submitted") == 11
    scene.worker.stop()
    await running
    assert scene.service.asked.count("LIST submitted") == 11
    assert scene.line.state is State.STOPPING
    assert scene.enrolling.released == ["bob"]


@pytest.mark.looptime
async def test_an_update_wakes_a_worker_that_waits(scene: Scene) -> None:
    running = asyncio.create_task(scene.worker.run())
    await asyncio.sleep(1)
    scene.worker.update(scene.profile)
    await asyncio.sleep(1)
    assert scene.enrolling.enrolled == 2
    scene.worker.stop()
    await running
