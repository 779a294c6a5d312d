"""Hours of the day in which something may happen, such as ``22:00-06:00``; by the clock on the wall.

Pure, but for the zone of the host: moments come from the caller. Called by ``config.checks`` and ``core.gates``.
"""

import dataclasses
import datetime
import itertools
import re
from collections.abc import Callable, Sequence

_WINDOW = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_MINUTES_A_DAY = 24 * 60


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """From one minute of the day up to another, that one not included; past midnight where the end is the smaller."""

    begins_minute: int
    ends_minute: int

    def __str__(self) -> str:
        """As ``parse`` takes it."""
        return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (self.begins_minute, self.ends_minute))

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day is in it."""
        if self.begins_minute < self.ends_minute:
            return self.begins_minute <= minute < self.ends_minute
        return minute >= self.begins_minute or minute < self.ends_minute


def parse(text: str) -> Window:
    """A window as people write it: ``22:00-06:00``; ``24:00`` is the end of the day.

    Raises:
        ValueError: It is none, or begins when it ends; the text is not repeated, since it may be anything.
    """
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        message = "hours are written as 22:00-06:00"
        raise ValueError(message)
    begins, ends = (int(found[hour]) * 60 + int(found[hour + 1]) for hour in (1, 3))
    if ends > _MINUTES_A_DAY or begins == ends:
        message = "hours must begin and end at two different times from 00:00 to 24:00"
        raise ValueError(message)
    return Window(begins, ends)


def wall(moment: float) -> datetime.datetime:
    """What the clocks of this host show at a moment, in seconds since the epoch."""
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).astimezone()


def is_open(windows: Sequence[Window], time: datetime.datetime) -> bool:
    """Whether one of them holds this time, or there are none."""
    return not windows or any(window.holds(_minute(time)) for window in windows)


def opens_in_seconds(
    windows: Sequence[Window], moment: float, wall: Callable[[float], datetime.datetime] = wall
) -> float:
    """How long until one of them is open, clocks that are put forward or back meanwhile included.

    Args:
        windows: None at all are open always.
        moment: From which on, in seconds since the epoch.
        wall: What clocks on the wall show at a moment, with their distance from UTC.

    Returns:
        0 when one is open.
    """
    now = wall(moment)
    if is_open(windows, now):
        return 0.0
    minutes = min((window.begins_minute - _minute(now)) % _MINUTES_A_DAY for window in windows)
    seconds = minutes * 60.0 - now.second
    if wall(moment + seconds).utcoffset() == now.utcoffset():
        return seconds
    # On two days of a year: minute by minute.
    later = itertools.count(60 - now.second, 60)
    return next(float(wait) for wait in later if is_open(windows, wall(moment + wait)))


def _minute(time: datetime.datetime) -> int:
    return time.hour * 60 + time.minute
