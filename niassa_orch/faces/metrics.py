"""The metrics of one snapshot, in the formats of Prometheus and OpenMetrics: what the whole service fares like.

What is of one account stands in ``account_metrics``. Each scrape is a snapshot of its own, turned into families of
samples; nothing is counted here and nothing is global. Counters begin anew with the service; those of all accounts keep
what accounts counted that went. Called by ``web``.
"""

import platform
from collections.abc import Iterable, Iterator
from typing import Final

import prometheus_client
from prometheus_client import core, exposition
from prometheus_client.openmetrics import exposition as openmetrics

from niassa_orch import __version__
from niassa_orch.core import account_line, board, freshness, gauges
from niassa_orch.domain import orders
from niassa_orch.faces import account_metrics, plain, sample_lines

PREFIX: Final = "niassa_orch"
_TEXT: Final = exposition.CONTENT_TYPE_PLAIN_0_0_4
_OPENMETRICS: Final = openmetrics.CONTENT_TYPE_LATEST
_END: Final = b"# EOF\n"

_USES: Final = (
    ("pool", "tasks of the pool ([pool] size)", "a task of the pool"),
    ("engine_calls", "calls of the seqware command ([pool] engine_calls)", "a place for an engine call"),
)


def content_type(accept: str) -> str:
    """Which of the two formats somebody who sends such an ``Accept`` gets."""
    wanted = {part.split(";")[0].strip().lower() for part in accept.split(",")}
    return _OPENMETRICS if "application/openmetrics-text" in wanted else _TEXT


def text(snapshot: board.Snapshot, accounts_limit: int, content: str) -> bytes:
    """All metrics.

    Args:
        snapshot: What they tell.
        accounts_limit: With more accounts there are no metrics of one account.
        content: One of the two that ``content_type`` returns.
    """
    accounts = account_metrics.each(snapshot) if len(snapshot.accounts) <= accounts_limit else ()
    if content == _OPENMETRICS:
        whole: bytes = openmetrics.generate_latest(Scrape(snapshot))  # type: ignore[no-untyped-call]
        return whole.removesuffix(_END) + sample_lines.text(accounts, openmetrics=True) + _END
    return exposition.generate_latest(Scrape(snapshot)) + sample_lines.text(accounts, openmetrics=False)


class Scrape(prometheus_client.registry.Collector):
    """The families of one snapshot that are of no single account, and those of the process itself."""

    def __init__(self, snapshot: board.Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[core.Metric]:
        """Every family once."""
        yield from prometheus_client.ProcessCollector(registry=None).collect()
        yield from _service(self._snapshot)
        yield from _requests(self._snapshot)
        yield from _orders(self._snapshot)
        yield from _neighbours(self._snapshot)
        yield _freshness(self._snapshot)
        yield from _accounts(self._snapshot)
        yield from account_metrics.totals(self._snapshot)


def _service(snapshot: board.Snapshot) -> Iterator[core.Metric]:
    built = {"version": __version__, "python": platform.python_version(), "host": plain.line(snapshot.host)}
    yield core.InfoMetricFamily(f"{PREFIX}_build", "What runs here, and the host whose runs it launches.", value=built)
    yield _gauge("uptime_seconds", "How long the service runs.", snapshot.uptime_seconds)
    yield _gauge("profiles_read", "1: accounts.d was read. 0: not yet, no account is known.", snapshot.is_read)
    yield _gauge("draining", "1: it was told to stop: no new work, what was begun is seen through.", snapshot.draining)
    text = "1: it can be written. 0: it cannot, so nothing is launched until that is mended; propagation goes on."
    yield _gauge("journal_usable", f"The journal of launches. {text}", not snapshot.journal)
    text = "1: it can be written. 0: it cannot: nothing is launched, killed, resumed or rerun, and no order is taken."
    yield _gauge("audit_usable", f"The audit trail. {text}", not snapshot.audit)
    for (name, what, place), use in zip(_USES, (snapshot.pool, snapshot.engine_calls), strict=True):
        yield _gauge(f"{name}_size", f"So many {what} may be at once.", use.size)
        yield _gauge(f"{name}_busy", f"So many {what} are under way.", use.busy)
        yield _gauge(f"{name}_waiting", f"So many wait for {place}.", use.waiting)


def _requests(snapshot: board.Snapshot) -> Iterator[core.Metric]:
    asked = snapshot.requests
    text = "HTTP requests made to web services and Oozie servers since the start, every try counted."
    yield _counter("http_requests", text, asked.made)
    text = "HTTP requests that crontabs (launch-scheduled, propagate-statuses) would have made for the same accounts."
    yield _counter("http_requests_of_cron", text, asked.of_cron)
    text = "HTTP requests saved, compared with crontabs; below 0 when those would have made fewer."
    yield _gauge("http_requests_saved", text, asked.saved)
    text = "Active runs of this host whose owner no account serves: nobody launches or propagates them."
    yield _gauge("orphaned_runs", text, sum(count for _, count in snapshot.orphans))


def _orders(snapshot: board.Snapshot) -> Iterator[core.Metric]:
    text = (
        "Orders of operators in force, by kind (stop-launching, pause, pause-launching, urgent) and for whom "
        "(all accounts, or one account each). See: niassa-orch status."
    )
    family = core.GaugeMetricFamily(f"{PREFIX}_orders_in_force", text, labels=("kind", "scope"))
    for kind in orders.Kind:
        given = [order for order in snapshot.orders if order.kind is kind]
        everybody = sum(not order.account for order in given)
        family.add_metric((kind.value, "all"), everybody)
        family.add_metric((kind.value, "account"), len(given) - everybody)
    yield family


def _neighbours(snapshot: board.Snapshot) -> Iterator[core.Metric]:
    labels = ("kind", "url")
    up = core.GaugeMetricFamily(
        f"{PREFIX}_neighbour_up",
        "1: the last whole poll of this web service or Oozie server worked. 0: it failed. Nothing: not asked yet.",
        labels=labels,
    )
    text = "How long the last whole poll of this server took."
    took = core.GaugeMetricFamily(f"{PREFIX}_neighbour_poll_seconds", text, labels=labels)
    text = "How long ago this server last answered a whole poll."
    age = core.GaugeMetricFamily(f"{PREFIX}_neighbour_last_answer_age_seconds", text, labels=labels)
    for one in snapshot.neighbours:
        names = _kind(one.kind), plain.line(one.url)
        if one.trouble or one.answered_at is not None:
            up.add_metric(names, not one.trouble)
        if one.poll_seconds is not None:
            took.add_metric(names, one.poll_seconds)
        if one.answered_at is not None:
            age.add_metric(names, snapshot.now - one.answered_at)
    yield from (up, took, age)


def _kind(kind: gauges.Kind) -> str:
    return "oozie" if kind is gauges.Kind.OOZIE else "webservice"


def _freshness(snapshot: board.Snapshot) -> core.Metric:
    lags = freshness.merged(line.lags for line in (*snapshot.accounts, snapshot.gone))
    bounds = [*map(str, map(float, freshness.BOUNDS_SECONDS)), "+Inf"]
    buckets, sum_so_far = [], 0
    for bound, count in zip(bounds, lags.counts, strict=True):
        sum_so_far += count
        buckets.append((bound, sum_so_far))
    text = (
        "From the moment at which a job moved in Oozie to our write of the run's status. Its 95th percentile is how "
        "late users see what happened; an outage of the web service counts."
    )
    return core.HistogramMetricFamily(f"{PREFIX}_freshness_seconds", text, buckets=buckets, sum_value=lags.sum_seconds)


def _accounts(snapshot: board.Snapshot) -> Iterator[core.Metric]:
    lines = snapshot.accounts
    text = "Accounts by how they fare; wrong password and misconfigured wait for a person. See: niassa-orch status."
    states = core.GaugeMetricFamily(f"{PREFIX}_accounts", text, labels=("state",))
    for state in account_line.State:
        states.add_metric((state.value,), sum(line.state is state for line in lines))
    yield states
    text = "Accounts whose launches wait, for whatever reason: a turn, a limit, an order, the engine's lock."
    yield _gauge("accounts_waiting", text, sum(bool(line.waiting) for line in lines))
    text = "Accounts that nothing but a person gets going again. What each needs, says: niassa-orch status."
    yield _gauge("accounts_need_person", text, sum(bool(line.alarm) for line in lines))
    text = "Profiles whose newest version is refused: the last good one goes on, or nothing is served."
    yield _gauge("profiles_refused", text, sum(bool(line.refusal) for line in lines))
    oldest = _longest(snapshot, (line.locked_since for line in lines))
    text = "How long launches of an account wait for the engine's lock that another process holds: the longest wait."
    yield _gauge("longest_lock_wait_seconds", text, oldest)
    text = "The longest beat of an account that is not over yet. Above a quarter of an hour something hangs."
    yield _gauge("longest_beat_seconds", text, _longest(snapshot, (line.beat_since for line in lines)))
    text = "The age of the oldest engine call that lives, whitestar's apart: these last as long as their workflows."
    calls = (call.since for line in lines for call in line.calls if not call.whitestar)
    yield _gauge("longest_engine_call_seconds", text, _longest(snapshot, calls))
    text = "Since a list was last polled for any account; since the start when that never happened."
    polled = [line.last_good_poll for line in lines if line.last_good_poll is not None]
    yield _gauge("last_good_poll_age_seconds", text, snapshot.now - max(polled) if polled else snapshot.uptime_seconds)


def _longest(snapshot: board.Snapshot, moments: Iterable[float | None]) -> float:
    """Since the earliest of these, or 0 when there is none."""
    return max((snapshot.now - moment for moment in moments if moment is not None), default=0.0)


def _gauge(name: str, text: str, value: float) -> core.Metric:
    return core.GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> core.Metric:
    return core.CounterMetricFamily(f"{PREFIX}_{name}", text, value=value)
