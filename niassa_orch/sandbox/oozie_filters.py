"""The ``filter`` of Oozie's job list, as a condition for the books.

Pure: a text, the server's version and the time go in, a condition with its parameters and an order come out, or a
refusal. Which names exist depends on the version: ``startcreatedtime`` and ``endcreatedtime`` since 4.2, ``sortby``
since 4.3, ``text`` since 4.4 (Oozie's release notes). Called by ``oozie``.
"""

import calendar
import dataclasses
import re
import time
from collections.abc import Callable

from niassa_orch.domain import jobs
from niassa_orch.sandbox import oozie_answers

_SINCE = {"startcreatedtime": (4, 2), "endcreatedtime": (4, 2), "sortby": (4, 3), "text": (4, 4)}
_ALWAYS = frozenset({"user", "name", "group", "status", "id"})
_ORDERS = {"createdTime": "created DESC", "lastModifiedTime": "modified DESC"}
_AGO = re.compile(r"-([0-9]{1,9})([dhm])")
_UNIT_SECONDS = {"d": 86400, "h": 3600, "m": 60}


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """A condition and an order in SQL, with the values of the condition's question marks."""

    where: str
    parameters: tuple[object, ...]
    order: str


def parse(text: str, version: tuple[int, int], now: float) -> Selection:
    """What a filter selects: repeats of a name are ORed, different names are ANDed, newest created first by default.

    Args:
        text: ``name=value`` joined by ``;``, already URL-decoded.
        version: The server's version, such as ``(5, 3)``.
        now: Seconds since the epoch, which ``-7d`` counts back from.

    Raises:
        oozie_answers.RefusedError: E0420 for an unknown name, a pair that is none, a bad status or order; E0603 for a
            bad time.
    """
    values: dict[str, list[str]] = {}
    for pair in filter(None, text.split(";")):
        name, value = _split(text, pair, version)
        values.setdefault(name, []).append(value)
    order = _order(text, values.pop("sortby", []))
    parts: list[str] = []
    parameters: list[object] = []
    for name, wanted in values.items():
        condition, convert = _condition(text, name, now)
        parts.append(_any_of(condition, len(wanted)))
        for value in wanted:
            parameters += [convert(value)] * condition.count("?")
    return Selection(" AND ".join(parts) or "1", tuple(parameters), order)


def _any_of(condition: str, times: int) -> str:
    """One value or another. Hundreds of users or ids are one look into an index as IN, and as many looks as OR."""
    column, is_equal, _ = condition.partition(" = ?")
    if is_equal and column.isidentifier():
        return f"{column} IN ({', '.join('?' * times)})"
    return "(" + " OR ".join([condition] * times) + ")"


def _split(text: str, pair: str, version: tuple[int, int]) -> tuple[str, str]:
    parts = pair.split("=")
    if len(parts) != 2:
        raise _refused(text, "elements must be name=value pairs")
    name, value = parts
    if name not in _ALWAYS and version < _SINCE.get(name, (999, 0)):
        raise _refused(text, f"invalid element '{name}'")
    return name, value


def _order(text: str, wanted: list[str]) -> str:
    if not wanted:
        return _ORDERS["createdTime"]
    if wanted[0] not in _ORDERS:
        raise _refused(text, f"invalid value [{wanted[0]}] for sortby")
    return _ORDERS[wanted[0]]


def _condition(text: str, name: str, now: float) -> tuple[str, Callable[[str], object]]:
    """The condition for one value of a filter name, and how the value becomes its parameter."""
    if name == "status":
        return "status = ?", lambda value: _status(text, value)
    if name == "startcreatedtime":
        return "created >= ?", lambda value: _created(value, now)
    if name == "endcreatedtime":
        return "created <= ?", lambda value: _created(value, now)
    if name == "text":
        return "(instr(app_name, ?) OR instr(user, ?) OR id = ?)", str
    column = {"user": "user", "name": "app_name", "id": "id", "group": "NULL"}[name]
    return f"{column} = ?", str


def _status(text: str, value: str) -> str:
    if value not in jobs.JobStatus.__members__:
        raise _refused(text, f"invalid status [{value}]")
    return value


def _created(value: str, now: float) -> float:
    ago = _AGO.fullmatch(value)
    if ago:
        return now - int(ago[1]) * _UNIT_SECONDS[ago[2]]
    try:
        return calendar.timegm(time.strptime(value, "%Y-%m-%dT%H:%MZ"))
    except ValueError as error:
        message = f"SQL error in operation, Could not parse [{value}]"
        raise oozie_answers.RefusedError(oozie_answers.Code.QUERY_FAILED, message) from error


def _refused(text: str, reason: str) -> oozie_answers.RefusedError:
    return oozie_answers.RefusedError(oozie_answers.Code.BAD_FILTER, f"Invalid jobs filter [{text}], {reason}")
