"""One account with every value that counts for it, and who said each. Pure; shown by ``accounts``.

A password is known here by its place alone.
"""

import rich.box
import rich.console
import rich.table
import rich.text

from niassa_orch.core import census
from niassa_orch.faces import plain

_UNKNOWN = "?"
_NOTHING = "-"


def render(shown: census.Shown) -> rich.console.RenderableType:
    """What there is to say of the account, then a line a value."""
    head = [f"{shown.entry.profile}: {shown.entry.state}", f"profile {shown.file}"]
    head += [shown.entry.reason] if shown.entry.reason else []
    head += [f"look at this: {shown.warning}"] if shown.warning else []
    lines = [rich.text.Text(plain.line(text), overflow="fold") for text in head]
    if not shown.values:
        return rich.console.Group(*lines)
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column in ("key", "value", "said by"):
        table.add_column(column, overflow="fold")
    for key, choice in shown.values.items():
        value = _UNKNOWN if choice is None else choice.value or _NOTHING
        said = _UNKNOWN if choice is None else ": ".join(filter(None, (choice.source, choice.where)))
        # As Text: in a plain string rich would take brackets for markup.
        table.add_row(*(rich.text.Text(plain.line(text)) for text in (key, value, said)))
    return rich.console.Group(*lines, table)


def to_json(shown: census.Shown) -> dict[str, object]:
    """The same for machines; what is not known is null, and so is a value that nobody said."""
    return {
        "profile": shown.entry.profile,
        "file": shown.file,
        "state": shown.entry.state,
        "reason": shown.entry.reason or None,
        "warning": shown.warning or None,
        "values": {
            key: choice and {"value": choice.value or None, "source": choice.source, "where": choice.where or None}
            for key, choice in shown.values.items()
        },
    }
