"""Times as people say them on a command line: ``90s``, ``30m``, ``2h``, ``1d``, or a date.

Pure: what time it is comes from the caller. Called by commands that look back.
"""

import datetime
import re

_SPAN = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TEN_YEARS_SECONDS = 3660 * 86_400


def seconds(text: str) -> int:
    """How long ``90s``, ``30m``, ``2h`` or ``1d`` is.

    Raises:
        ValueError: It is none of these, 0, or longer than ten years; the message says what would do.
    """
    found = _SPAN.fullmatch(text.strip())
    length = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < length <= _TEN_YEARS_SECONDS:
        message = "write a time as 90s, 30m, 2h or 1d, ten years at most"
        raise ValueError(message)
    return length


def since(text: str, now: datetime.datetime) -> datetime.datetime:
    """The moment that is meant: so long ago, or a date, with a time or without, in UTC unless it says otherwise.

    Raises:
        ValueError: It is neither; the message says what would do.
    """
    if _SPAN.fullmatch(text.strip()):
        return now - datetime.timedelta(seconds=seconds(text))
    try:
        said = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        said = None
    if said is None:
        message = "write how long ago (90s, 30m, 2h, 1d), or a date in UTC: 2026-11-24, 2026-11-24T04:30"
        raise ValueError(message)
    try:
        return (said if said.tzinfo else said.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except OverflowError as exc:
        message = "this date is out of reach"
        raise ValueError(message) from exc
