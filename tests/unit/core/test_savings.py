import pytest

from niassa_orch.core import savings
from niassa_orch.domain import accounts, runs

R = runs.RunStatus
NATIVE, ENGINE = accounts.Propagation.NATIVE, accounts.Propagation.ENGINE


@pytest.mark.parametrize(
    ("active", "requests"),
    [
        ({}, 5),
        ({R.SUBMITTED: 100}, 5),
        ({R.RUNNING: 100}, 205),
        ({R.PENDING: 1, R.RUNNING: 10, R.SUBMITTED_CANCEL: 100, R.SUBMITTED_RETRY: 1000, R.SUBMITTED: 10_000}, 2227),
    ],
)
def test_a_crontab_reads_five_lists_a_minute_and_asks_and_writes_for_each_run(
    active: dict[runs.RunStatus, int], requests: int
) -> None:
    assert savings.of_cron_a_minute(NATIVE, active) == requests
    assert savings.of_cron_a_minute(ENGINE, active) == 1


def test_time_counts_with_what_was_seen_before_it_passed() -> None:
    made = 0
    saved = savings.Savings(lambda: made)
    assert saved.look(1e6, 600) == savings.Requests(0, 0)
    made = 40
    first = saved.look(1e6 + 30, 6000)
    assert (first.made, first.of_cron, first.saved) == (40, 300, 260)
    made = 5000
    assert saved.look(1e6 + 60, 0) == savings.Requests(5000, 3300)
    later = saved.look(1e6 + 6000, 600)
    assert later == savings.Requests(5000, 3300)
    assert later.saved == -1700


def test_parts_of_requests_add_up() -> None:
    saved = savings.Savings(lambda: 0)
    looks = [saved.look(second, 5) for second in range(121)]
    assert looks[-1].of_cron == 10
    assert looks[6].of_cron == 0
