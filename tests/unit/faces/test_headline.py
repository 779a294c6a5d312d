import dataclasses
import io

import pytest
import rich.console

from niassa_orch.core import board, gauges, savings
from niassa_orch.faces import headline

QUIET = board.Snapshot("server2", 1000.0, 60, gauges.Use(0, 10, 0), gauges.Use(0, 2, 0), False, "", (), ())


def line(name: str, *lags_seconds: float) -> board.AccountLine:
    found = board.AccountLine(name)
    for seconds in lags_seconds:
        found.lags = found.lags.noted(seconds)
    return found


def shown(snapshot: board.Snapshot, width: int = 200, **changes: object) -> list[str]:
    console = rich.console.Console(width=width, file=io.StringIO(), record=True)
    console.print(rich.console.Group(*headline.lines(dataclasses.replace(snapshot, **changes))))  # type: ignore[arg-type]
    return console.export_text().splitlines()


def test_before_anything_was_measured_it_says_so() -> None:
    assert shown(QUIET)[1:] == ["freshness p50 -, p95 -   requests not counted yet"]


def test_freshness_is_of_all_accounts_together() -> None:
    accounts = (line("alice", *[0.5] * 60), line("bob", *[25] * 40), line("carol"))
    assert shown(QUIET, accounts=accounts)[1].startswith("freshness p50 1s, p95 29s   ")


def test_what_is_above_all_bounds_is_not_made_up() -> None:
    assert shown(QUIET, accounts=(line("alice", 3601),))[1].startswith("freshness p50 over 1h00m, p95 over 1h00m   ")


@pytest.mark.parametrize(
    ("made", "of_cron", "said"),
    [
        (1, 9, "1 made, 8 saved"),
        (12_345, 99_012_345, "12k made, 99M saved"),
        (80, 68, "80 made, 12 more than cron"),
        (1, 10_000, "1 made, 9999 saved"),
        (99_999, 10**13, "99k made, 9999G saved"),
        (10_000_000, 10_000_000, "10M made, 0 saved"),
    ],
)
def test_requests_made_and_saved_are_short(made: int, of_cron: int, said: str) -> None:
    assert shown(QUIET, requests=savings.Requests(made, of_cron))[1].endswith(f"   requests {said}")


def test_owners_whom_nobody_serves_have_a_line_of_their_own_cut_at_the_width() -> None:
    orphans = (("eve@lab.net", 12), ("", 2), ("zoe\x1b[2J@lab.net", 1))
    (said,) = shown(QUIET, orphans=orphans)[2:]
    mark = "\N{REPLACEMENT CHARACTER}"
    assert said == f"15 active runs that no account serves: eve@lab.net 12, ? 2, zoe{mark}[2J@lab.net 1"
    (cut,) = shown(QUIET, width=60, orphans=orphans)[2:]
    assert cut == said[:59] + "\N{HORIZONTAL ELLIPSIS}"
