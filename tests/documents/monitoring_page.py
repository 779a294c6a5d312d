"""Writes the table of metrics into docs/monitoring.md, from the metrics themselves: ``make docs``.

What people wrote around the table stays as it is. A test compares the page with what this makes.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Iterator

from prometheus_client import core

from niassa_orch.faces import account_metrics, metrics
from tests.unit.faces import snapshots

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "monitoring.md"
_BEGIN = "<!-- metrics: made of the code by `make docs`; change the texts there -->\n"
_ENDINGS = {"counter": "_total", "info": "_info"}
_END = "<!-- metrics: end -->\n"


def made(page: str) -> str:
    """The page with its table of metrics as the code says."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    lines = ["| metric | labels | what it tells |", "|---|---|---|", *_rows()]
    return f"{before}{_BEGIN}\n{chr(10).join(lines)}\n\n{_END}{after}"


def _rows() -> Iterator[str]:
    whole = dataclasses.replace(snapshots.BUSY, orders=())
    for family in itertools.chain(metrics.Scrape(whole).collect(), account_metrics.each(whole)):
        if family.name.startswith(metrics.PREFIX):
            labels = ", ".join(f"`{label}`" for label in _labels(family))
            yield f"| `{family.name}{_ENDINGS.get(family.type, '')}` | {labels} | {family.documentation} |"


def _labels(family: core.Metric) -> list[str]:
    return sorted({label for sample in family.samples for label in sample.labels} - {"le"})


if __name__ == "__main__":
    PAGE.write_text(made(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
