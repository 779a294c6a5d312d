"""Moments as the journal writes them: ISO 8601, UTC, milliseconds, so that texts compare as times do."""

import datetime


def now() -> str:
    """This moment."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def before(moment: str, days: int) -> str:
    """So many days before a moment."""
    then = datetime.datetime.fromisoformat(moment) - datetime.timedelta(days=days)
    return then.isoformat(timespec="milliseconds")


def ago(seconds: float) -> str:
    """So many seconds ago."""
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    return then.isoformat(timespec="milliseconds")


def seconds_since(moment: str) -> float:
    """How long ago a moment was; 0 for one to come, as after the clock was set back."""
    passed = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(moment)
    return max(0.0, passed.total_seconds())


def earlier(moment: str, seconds: float) -> str:
    """So many seconds before a moment."""
    then = datetime.datetime.fromisoformat(moment) - datetime.timedelta(seconds=seconds)
    return then.isoformat(timespec="milliseconds")
