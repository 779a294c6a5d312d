import dataclasses
import re
from collections.abc import Mapping

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from niassa_orch.core import account_line, board
from niassa_orch.domain import orders
from niassa_orch.faces import metrics
from tests.unit.faces import snapshots

TEXT, OPENMETRICS = metrics.content_type(""), metrics.content_type("application/openmetrics-text")


def samples(snapshot: board.Snapshot, limit: int = 1000, content: str = OPENMETRICS) -> Mapping[str, float]:
    """Every sample by its name and labels, as a reader of the format finds them."""
    told = metrics.text(snapshot, limit, content).decode()
    parse = (
        openmetrics.text_string_to_metric_families if content == OPENMETRICS else parser.text_string_to_metric_families
    )
    found = [
        (sample.name + "".join(f",{name}={value}" for name, value in sorted(sample.labels.items())), sample.value)
        for family in parse(told)
        for sample in family.samples
    ]
    assert len(dict(found)) == len(found), "a sample is there twice"
    return {name.removeprefix("niassa_orch_"): value for name, value in found}


@pytest.mark.parametrize("content", [TEXT, OPENMETRICS])
@pytest.mark.parametrize("snapshot", [snapshots.STARTED, snapshots.BUSY])
def test_both_formats_are_read_by_their_readers(snapshot: board.Snapshot, content: str) -> None:
    found = samples(snapshot, content=content)
    assert found["uptime_seconds"] == snapshot.uptime_seconds
    assert "process_resident_memory_bytes" in found


def test_what_a_service_does_that_is_busy_is_told() -> None:
    found = samples(snapshots.BUSY)
    expected = {
        "pool_busy": 3,
        "pool_size": 10,
        "pool_waiting": 2,
        "engine_calls_busy": 1,
        "engine_calls_waiting": 4,
        "journal_usable": 1,
        "audit_usable": 1,
        "draining": 0,
        "profiles_read": 1,
        "orphaned_runs": 5,
        "http_requests_total": 1200,
        "http_requests_of_cron_total": 5000,
        "http_requests_saved": 3800,
        "accounts,state=ok": 1,
        "accounts,state=wrong password": 1,
        "accounts,state=disabled": 0,
        "accounts_waiting": 1,
        "profiles_refused": 1,
        "accounts_need_person": 1,
        "longest_lock_wait_seconds": 600,
        "longest_engine_call_seconds": 65,
        "last_good_poll_age_seconds": 5,
        "launches_in_30_minutes": 3,
        "runs,status=running": 222,
        "runs,status=pending": 0,
        "runs_ended_total,status=failed": 44,
        "in_flight_launches": 2,
        "in_doubt_launches": 1,
        "held_launches": 1,
        "jobs_restored_total": 3,
        "user_requests_lost_total": 1,
        "user_requests_restored_total": 2,
        "neighbour_up,kind=webservice,url=http://ws:8080": 1,
        "neighbour_up,kind=oozie,url=http://oozie/oozie": 0,
        "neighbour_last_answer_age_seconds,kind=oozie,url=http://oozie/oozie": 400,
        "neighbour_poll_seconds,kind=webservice,url=http://ws:8080": 0.5,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert not any("http://new" in name and "up" in name for name in found), "nobody knows yet"


def test_freshness_is_a_histogram_of_all_accounts() -> None:
    found = samples(snapshots.BUSY)
    buckets = {
        name.partition("le=")[2]: value for name, value in found.items() if name.startswith("freshness_seconds_b")
    }
    assert (buckets["1.0"], buckets["30.0"], buckets["60.0"], buckets["3600.0"], buckets["+Inf"]) == (1, 1, 2, 2, 3)
    assert (found["freshness_seconds_count"], found["freshness_seconds_sum"]) == (3, 4040.5)


def test_no_counter_falls_when_an_account_goes() -> None:
    gone, *others = snapshots.BUSY.accounts
    found = samples(dataclasses.replace(snapshots.BUSY, accounts=tuple(others), gone=gone))
    kept = ("runs_ended_total,status=failed", "jobs_restored_total", "user_requests_lost_total")
    assert [found[name] for name in kept] == [44, 3, 1]
    assert found["freshness_seconds_count"] == 3
    assert found["runs,status=running"] == 0


def test_each_account_is_told_by_name_while_there_are_not_too_many() -> None:
    found = samples(snapshots.BUSY, limit=3)
    expected = {
        "account_state,account=bob,state=wrong password": 1,
        "account_waiting,account=alice": 1,
        "account_runs,account=alice,status=running": 222,
        "account_runs_ended_total,account=alice,status=failed": 44,
        "account_held_launches,account=alice": 1,
        "account_last_good_poll_age_seconds,account=alice": 5,
        "account_freshness_seconds_count,account=alice": 3,
        "account_freshness_seconds_sum,account=alice": 4040.5,
        "account_profile_refused,account=carol": 1,
        "account_lock_wait_seconds,account=alice": 600,
        "account_user_requests_lost_total,account=alice": 1,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert "account_held_launches,account=bob" not in found


def test_with_more_accounts_than_the_limit_only_the_sums_are_told() -> None:
    found = samples(snapshots.BUSY, limit=2)
    assert not [name for name in found if "account=" in name]
    assert found["held_launches"] == 1


@pytest.mark.parametrize("content", [TEXT, OPENMETRICS])
def test_names_of_any_characters_are_labels_and_break_no_line(content: str) -> None:
    names = ('a"b', "c\\d", "e\nf 1", "g{h}", "\udcff", "\udcfe", "\x00")
    lines = tuple(account_line.AccountLine(name, state=account_line.State.OK, requests_lost=1) for name in names)
    found = samples(dataclasses.replace(snapshots.BUSY, accounts=lines), content=content)
    lost = {name for name in found if name.startswith("account_user_requests_lost")}
    assert {"account_user_requests_lost_total,account=" + name for name in ('a"b', "c\\d", "e f 1", "g{h}")} < lost


def test_orders_in_force_are_told_by_kind_and_for_whom() -> None:
    given = (
        snapshots.ordered(orders.Kind.STOP),
        snapshots.ordered(orders.Kind.STOP, "bob"),
        snapshots.ordered(orders.Kind.URGENT, "bob"),
    )
    found = samples(dataclasses.replace(snapshots.BUSY, orders=given))
    assert found["orders_in_force,kind=stop-launching,scope=all"] == 1
    assert found["orders_in_force,kind=stop-launching,scope=account"] == 1
    assert found["orders_in_force,kind=urgent,scope=account"] == 1
    assert found["orders_in_force,kind=pause,scope=all"] == 0


def test_what_cannot_be_written_and_what_was_never_polled_is_told() -> None:
    ill = dataclasses.replace(snapshots.STARTED, journal="disk full", audit="disk full", draining=True)
    found = samples(ill)
    assert (found["journal_usable"], found["audit_usable"], found["draining"], found["profiles_read"]) == (0, 0, 1, 0)
    assert found["last_good_poll_age_seconds"] == ill.uptime_seconds


def test_every_family_says_in_words_what_it_means() -> None:
    families = [*parser.text_string_to_metric_families(metrics.text(snapshots.BUSY, 1000, TEXT).decode())]
    own = [family for family in families if not family.name.startswith("process_")]
    assert len(own) > 40
    assert not [family.name for family in own if not family.name.startswith("niassa_orch_")]
    assert not [family.name for family in own if not re.search(r"\w.{20,}\.$", family.documentation)]


@pytest.mark.parametrize(
    ("accept", "content"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.3", OPENMETRICS),
        ("application/OpenMetrics-text; version=nonsense", OPENMETRICS),
        (",;,", TEXT),
    ],
)
def test_openmetrics_is_for_who_asks_for_it(accept: str, content: str) -> None:
    assert metrics.content_type(accept) == content
