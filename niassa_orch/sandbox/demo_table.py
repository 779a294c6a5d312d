"""The table of every run that ends the demo. Pure; printed by the command line.

No word is cut: what does not fit beside the rest is left out whole, first what the other columns imply.
"""

import dataclasses
from collections.abc import Sequence

import rich.box
import rich.cells
import rich.table
import rich.text

from niassa_orch.sandbox import demo_report


@dataclasses.dataclass(frozen=True, slots=True)
class _Column:
    """One column: its title and a cell a run."""

    title: str
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        """Of its widest cell."""
        return max(map(rich.cells.cell_len, (self.title, *self.cells)))

    @property
    def least_width(self) -> int:
        """Of its longest word."""
        return max(rich.cells.cell_len(word) for cell in (self.title, *self.cells) for word in cell.split() or [""])


#: What is left out first when lines would have to be broken, and then when words would.
_IMPLIED = ("host", "expected", "engine")
_SPARED = ("seconds", "Unix user", "account")


def render(rows: Sequence[demo_report.Row], width: int, *, with_users: bool) -> rich.table.Table:
    """The table.

    Args:
        rows: A run each.
        width: Characters that there is room for.
        with_users: Whether to show whose the files of a run are.
    """
    columns = _fitting(_columns(rows, with_users=with_users), width)
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column, column_width in zip(columns, _widths(columns, width), strict=True):
        right = column.title == "seconds"
        table.add_column(column.title, width=column_width, justify="right" if right else "left")
    for index, row in enumerate(rows):
        style = "green" if row.is_as_expected else "bold red"
        table.add_row(
            *(rich.text.Text(column.cells[index], style if column.title == "seen" else "") for column in columns)
        )
    return table


def _columns(rows: Sequence[demo_report.Row], *, with_users: bool) -> list[_Column]:
    columns = [
        _Column("run", tuple(str(row.accession) for row in rows)),
        _Column("what", tuple(row.name for row in rows)),
        _Column("account", tuple(row.account for row in rows)),
        _Column("Unix user", tuple(row.unix_user for row in rows)),
        _Column("host", tuple(row.host for row in rows)),
        _Column("engine", tuple(row.engine for row in rows)),
        _Column("statuses", tuple(" > ".join(row.statuses) for row in rows)),
        _Column("seconds", tuple(f"{row.seconds:.1f}" for row in rows)),
        _Column("expected", tuple(row.expected for row in rows)),
        _Column("seen", tuple(row.seen for row in rows)),
    ]
    return [*columns, _Column("files of", tuple(row.files_of for row in rows))] if with_users else columns


def _fitting(columns: Sequence[_Column], width: int) -> list[_Column]:
    kept = list(columns)
    for title in _IMPLIED:
        if _sum([column.width for column in kept]) > width:
            kept = [column for column in kept if column.title != title]
    for title in _SPARED:
        if _sum([column.least_width for column in kept]) > width:
            kept = [column for column in kept if column.title != title]
    return kept


def _widths(columns: Sequence[_Column], width: int) -> list[int]:
    """Whole cells where they fit, else the widest columns are narrowed, none below its longest word."""
    widths = [column.width for column in columns]
    while _sum(widths) > width:
        spare = [index for index, column in enumerate(columns) if widths[index] > column.least_width]
        if not spare:
            break
        widths[max(spare, key=lambda index: widths[index])] -= 1
    return widths


def _sum(widths: Sequence[int]) -> int:
    """With what rich puts around columns: a blank at either side of each, one between them, one at each edge."""
    return sum(widths) + 3 * len(widths) + 1
