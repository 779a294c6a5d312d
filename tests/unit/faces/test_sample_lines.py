import dataclasses

import hypothesis
from hypothesis import strategies
from prometheus_client import core, exposition
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from niassa_orch.core import account_line
from niassa_orch.faces import account_metrics, sample_lines
from tests.unit.faces import snapshots


@dataclasses.dataclass
class Collected(Collector):
    """What the library is to write."""

    families: list[core.Metric]

    def collect(self) -> list[core.Metric]:
        return self.families


_NAMES = strategies.text(min_size=1) | strategies.text('\\\n" {}=,#', min_size=1)


@hypothesis.given(strategies.lists(_NAMES, max_size=4), strategies.floats(allow_nan=False), _NAMES)
def test_what_is_written_is_what_the_library_writes(names: list[str], value: float, text: str) -> None:
    accounts = [dataclasses.replace(snapshots.ALICE, name=name, last_good_poll=value) for name in names]
    families = [*account_metrics.each(dataclasses.replace(snapshots.BUSY, accounts=tuple(accounts)))]
    gauge = core.GaugeMetricFamily("a_gauge", text, labels=("z", "a"))
    counter = core.CounterMetricFamily("a_counter", text, labels=("z",))
    for name in names:
        gauge.add_metric((name, text), value)
        counter.add_metric((name,), abs(value))
    collected = Collected([*families, gauge, counter])
    assert sample_lines.text(collected.families, openmetrics=False) == exposition.generate_latest(collected)
    told = openmetrics.generate_latest(collected)  # type: ignore[no-untyped-call]
    assert sample_lines.text(collected.families, openmetrics=True) + b"# EOF\n" == told


def test_a_family_without_samples_says_what_it_would_tell() -> None:
    families = [
        *account_metrics.each(dataclasses.replace(snapshots.STARTED, accounts=(account_line.AccountLine("bob"),)))
    ]
    assert b"# TYPE niassa_orch_account_held_launches gauge\n# HELP" in sample_lines.text(families, openmetrics=False)
