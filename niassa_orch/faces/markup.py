"""HTML as the page needs it: text that is never markup, and tables that tell what each cell is. Pure.

Every text of anybody goes through ``text``. Called by ``page`` and ``page_tables``.
"""

import dataclasses
import html
from collections.abc import Iterable, Sequence

from niassa_orch.faces import plain


def text(words: object) -> str:
    """Words as HTML shows them, on one line, whatever is in them; good within quotes too."""
    return html.escape(plain.line(str(words)))


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its words, and the classes that say how it looks."""

    words: str
    look: str = ""


def number(count: int, look: str = "") -> Cell:
    """A number, and how one above 0 looks; one that is 0 is left out where there is little room."""
    return Cell(str(count), f"number {look}".rstrip()) if count else Cell("\N{MIDDLE DOT}", "number none")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], more: str = "") -> str:
    """A table under a heading, whose first column names the row; ``""`` when there are no rows.

    Args:
        title: The heading.
        columns: What stands in each column.
        rows: The cells of each row.
        more: What there is to say below it.
    """
    body = "\n".join(_row(columns, row) for row in rows)
    if not body:
        return ""
    name = text(title)
    head = "".join(f'<th scope="col">{text(column)}</th>' for column in columns)
    # Who has no mouse can scroll what can have the focus.
    return (
        f'<section aria-label="{name}"><h2>{name}</h2>\n<div class="table" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
        + (f'<p class="faint">{text(more)}</p>' if more else "")
        + "</section>\n"
    )


def _row(columns: Sequence[str], row: Sequence[Cell]) -> str:
    first, *others = row
    cells = "".join(
        f'<td class="{cell.look}" data-of="{text(column)}">{text(cell.words)}</td>'
        for column, cell in zip(columns[1:], others, strict=True)
    )
    return f'<tr><th scope="row">{text(first.words)}</th>{cells}</tr>'
