from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import runs, settling
from niassa_orch.journal import records
from tests.fakes import launches

words = st.text(max_size=20)
made = st.builds(
    records.Launch,
    call_id=words,
    web_service=words,
    accession=st.integers(0, 2**62).map(runs.Accession),
    engine_family=st.sampled_from(runs.EngineFamily),
    started=st.booleans(),
    outcome=st.none() | st.sampled_from(settling.Outcome),
    none_since=st.none() | st.floats(0, 2e9),
)


@given(made)
def test_a_launch_is_the_same_after_it_was_a_row(launch: records.Launch) -> None:
    assert records.of_row(records.to_row(launch)) == launch


def test_a_run_is_an_accession_of_a_web_service() -> None:
    assert launches.launch(7).key == (launches.WEB_SERVICE, 7)
    assert launches.launch(7).key != launches.launch(7, web_service="http://other").key


def test_sqlite_gives_numbers_where_we_have_truths() -> None:
    row = tuple(int(value) if isinstance(value, bool) else value for value in records.to_row(launches.launch(7)))
    assert records.of_row(row).started is False
