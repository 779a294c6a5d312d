"""Orders of operators as the core heeds them: what is kept, what goes on, what goes first, what is told."""

import dataclasses
import datetime

import pytest

from niassa_orch.config import settings
from niassa_orch.core import explaining, limits
from niassa_orch.domain import orders, runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import beats as beat_scenes
from tests.unit.core import beats_within_limits as scenes

ALICE = orders.Operator(1001, "alice")
Kind, R = orders.Kind, runs.RunStatus


def order(kind: orders.Kind, account: str = "", **more: object) -> orders.Order:
    """Given by alice, now."""
    return orders.Order(kind, account, ALICE, datetime.datetime.now(datetime.UTC), **more)  # type: ignore[arg-type]


def urgent(accession: int) -> orders.Order:
    return order(Kind.URGENT, "bob", accession=runs.Accession(accession))


@pytest.mark.parametrize("kind", [Kind.STOP, Kind.PAUSE, Kind.PAUSE_LAUNCHING])
@pytest.mark.parametrize("account", ["", "bob"])
async def test_an_order_keeps_launches_until_it_is_lifted_and_says_why(
    stage: stages.Stage, kind: orders.Kind, account: str
) -> None:
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    scene, given = scenes.Scene(stage), order(kind, account, reason="disk")
    await stage.orders.give(given)
    await scene.beat(stage.known)
    assert (stage.called, stage.line.waiting) == ([], str(given))
    await stage.orders.lift([given], "alice")
    await scene.beat(stage.known)
    assert (stage.called, stage.line.waiting) == (["launch 1"], "")


async def test_an_order_for_another_account_keeps_nothing(stage: stages.Stage) -> None:
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    await stage.orders.give(order(Kind.STOP, "eve"))
    await scenes.Scene(stage).beat(stage.known)
    assert stage.called == ["launch 1"]


async def test_a_launch_that_waits_for_the_users_turn_is_given_up_at_the_next_beat_after_a_stop(
    stage: stages.Stage,
) -> None:
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    scene, stop = scenes.Scene(stage), order(Kind.STOP)
    async with stage.turns.turn("niassa-bob", what="a whitestar call"):
        scene.launcher.offer(stage.known, stages.rows(stage))
        await stage.until(lambda: "a whitestar call" in stage.line.waiting)
        await stage.orders.give(stop)
        scene.launcher.offer(stage.known, stages.rows(stage))
        await scene.launcher.join()
        assert stage.line.waiting == str(stop)
    assert stage.called == []


async def test_a_stop_that_comes_while_a_launch_has_its_turn_lets_it_not_begin(stage: stages.Stage) -> None:
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    scene = scenes.Scene(stage)
    async with stage.turns.calls.slot("eve"), stage.turns.calls.slot("ann"):
        scene.launcher.offer(stage.known, stages.rows(stage))
        await stage.until(lambda: stage.turns.calls.waiting == 1)
        await stage.orders.give(order(Kind.STOP))
    await scene.launcher.join()
    assert stage.called == []


@pytest.mark.parametrize(("kind", "status"), [(Kind.PAUSE, R.RUNNING), (Kind.STOP, R.COMPLETED)])
async def test_only_a_whole_pause_keeps_statuses_from_being_written(
    stage: stages.Stage, kind: orders.Kind, status: runs.RunStatus
) -> None:
    beats, given = beat_scenes.Beats(stage), order(kind, "bob")
    beats.running(1)
    await stage.orders.give(given)
    await beats.beat()
    assert beats.statuses(1) == [status]
    await stage.orders.lift([given], "alice")
    await beats.beat()
    assert beats.statuses(1) == [R.COMPLETED]


async def test_an_urgent_run_goes_alone_and_first_within_the_limits(stage: stages.Stage) -> None:
    launching = settings.Launching(account_in_flight=1)
    stage.intents.limits = limits.Limits(launching, stages.BEAT_SECONDS, tuple)
    scenes.schedule(stage, 1, 2, 3)
    scenes.launch_well(stage, 1, 2, 3)
    scene = scenes.Scene(stage)
    await stage.orders.give(urgent(3))
    known = stages.renamed(stage, "bob", in_flight=1)
    await scene.beat(known)
    assert stage.called == ["launch 3", "launch 1", "launch 2"]


async def test_an_urgent_whitestar_run_goes_before_the_quick_ones(stage: stages.Stage) -> None:
    scenes.schedule(stage, 1)
    stage.service.schedule(2, workflowEngine="whitestar")
    stage.says(*calls.whole())
    await stage.orders.give(urgent(2))
    await scenes.Scene(stage).beat(stage.known)
    assert stage.called[0] == "launch-whitestar 2"


@pytest.mark.parametrize("account", ["", "bob"])
async def test_a_run_is_urgent_until_it_is_launched_and_by_whom_does_not_matter(
    stage: stages.Stage, account: str
) -> None:
    beats = beat_scenes.Beats(stage)
    scenes.schedule(stage, 7)
    scenes.launch_well(stage, 7)
    kept = order(Kind.STOP)
    for given in (kept, dataclasses.replace(urgent(7), account=account)):
        await stage.orders.give(given)
    await beats.beat()
    await beats.beat()
    assert stage.orders.urgent("bob") == {7}
    beats.running(7, status=R.PENDING)
    await beats.beat()
    await beats.beat()
    assert stage.orders.in_force() == (kept,)
    assert stage.events.count("order.lifted") == 1


async def test_orders_are_told_when_they_begin_and_end_whoever_wrote_them(stage: stages.Stage) -> None:
    await stage.orders.give(order(Kind.STOP, reason="disk"))
    assert [(one.kind, one.reason) for one in stage.told.snapshot().orders] == [(Kind.STOP, "disk")]
    now = datetime.datetime.now(datetime.UTC)
    stage.alter("UPDATE orders SET lifted = '2026-01-01'")
    await stage.intents.refresh()
    stage.orders.look()
    soon = now + datetime.timedelta(hours=1)
    await stage.orders.give(order(Kind.PAUSE, "bob", until=soon))
    stage.orders._now = lambda: soon  # its clock is ours
    stage.orders.look()
    stage.orders.look()
    assert [name for name in stage.events if name.startswith("order.")] == [
        "order.given",
        "order.lifted",
        "order.given",
        "order.ended",
    ]
    assert stage.told.snapshot().orders == ()


async def test_explain_says_which_order_keeps_a_run_and_that_it_is_urgent(stage: stages.Stage) -> None:
    scenes.schedule(stage, 7)
    stop, first = order(Kind.STOP, reason="disk"), urgent(7)
    for given in (stop, first):
        await stage.orders.give(given)
    explains = explaining.Explaining(settings.Settings(), [stage.known], stage.journal, lambda _, __: [str(stop), "x"])
    said = [one async for one in explains.explain(runs.Accession(7))]
    assert [one.text for one in said if one.who == "order"] == [str(first)]
    waits = [one.text for one in said if one.who == "waits"]
    assert (waits.count(str(stop)), waits[-1]) == (1, "x")


async def test_a_secret_in_a_reason_is_on_no_face(stage: stages.Stage) -> None:
    stage.told.redact = lambda text: text.replace("s3cret", "***")
    await stage.orders.give(order(Kind.STOP, reason="s3cret"))
    snapshot = stage.told.snapshot()
    assert "s3cret" not in f"{snapshot.orders} {snapshot.events}"
