"""Which lines of a crontab launch workflow runs or propagate statuses: the set-up that this service replaces.

By what lines, and the scripts that they call, mention; nothing is run, and what a mention means is not looked into: a
line that is told here is for a person to look at. Crontabs of other users (root, /etc/cron.d) are not seen. Pure; asked
by ``core.crontab_guard`` and by the administrator's check.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_LAUNCHES: Final = "launch-scheduled"
_PROPAGATES: Final = "propagate-statuses"
#: A variable of the crontab itself, such as ``MAILTO=bob``, and one that a line uses.
_SETTING = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*=")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_WORD = re.compile(r"[\w.-]+")
#: Whether something launches, and whether it propagates.
_Doing = tuple[bool, bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line that is about the engine: its number, from 1, and what it does."""

    number: int
    launches: bool
    propagates: bool


def engine_lines(text: str, scripts: Mapping[str, str]) -> tuple[Line, ...]:
    """The lines that launch or propagate; the time that it takes grows with the texts, not with their product.

    Args:
        text: The crontab.
        scripts: The texts of the scripts that it calls, and of those that these call, by path.
    """
    codes = {path: _without_comments(script) for path, script in scripts.items()}
    names = _Names(codes)
    does = _with_those_called(codes, names)
    found = []
    variables: dict[str, _Doing] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        code = line.strip()
        if not code or code.startswith("#"):
            continue
        doings = [_own(code), *(does[path] for path in names.in_code(code))]
        setting = _SETTING.match(code)
        if setting:
            # It does nothing by itself, but a line that uses it does. cron puts no variable into another.
            variables[setting[1]] = _all_of(doings)
        else:
            doings += [variables[name] for name in set(_VARIABLE.findall(code)) & variables.keys()]
            launches, propagates = _all_of(doings)
            if launches or propagates:
                found.append(Line(number, launches, propagates))
    return tuple(found)


def named(lines: Sequence[Line]) -> str:
    """Where they stand, for people: ``line 4``, ``lines 4, 5``."""
    return ("line " if len(lines) == 1 else "lines ") + ", ".join(str(line.number) for line in lines)


class _Names:
    """The scripts' names, to be found as words, however the code comes to their folders."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._words: dict[str, list[str]] = {}
        self._others: list[tuple[str, str]] = []
        for path in paths:
            name = path.rpartition("/")[2]
            if _WORD.fullmatch(name):
                self._words.setdefault(name, []).append(path)
            else:
                self._others.append((name, path))

    def in_code(self, code: str) -> list[str]:
        """The paths of the scripts that the code names."""
        words = self._words.keys() & set(_WORD.findall(code))
        found = [path for word in words for path in self._words[word]]
        return found + [path for name, path in self._others if _stands_in(code, name)]


def _stands_in(code: str, name: str) -> bool:
    """Whether a name that is no word stands there by itself. No regular expression: a long one would stop all threads
    while it looks."""
    at = code.find(name)
    while at >= 0 and (_WORD.match(code[at - 1 : at]) or _WORD.match(code[at + len(name) : at + len(name) + 1])):
        at = code.find(name, at + 1)
    return at >= 0


def _with_those_called(codes: Mapping[str, str], names: _Names) -> dict[str, _Doing]:
    """What each script does, itself and through those that it leads to."""
    own = {path: _own(code) for path, code in codes.items()}
    called = {path: names.in_code(code) for path, code in codes.items()}
    does = {}
    for path in codes:
        reached, waiting = {path}, [path]
        while waiting:
            new = set(called[waiting.pop()]) - reached
            reached |= new
            waiting += new
        does[path] = _all_of(own[one] for one in reached)
    return does


def _all_of(doings: Iterable[_Doing]) -> _Doing:
    each = tuple(doings)
    return any(launches for launches, _ in each), any(propagates for _, propagates in each)


def _own(code: str) -> _Doing:
    return (_LAUNCHES in code, _PROPAGATES in code)


def _without_comments(script: str) -> str:
    return "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("#"))
