"""Whether what users asked for was heeded, judged from the stand-ins' histories and the record of requests. Pure.

A request of a user is an entry of a run's history that no write of the service made. What the service wrote after it,
up to the user's next one, says what became of it. Called by ``bench_races``.
"""

import collections
import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence

from niassa_orch.sandbox import webservice_books
from tests.benchmarks import requests_seen

CANCEL, RETRY = "submitted_cancel", "submitted_retry"
#: A write of ours and a cancel meet when they are in the same so many seconds.
MEETING_SECONDS = 3.0
_ON_ITS_WAY = frozenset({"pending", "running"})
_ENDED = frozenset({"completed", "failed"})
_SLACK_SECONDS = 0.002


class Fate(enum.StrEnum):
    """What became of a request."""

    HEEDED = "heeded: cancelled, or run again"
    ENDED = "the job had ended by itself"
    MENDED = "overwritten, seen, put back and heeded"
    LOST = "lost"
    WAITING = "not answered when the benchmark ended"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """One request: what it was, what became of it, and whether a write of ours that could wipe it was near."""

    accession: int
    asked: str
    fate: Fate
    met: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """All requests; ``without_effect`` are PUTs of users that no history shows, since they changed nothing.

    Args:
        verdicts: A request each.
        without_effect: PUTs of users that changed nothing.
        wiped_by_users: Writes of ours that a user's stale record wiped.
        jobs_wiped: Entries of a history that lack the job.
        gaps_seconds: Between our reading of a run and our write of it, as the web service saw them.
    """

    verdicts: Sequence[Verdict]
    without_effect: int
    wiped_by_users: int
    jobs_wiped: int
    gaps_seconds: Sequence[float]


@dataclasses.dataclass(frozen=True, slots=True)
class _Case:
    """One run: its history, whose entry each is, and the requests about it and its job, by their beginning."""

    accession: int
    moments: Sequence[webservice_books.Moment]
    asked_by_user: Sequence[bool]
    seen: Sequence[requests_seen.Seen]
    reruns: Sequence[float]


def judge(
    histories: Mapping[int, Sequence[webservice_books.Moment]],
    job_ids: Mapping[int, str],
    seen: Iterable[requests_seen.Seen],
) -> Judged:
    """Judge every request of a user.

    Args:
        histories: Of the web service, whole.
        job_ids: By accession.
        seen: Every request that both stand-ins saw.
    """
    about: collections.defaultdict[str, list[requests_seen.Seen]] = collections.defaultdict(list)
    for one in sorted(seen):
        about[one.key].append(one)
    cases = [
        _case(accession, moments, about[str(accession)], about[job_ids[accession]])
        for accession, moments in histories.items()
    ]
    verdicts = [verdict for case in cases for verdict in _verdicts(case)]
    puts = sum(_is_put(one) and not one.ours for case in cases for one in case.seen)
    return Judged(
        verdicts=verdicts,
        without_effect=puts - len(verdicts),
        wiped_by_users=sum(map(_wiped_by_user, cases)),
        jobs_wiped=sum(one.status_cmd is None for case in cases for one in case.moments),
        gaps_seconds=[gap for case in cases for gap in _gaps(case)],
    )


def _case(
    accession: int,
    moments: Sequence[webservice_books.Moment],
    seen: Sequence[requests_seen.Seen],
    of_job: Sequence[requests_seen.Seen],
) -> _Case:
    users_puts = [one for one in seen if _is_put(one) and not one.ours]
    mine = [any(_made(one, moment) for one in users_puts) for moment in moments]
    return _Case(accession, moments, mine, seen, [one.began for one in of_job if one.kind == "rerun"])


def _is_put(one: requests_seen.Seen) -> bool:
    return one.kind == requests_seen.PUT_RUN and one.status == 201


def _made(put: requests_seen.Seen, moment: webservice_books.Moment) -> bool:
    """Whether a PUT made this entry of the history."""
    within = put.began - _SLACK_SECONDS <= moment.seconds <= put.ended + _SLACK_SECONDS
    return within and put.wrote == moment.status


def _verdicts(case: _Case) -> list[Verdict]:
    found = []
    for index, (moment, asked_by_user) in enumerate(zip(case.moments, case.asked_by_user, strict=True)):
        if asked_by_user and moment.status in (CANCEL, RETRY):
            fate = _fate(case, index)
            found.append(Verdict(case.accession, str(moment.status), fate, _met(case, moment.seconds)))
    return found


def _fate(case: _Case, index: int) -> Fate:
    following: list[webservice_books.Moment] = []
    for moment, asked_by_user in zip(case.moments[index + 1 :], case.asked_by_user[index + 1 :], strict=True):
        if asked_by_user:
            break
        following.append(moment)
    if not following:
        return Fate.WAITING if index + 1 == len(case.moments) else Fate.LOST
    if case.moments[index].status == CANCEL:
        return _fate_of_cancel([moment.status for moment in following])
    return _fate_of_retry(case, case.moments[index].seconds, following[0])


def _fate_of_cancel(following: Sequence[str | None]) -> Fate:
    if following[0] == "cancelled":
        return Fate.HEEDED
    if following[0] in _ENDED:
        return Fate.ENDED
    # The table knows no other way out of submitted_cancel: a stale record was written over it.
    put_back = CANCEL in following and following[-1] in {"cancelled", *_ENDED}
    return Fate.MENDED if put_back else Fate.LOST


def _fate_of_retry(case: _Case, asked: float, following: webservice_books.Moment) -> Fate:
    if following.status == "completed":
        return Fate.ENDED
    if following.status in _ON_ITS_WAY or following.status == "submitted":
        return Fate.HEEDED
    rerun = any(asked - _SLACK_SECONDS <= moment <= following.seconds for moment in case.reruns)
    return Fate.HEEDED if rerun else Fate.LOST


def _met(case: _Case, moment: float) -> bool:
    """Whether a write of ours was near that would wipe a cancel: one that says that the run goes on."""
    near = [one for one in case.seen if abs(one.began - moment) <= MEETING_SECONDS / 2]
    return any(_is_put(one) and one.ours and one.wrote in _ON_ITS_WAY for one in near)


def _wiped_by_user(case: _Case) -> int:
    """How many writes of ours came between a user's reading of the run and the user's write."""
    wiped = 0
    for put in case.seen:
        if not _is_put(put) or put.ours:
            continue
        reads = [one.began for one in case.seen if one.kind == requests_seen.GET_RUN and not one.ours]
        read = max((began for began in reads if began < put.began), default=put.began)
        wiped += sum(
            read < moment.seconds < put.began
            for moment, asked_by_user in zip(case.moments, case.asked_by_user, strict=True)
            if not asked_by_user
        )
    return wiped


def _gaps(case: _Case) -> list[float]:
    gaps = []
    read: float | None = None
    for one in case.seen:
        if one.ours and one.kind == requests_seen.GET_RUN:
            read = one.began
        elif one.ours and _is_put(one) and read is not None:
            gaps.append(one.began - read)
    return gaps
