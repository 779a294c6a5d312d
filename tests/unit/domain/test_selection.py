import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import accounts, runs, selection

BOB = accounts.Account("bob", "niassa-bob", "server2", "http://ws", "bob@lab.net")
ENGINES = (None, "oozie", "oozie-sge", "whitestar", "whitestar-parallel", "cromwell", "")

some_runs = st.lists(
    st.builds(
        runs.WorkflowRun,
        accession=st.integers(1, 40).map(runs.Accession),
        status=st.none() | st.sampled_from(runs.RunStatus) | st.just(runs.RunStatus.SUBMITTED),
        owner=st.sampled_from(["bob@lab.net", "bob@lab.net", "alice@lab.net", ""]),
        host=st.sampled_from(["server2", "server2", "server1", "SERVER2", None]),
        engine=st.sampled_from(ENGINES),
    ),
    max_size=40,
)
own_runs = st.lists(
    st.builds(
        runs.WorkflowRun,
        accession=st.integers(1, 10**17).map(runs.Accession),
        status=st.just(runs.RunStatus.SUBMITTED),
        owner=st.just("bob@lab.net"),
        host=st.just("server2"),
        engine=st.sampled_from(ENGINES),
    ),
    max_size=30,
    unique_by=lambda run: run.accession,
)


def run(accession: int, engine: str = "oozie-sge") -> runs.WorkflowRun:
    return runs.WorkflowRun(runs.Accession(accession), runs.RunStatus.SUBMITTED, "bob@lab.net", "server2", engine)


@given(some_runs, st.sets(st.integers(1, 40).map(runs.Accession)))
def test_what_is_launched_is_submitted_ours_for_our_host_available_and_once_each(
    listed: list[runs.WorkflowRun], unavailable: set[runs.Accession]
) -> None:
    chosen = selection.select_launchable(listed, BOB, lambda one: one not in unavailable)
    for one in chosen:
        assert (one.status, one.owner, one.host) == (runs.RunStatus.SUBMITTED, "bob@lab.net", "server2")
        assert one.accession not in unavailable
        assert one in listed
    accessions = [one.accession for one in chosen]
    assert accessions == sorted(set(accessions))


@given(some_runs, st.sets(st.integers(1, 40).map(runs.Accession)))
def test_nothing_that_could_be_launched_is_overlooked(
    listed: list[runs.WorkflowRun], unavailable: set[runs.Accession]
) -> None:
    wanted = {
        one.accession
        for one in listed
        if one.status is runs.RunStatus.SUBMITTED and one.owner == BOB.web_user and one.host == BOB.host
    }
    chosen = {one.accession for one in selection.select_launchable(listed, BOB, lambda one: one not in unavailable)}
    assert chosen == wanted - unavailable


@given(own_runs, st.integers(1, 7))
def test_batches_lose_nothing_repeat_nothing_and_never_mix_whitestar_with_others(
    launchable: list[runs.WorkflowRun], size: int
) -> None:
    rest, batches = list(launchable), []
    while rest:
        batch = selection.next_batch(rest, size)
        assert batch
        batches.append(batch)
        rest = [one for one in rest if one not in batch]
    assert sorted(one.accession for batch in batches for one in batch) == sorted(one.accession for one in launchable)
    assert len(batches) <= len(launchable)
    for batch in batches:
        whitestar = [one for one in batch if one.engine_family is runs.EngineFamily.WHITESTAR]
        assert len(batch) <= (1 if whitestar else size)


def test_whitestar_calls_come_last_since_they_take_hours() -> None:
    launchable = [run(1, "whitestar"), run(2), run(3, "whitestar-sge"), run(4), run(5)]
    assert [one.accession for one in selection.next_batch(launchable, 2)] == [2, 4]
    assert [one.accession for one in selection.next_batch([launchable[0], launchable[2]], 2)] == [1]


def test_there_is_no_batch_of_nothing() -> None:
    assert selection.next_batch([], 5) == ()


@pytest.mark.parametrize(
    ("engine", "family"),
    [
        ("oozie", runs.EngineFamily.OOZIE),
        ("oozie-sge", runs.EngineFamily.OOZIE),
        ("whitestar-parallel", runs.EngineFamily.WHITESTAR),
        ("Oozie", runs.EngineFamily.UNKNOWN),
        (" oozie", runs.EngineFamily.UNKNOWN),
        ("", runs.EngineFamily.UNKNOWN),
        (None, runs.EngineFamily.UNKNOWN),
    ],
)
def test_the_family_of_an_engine_is_told_by_its_prefix(engine: str | None, family: runs.EngineFamily) -> None:
    assert runs.WorkflowRun(runs.Accession(1), None, "", engine=engine).engine_family is family


def test_two_accounts_clash_when_web_service_user_and_host_are_the_same() -> None:
    other = accounts.Account("bob2", "niassa-other", "server2", "http://ws", "bob@lab.net", "http://oozie")
    assert other.claim == BOB.claim
    assert accounts.Account("bob", "niassa-bob", "server1", "http://ws", "bob@lab.net").claim != BOB.claim
