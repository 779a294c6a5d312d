"""Times as people say them."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import spans

NOW = datetime.datetime(2026, 11, 24, 4, 30, tzinfo=datetime.UTC)


@pytest.mark.parametrize(("text", "length"), [("90s", 90), ("30m", 1800), (" 2h", 7200), ("1d", 86_400)])
def test_a_span_is_a_number_and_a_unit(text: str, length: int) -> None:
    assert spans.seconds(text) == length
    assert spans.since(text, NOW) == NOW - datetime.timedelta(seconds=length)


@pytest.mark.parametrize("text", ["", "0s", "2", "h", "-2h", "2h30m", "4000d", "1e3s", "٣h", "999999999d"])
def test_what_is_no_span_is_refused_with_words(text: str) -> None:
    with pytest.raises(ValueError, match="90s, 30m, 2h or 1d"):
        spans.seconds(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24", "2026-11-24T00:00:00+00:00"),
        ("2026-11-24T03:15", "2026-11-24T03:15:00+00:00"),
        ("2026-11-24 03:15:01.250", "2026-11-24T03:15:01.250000+00:00"),
        ("2026-11-24T03:15+02:00", "2026-11-24T01:15:00+00:00"),
    ],
)
def test_a_date_is_in_utc_unless_it_says_otherwise(text: str, moment: str) -> None:
    assert spans.since(text, NOW).isoformat() == moment


@given(st.text())
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    try:
        said = spans.since(text, NOW)
    except ValueError as exc:
        assert str(exc)
    else:
        assert said.tzinfo is datetime.UTC
