"""Which jobs of Oozie a launch made, when its transcript does not say. Called by ``core.settlement``.

Oozie lists jobs by the time of its own clock. A look since the call began, by ours, is enough to find a job; that there
is none is believed only of a look that our clock had no say in, or that is proven to reach back far enough.
"""

import contextlib
import datetime
from typing import Final

from niassa_orch import errors
from niassa_orch.oozie import client
from niassa_orch.seqware import call

#: Our clock at the intent, or Oozie's, may be off by a time zone; a launch has no job that is older than it.
_CLOCK_MARGIN: Final = datetime.timedelta(days=2)
#: How far Oozie's own clock may have been set since then.
_OOZIE_MARGIN: Final = datetime.timedelta(days=1)


async def jobs_of_launch(oozie: client.Oozie, header: call.CallHeader, working_dir: str) -> tuple[str, ...]:
    """Ids of the jobs whose ``appPath`` ends in the launch's ``oozie-UUID``.

    The list carries no ``appPath``, so that each job of the Unix user since the call is looked at.

    Args:
        oozie: The server.
        header: Of the call: whose jobs, since when.
        working_dir: As the transcript says, ending in ``oozie-UUID``.

    Raises:
        OozieError: Nothing is known.
    """
    return await _jobs_since(oozie, header.unix_user, _floor(header), working_dir)


async def jobs_overlooked(
    oozie: client.Oozie, header: call.CallHeader, working_dir: str, age_seconds: float | None
) -> tuple[str, ...]:
    """What ``jobs_of_launch`` may have missed because a clock was wrong: all jobs are looked at, unless none can be.

    Args:
        oozie: The server.
        header: Of the call.
        working_dir: As the transcript says.
        age_seconds: How long ago the call was intended, by a clock that nobody sets; ``None`` when that is not known,
            such as for a call of an earlier process.

    Raises:
        OozieError: Nothing is known.
    """
    now_there = await oozie.clock()
    if now_there is not None and age_seconds is not None:
        # A machine that was put to sleep lost time that only the other clock counted.
        by_our_clock = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(header.created)
        age = max(datetime.timedelta(seconds=age_seconds), by_our_clock)
        if _floor(header) <= now_there - age - _OOZIE_MARGIN:
            return ()
    return await _jobs_since(oozie, header.unix_user, None, working_dir)


def _floor(header: call.CallHeader) -> datetime.datetime:
    return datetime.datetime.fromisoformat(header.created) - _CLOCK_MARGIN


async def _jobs_since(
    oozie: client.Oozie, user: str, since: datetime.datetime | None, working_dir: str
) -> tuple[str, ...]:
    found = []
    for row in await oozie.jobs_of(user, since):
        # A job that is gone since the list was made cannot be one that was just launched.
        with contextlib.suppress(errors.JobUnknownError):
            job = await oozie.job(row.id)
            if job.is_of(working_dir):
                found.append(job.id)
    return tuple(found)
