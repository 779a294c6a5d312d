"""What a stand-in was asked: one record a request, and what kinds there are. Pure.

The benchmarks' own record beside the sandbox's: it says when an answer was out, and what a PUT wrote. Moments are of
the wall clock, in seconds, so that records of two servers, histories and the benchmark's own moments compare.
Written by ``stand_ins``, read by ``premises`` and every benchmark of propagation.
"""

import collections
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

WEB_SERVICE = "web service"
OOZIE = "oozie"

GET_RUN, PUT_RUN = "get run", "put run"
JOB = "job"
JOBS_BY_CHANGE, JOBS_BY_ID, JOBS_OF_USERS, JOBS = "jobs by change", "jobs by id", "jobs of users", "jobs"
JOB_LISTS = frozenset({JOBS_BY_CHANGE, JOBS_BY_ID, JOBS_OF_USERS, JOBS})

_STATUS = re.compile(rb"<status>([a-z_]*)</status>")


class Seen(NamedTuple):
    """One request.

    Args:
        began: When it came in.
        ended: When its answer was out.
        server: ``WEB_SERVICE`` or ``OOZIE``.
        kind: Such as ``list running``, ``get run``, ``job``, ``kill``.
        key: The accession, or the job's id; ``""`` of lists.
        user: The login of the Authorization header, or ``""``.
        ours: Whether the service sent it, by its User-Agent.
        wrote: The status in the body of a PUT of a run.
        status: Of the answer.
    """

    began: float
    ended: float
    server: str
    kind: str
    key: str
    user: str
    ours: bool
    wrote: str
    status: int


def kind(server: str, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
    """What a request is, in a word or two, and what it is about."""
    return _web_service_kind(method, path, query) if server == WEB_SERVICE else _oozie_kind(method, path, query)


def _web_service_kind(method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
    _, _, address = path.partition("/workflowruns")
    if not address:
        return f"list {query.get('status', 'of everything')}", ""
    return f"{method.lower()} run", address.strip("/")


def _oozie_kind(method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
    if path.endswith("/v1/jobs"):
        return _jobs_kind(query.get("filter", "")), ""
    if "/v1/job/" in path:
        return (JOB if method == "GET" else query.get("action", "")), path.rpartition("/")[2]
    return path.rpartition("/")[2], ""


def _jobs_kind(asked: str) -> str:
    names = {pair.partition("=")[0] for pair in asked.split(";")}
    wanted = {"sortby": JOBS_BY_CHANGE, "id": JOBS_BY_ID, "user": JOBS_OF_USERS}
    return next((kind for name, kind in wanted.items() if name in names), JOBS)


def status_in(body: bytes) -> str:
    """The status that the body of a PUT says, or ``""``."""
    found = _STATUS.search(body)
    return found[1].decode() if found else ""


def tick_starts(seen: Sequence[Seen]) -> list[float]:
    """When each tick of the service began: when it asked for the submitted runs, with whose login ever."""
    return sorted(one.began for one in seen if one.ours and one.kind == "list submitted")


def between(seen: Iterable[Seen], begin: float, end: float) -> list[Seen]:
    """The requests that came in since ``begin`` and before ``end``."""
    return [one for one in seen if begin <= one.began < end]


def kinds(seen: Iterable[Seen]) -> dict[tuple[str, str], int]:
    """How many requests of each server and kind."""
    counted = collections.Counter((one.server, one.kind) for one in seen)
    return {key: counted[key] for key in sorted(counted, key=lambda key: (key[0] == OOZIE, key[1]))}


def tell_kinds(columns: Mapping[str, Mapping[tuple[str, str], float]], tell: Callable[[str], None] = print) -> None:
    """A table: a line a server and kind, a column each of ``columns``, and the sums."""
    width = 16
    tell(" " * 36 + "".join(f"{name:>{width}}" for name in columns))
    every = sorted({key for column in columns.values() for key in column}, key=lambda key: (key[0] == OOZIE, key[1]))
    for key in every:
        figures = "".join(f"{column.get(key, 0):{width},.1f}" for column in columns.values())
        tell(f"  {key[0]:13}{key[1]:21}{figures}")
    sums = "".join(f"{sum(column.values()):{width},.1f}" for column in columns.values())
    tell(f"  {'all':34}{sums}")
