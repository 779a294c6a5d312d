"""Which lines of a crontab launch workflow runs or propagate statuses: the set-up that this service replaces.

By what lines, and the scripts that they call, mention; nothing is run, and what a mention means is not looked into: a
line that is told here is for a person to look at. Crontabs of other users (root, /etc/cron.d) are not seen. Pure; asked
by ``core.crontab_guard`` and by the administrator's check.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Final

_LAUNCHES: Final = "launch-scheduled"
_PROPAGATES: Final = "propagate-statuses"
#: A variable of the crontab itself, such as ``MAILTO=bob``.
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\s*=")


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line that is about the engine: its number, from 1, and what it does."""

    number: int
    launches: bool
    propagates: bool


def engine_lines(text: str, scripts: Mapping[str, str]) -> tuple[Line, ...]:
    """The lines that launch or propagate.

    Args:
        text: The crontab.
        scripts: The texts of the scripts that it calls, and of those that these call, by path.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        code = line.strip()
        if code and not code.startswith("#") and not _SETTING.match(code):
            told = tuple(_reached(code, scripts))
            launches, propagates = (any(word in part for part in told) for word in (_LAUNCHES, _PROPAGATES))
            if launches or propagates:
                found.append(Line(number, launches, propagates))
    return tuple(found)


def _reached(code: str, scripts: Mapping[str, str]) -> Iterator[str]:
    """A line, and every script that it leads to; comments left out."""
    waiting, seen = [code], set[str]()
    while waiting:
        part = waiting.pop()
        yield part
        for path, script in scripts.items():
            if path not in seen and _names(part, path):
                seen.add(path)
                waiting.append("\n".join(line for line in script.splitlines() if not line.lstrip().startswith("#")))


def _names(code: str, path: str) -> bool:
    """Whether the code has the script's name as a word, however it comes to the folder."""
    name = re.escape(path.rpartition("/")[2])
    return re.search(rf"(?<![\w.-]){name}(?![\w.-])", code) is not None
