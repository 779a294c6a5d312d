"""Logins that are refused: a hiccup or not, and what an account keeps meanwhile."""

import pytest

from niassa_orch import errors
from niassa_orch.core import account_line, worker
from tests.fakes import stage as stages
from tests.unit.core import served

State = account_line.State
INTERVAL_SECONDS = served.INTERVAL_SECONDS


@pytest.fixture
def scene(stage: stages.Stage) -> served.Scene:
    return served.Scene(stage)


async def test_a_refused_login_may_be_a_hiccup_and_is_believed_only_when_it_lasts(scene: served.Scene) -> None:
    scene.always(errors.LoginRefusedError("401"))
    waits = []
    for _ in range(6):
        waits.append(await scene.worker.beat())
        states = scene.line.state
        scene.stage.clock.advance(waits[-1])
        assert states is (State.LOGIN_REFUSED if waits[-1] == 20 else State.WRONG_PASSWORD)
    assert waits == [20, 20, 20, 20, 20, 900]
    assert len(scene.enrolling.enrolled) == 6, "passwords are read again each time"
    assert "~/s of niassa-bob" in scene.line.reason
    scene.well()
    assert await scene.worker.beat() == INTERVAL_SECONDS
    assert scene.line.state is State.OK


async def test_a_refused_login_after_other_failures_is_a_hiccup_again(scene: served.Scene) -> None:
    scene.always(errors.LoginRefusedError("401"))
    for _ in range(4):
        scene.stage.clock.advance(await scene.worker.beat())
    scene.always(errors.WebServiceUnavailableError("no connection"))
    scene.stage.clock.advance(await scene.worker.beat())
    scene.always(errors.LoginRefusedError("401"))
    assert await scene.worker.beat() == 20
    assert scene.line.state is State.LOGIN_REFUSED


async def test_only_a_proven_login_claims_its_runs_and_only_one_that_is_believed_to_be_wrong_gives_them_back(
    scene: served.Scene,
) -> None:
    twin = worker.Worker(served.profile("twin"), scene.desk)
    scene.always(errors.LoginRefusedError("401"))
    await scene.worker.beat()
    scene.well()
    await twin.beat()
    assert states(scene) == {"bob": State.LOGIN_REFUSED, "twin": State.OK}
    await scene.worker.beat()
    assert states(scene) == {"bob": State.MISCONFIGURED, "twin": State.OK}
    assert "account twin already serves" in scene.line.reason
    scene.always(errors.LoginRefusedError("401"))
    for wait in [20] * 5 + [900]:
        scene.well()
        await scene.worker.beat()
        assert scene.line.state is State.MISCONFIGURED, "a hiccup gives nothing away"
        scene.always(errors.LoginRefusedError("401"))
        assert await twin.beat() == wait
        scene.stage.clock.advance(wait)
    scene.well()
    await scene.worker.beat()
    assert states(scene) == {"bob": State.OK, "twin": State.WRONG_PASSWORD}


async def test_what_a_person_has_read_again_after_a_failure_is_told_when_it_is_well(scene: served.Scene) -> None:
    scene.always(errors.LoginRefusedError("401"))
    await scene.worker.beat()
    scene.worker.refresh()
    scene.well()
    await scene.worker.beat()
    assert scene.stage.events.count("account.recovered") == 1
    await scene.worker.beat()
    assert scene.stage.events.count("account.recovered") == 1


async def test_an_account_that_could_not_prove_its_login_yet_claims_nothing(scene: served.Scene) -> None:
    twin = worker.Worker(served.profile("twin"), scene.desk)
    scene.always(errors.WebServiceUnavailableError("no connection"))
    await scene.worker.beat()
    scene.well()
    await twin.beat()
    assert states(scene) == {"bob": State.BACKING_OFF, "twin": State.OK}


def states(scene: served.Scene) -> dict[str, account_line.State]:
    return {line.name: line.state for line in scene.stage.told.snapshot().accounts}
