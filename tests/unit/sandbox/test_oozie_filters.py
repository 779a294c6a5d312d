import pytest

from niassa_orch.sandbox import oozie_filters
from niassa_orch.sandbox.oozie_answers import RefusedError

NOW = 1_700_000_000.0


def test_an_empty_filter_selects_everything_newest_created_first() -> None:
    found = oozie_filters.parse("", (5, 3), NOW)
    assert (found.where, found.parameters, found.order) == ("1", (), "created DESC")


def test_repeats_are_ored_and_different_names_are_anded() -> None:
    found = oozie_filters.parse("user=bob;status=RUNNING;status=PREP", (4, 1), NOW)
    assert found.where == "user IN (?) AND status IN (?, ?)"
    assert found.parameters == ("bob", "RUNNING", "PREP")


def test_the_order_by_last_change_is_descending() -> None:
    assert oozie_filters.parse("sortby=lastModifiedTime", (4, 3), NOW).order == "modified DESC"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2023-11-14T22:13Z", 1_699_999_980),
        ("-2d", NOW - 172_800),
        ("-3h", NOW - 10_800),
        ("-5m", NOW - 300),
    ],
)
def test_created_times_are_minutes_of_a_day_or_an_age(value: str, seconds: float) -> None:
    found = oozie_filters.parse(f"startcreatedtime={value}", (4, 2), NOW)
    assert (found.where, found.parameters) == ("(created >= ?)", (seconds,))


@pytest.mark.parametrize(
    ("name", "first"), [("startcreatedtime", (4, 2)), ("endcreatedtime", (4, 2)), ("sortby", (4, 3)), ("text", (4, 4))]
)
def test_a_name_is_unknown_before_its_version(name: str, first: tuple[int, int]) -> None:
    value = {"sortby": "createdTime", "text": "x"}.get(name, "-1d")
    assert oozie_filters.parse(f"{name}={value}", first, NOW)
    with pytest.raises(RefusedError, match="invalid element") as caught:
        oozie_filters.parse(f"{name}={value}", (first[0], first[1] - 1), NOW)
    assert caught.value.code == "E0420"


@pytest.mark.parametrize("text", ["owner=bob", "user", "user=a=b", "status=LOST", "sortby=startTime"])
def test_what_is_no_filter_is_e0420(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        oozie_filters.parse(text, (5, 3), NOW)
    assert caught.value.code == "E0420"


@pytest.mark.parametrize("value", ["yesterday", "2023-11-14T22:13:00Z", "-2w"])
def test_a_bad_time_is_e0603(value: str) -> None:
    with pytest.raises(RefusedError) as caught:
        oozie_filters.parse(f"endcreatedtime={value}", (5, 3), NOW)
    assert caught.value.code == "E0603"
