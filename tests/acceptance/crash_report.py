"""What came of the crashes, as a table for people. Pure; made by ``crashes``, summed by ``test_crashes``."""

import collections
import dataclasses
from collections.abc import Sequence

from tests.acceptance import crash_books, crash_points, crash_weather

RANDOM_MOMENT = "at a random moment"


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What came of the crashes of one stage, or of several.

    Args:
        seeds: Of the dice.
        crashes: By point.
        findings: Broken promises.
        totals: Runs, launches, and how the runs ended.
        disturbed: What else was done to the service, its calls and its neighbours.
    """

    seeds: tuple[int, ...] = ()
    crashes: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    findings: Sequence[crash_books.Finding] = ()
    totals: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    disturbed: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    def __add__(self, other: "Report") -> "Report":
        findings = (*self.findings, *other.findings)
        totals, disturbed = self.totals + other.totals, self.disturbed + other.disturbed
        return Report(self.seeds + other.seeds, self.crashes + other.crashes, findings, totals, disturbed)

    @property
    def never_hit(self) -> list[str]:
        """Points that no life came by."""
        return [point for point in crash_points.POINTS if not self.crashes[point]]

    @property
    def never_disturbed(self) -> list[str]:
        """What never happened of all that should, where there is no sudo."""
        return [what for what in crash_weather.DISTURBANCES if not self.disturbed[what]]

    @property
    def kinds(self) -> collections.Counter[str]:
        """The findings by kind."""
        return collections.Counter(one.kind for one in self.findings)

    def __str__(self) -> str:
        points = [(point, self.crashes[point]) for point in (*crash_points.POINTS, RANDOM_MOMENT)]
        totals = [("crashes", self.crashes.total()), *sorted((self.disturbed + self.totals).items())]
        broken = [(kind, self.kinds[kind]) for kind in crash_books.KINDS]
        table = [f"{what:28}{number:6}" for what, number in (*points, *totals, *broken)]
        findings = [f"{one.kind} {one.accession}: {one.what}" for one in self.findings]
        return "\n".join((f"seeds {' '.join(map(str, self.seeds))}", *table, *findings))
