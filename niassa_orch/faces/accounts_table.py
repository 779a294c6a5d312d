"""The table of accounts: who schedules, for which host, and which Unix user runs it here. Pure; shown by ``cli``.

The columns are those of the table that the Niassa documentation draws for this set-up. Reasons are sentences: they
stand below the table, where a line is as long as the terminal is wide.
"""

import dataclasses

import rich.box
import rich.console
import rich.table
import rich.text

from niassa_orch.core import census
from niassa_orch.faces import plain

_COLUMNS = ("profile", "web service account", "host", "Unix user", "web service", "engine", "state")
_STYLES = {"ok": "green", "disabled": "dim"}
_REFUSED = "bold red"
_NOTHING = census.Facts()


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One profile with what is known of its account; ``state``: ok, disabled, refused (then with a ``reason``)."""

    profile: str
    unix_user: str
    state: str
    reason: str = ""
    account: census.Facts = _NOTHING

    def to_json(self) -> dict[str, str | None]:
        """The row for machines; absent facts are null."""
        known = self.account
        return {
            "profile": self.profile,
            "web_service_account": known.web_user or None,
            "host": known.host or None,
            "unix_user": self.unix_user or None,
            "web_service": known.web_service_url or None,
            "oozie": known.oozie_url or None,
            "engine": known.default_engine or None,
            "state": self.state,
            "reason": self.reason or None,
        }


def render(rows: list[Row]) -> rich.console.RenderableType:
    """The table, a line a profile, and below it the reasons of those that are refused."""
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, _facts(row)), _cell(row.state, _STYLES.get(row.state, _REFUSED)))
    return rich.console.Group(table, *(_reason(row) for row in rows if row.reason))


def _facts(row: Row) -> tuple[str, ...]:
    """The row's cells but for the state. What only the user's own settings would say is unknown until they are read."""
    known = row.account
    engine = known.default_engine or ("-" if row.state == "ok" else "?")
    facts = (row.profile, known.web_user, known.host, row.unix_user, known.web_service_url, engine)
    return tuple(fact or "?" for fact in facts)


def _cell(text: str, style: str = "") -> rich.text.Text:
    # As Text: in a plain string rich would take brackets for markup.
    return rich.text.Text(plain.line(text), style=style)


def _reason(row: Row) -> rich.text.Text:
    """The reason, with the name of the profile before it unless it begins with its file's."""
    text = rich.text.Text(overflow="fold")
    if not row.reason.startswith(f"{row.profile}.toml"):
        text.append(f"{plain.line(row.profile)}: ", style=_REFUSED)
    return text.append(plain.line(row.reason))
