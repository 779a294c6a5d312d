"""Moments as the journal writes them: ISO 8601, UTC, milliseconds, so that texts compare as times do."""

import datetime


def now() -> str:
    """This moment."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def before(moment: str, days: int) -> str:
    """So many days before a moment."""
    then = datetime.datetime.fromisoformat(moment) - datetime.timedelta(days=days)
    return then.isoformat(timespec="milliseconds")
