"""Which jobs of Oozie a launch made, when its transcript does not say. Called by ``core.settlement``."""

import contextlib
import datetime
import pathlib

from niassa_orch import errors
from niassa_orch.oozie import client
from niassa_orch.seqware import call

#: Our clock at the intent, or Oozie's, may be off by a time zone; a launch has no job that is older than it.
_CLOCK_MARGIN = datetime.timedelta(days=2)


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
    since = datetime.datetime.fromisoformat(header.created) - _CLOCK_MARGIN
    suffix = "/" + pathlib.PurePosixPath(working_dir).name
    found = []
    for row in await oozie.jobs_of(header.unix_user, since):
        # A job that is gone since the list was made cannot be one that was just launched.
        with contextlib.suppress(errors.JobUnknownError):
            job = await oozie.job(row.id)
            if job.app_path.rstrip("/").endswith(suffix):
                found.append(job.id)
    return tuple(found)
