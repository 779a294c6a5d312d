"""The table of accounts: who schedules, for which host, and which Unix user runs it here. Pure; shown by ``cli``.

The columns are those of the table that the Niassa documentation draws for this set-up.
"""

import dataclasses

import rich.box
import rich.table
import rich.text

from niassa_orch.domain import accounts
from niassa_orch.faces import plain

_COLUMNS = ("profile", "web service account", "host", "Unix user", "web service", "engine", "state")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One profile, complete (``account``) or with the ``reason`` why not; ``state``: ok, disabled, refused."""

    profile: str
    unix_user: str
    state: str
    reason: str = ""
    account: accounts.Account | None = None

    def to_json(self) -> dict[str, str | None]:
        """The row for machines; absent facts are null."""
        known = self.account
        return {
            "profile": self.profile,
            "web_service_account": known.web_user if known else None,
            "host": known.host if known else None,
            "unix_user": self.unix_user or None,
            "web_service": known.web_service_url if known else None,
            "oozie": (known.oozie_url or None) if known else None,
            "engine": (known.default_engine or None) if known else None,
            "state": self.state,
            "reason": self.reason or None,
        }


def render(rows: list[Row]) -> rich.table.Table:
    """The table, a line a profile and its reason below it where it has one."""
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows:
        known = row.account
        facts = (known.web_user, known.host) if known else ("?", "?")
        places = (known.web_service_url, known.default_engine or "-") if known else ("?", "?")
        style = {"ok": "green", "disabled": "dim"}.get(row.state, "bold red")
        state = rich.text.Text(plain.line(row.state + (f": {row.reason}" if row.reason else "")), style=style)
        # As Text: in a plain string rich would take brackets for markup.
        cells = (row.profile, *facts, row.unix_user or "?", *places)
        table.add_row(*(rich.text.Text(plain.line(cell)) for cell in cells), state)
    return table
