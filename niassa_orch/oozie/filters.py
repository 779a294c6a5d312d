"""Filters of Oozie's list of jobs: ``name=value`` pairs, of which those of one name are ORed.

Pure. Called by ``lists`` and ``floods``.
"""

import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Final

NEWEST_CHANGE_FIRST: Final = "sortby=lastModifiedTime"
ALIVE: Final = "status=PREP;status=RUNNING;status=SUSPENDED"
#: Of one filter in the URL, quoted: servlet containers and proxies take 8 kB of request line and headers.
_CHARS: Final = 4000


def plain(user: str) -> str:
    """The user, if it can stand in a filter; raises ValueError."""
    if not user or any(letter in user for letter in ";="):
        message = "a plain Unix user is needed"
        raise ValueError(message)
    return user


def groups(pairs: Iterable[str], more: str = "") -> Iterator[str]:
    """The pairs in as few filters as fit into a URL, beside ``more``."""
    group: list[str] = []
    room = full = _CHARS - len(urllib.parse.quote(more, safe=""))
    for pair in pairs:
        chars = len(urllib.parse.quote(f"{pair};", safe=""))
        if group and chars > room:
            yield ";".join(group)
            group, room = [], full
        group.append(pair)
        room -= chars
    if group:
        yield ";".join(group)
