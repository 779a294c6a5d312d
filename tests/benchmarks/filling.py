"""Books of the stand-ins filled with active runs and their jobs, thousands at once.

Runs are ``running`` with a job that runs, as a site has them in the middle of a day; their rows in a list are of a
chosen size. Nobody carries the jobs out, so that they end when a benchmark says so. Called by ``premises``.
"""

import dataclasses
import pathlib
import random
import sqlite3
from collections.abc import Iterable, Sequence

from niassa_orch.domain import jobs
from niassa_orch.sandbox import oozie_books, webservice_books, webservice_documents
from tests.benchmarks import stand_ins

ENGINE = "oozie"
_DAY_SECONDS = 86_400
_LINE = "reference_genome=/references/hg38/hg38_random.fa\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Filled:
    """An active run and its job; ``account`` is the owner's number."""

    account: int
    accession: int
    job_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Making:
    """What runs and jobs are made of.

    Args:
        host: That the runs were scheduled for.
        unix_user: Whom the jobs belong to.
        working_dir: Of all jobs.
        row_bytes: Of a run in a list, padded in its iniFile.
        status: Of the runs.
        steps: Of the jobs, which a rerun carries out.
    """

    host: str
    unix_user: str
    working_dir: pathlib.Path
    row_bytes: int = 4096
    status: str = "running"
    steps: tuple[str, ...] = ()


class Books:
    """The books of both stand-ins, on connections of the benchmark's own.

    Args:
        directory: Of the state files; the stand-ins are up, since a server that starts later would carry out the jobs.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        self.web_service = webservice_books.Books(directory / stand_ins.WEB_SERVICE_FILE)
        self.oozie = oozie_books.Books(directory / stand_ins.OOZIE_FILE)
        self._oozie_file = directory / stand_ins.OOZIE_FILE

    def close(self) -> None:
        """Close both."""
        self.web_service.close()
        self.oozie.close()

    def fill(self, owners: Sequence[tuple[int, str]], per_account: int, making: Making) -> list[Filled]:
        """Add so many active runs for each of some accounts, given by number and login."""
        new = oozie_books.NewJob(
            accession=None,
            user=making.unix_user,
            engine=ENGINE,
            app_name="bench",
            app_path=f"file://{making.working_dir}/oozie-bench",
            working_dir=str(making.working_dir),
            conf="<configuration/>",
            steps=making.steps,
        )
        total = len(owners) * per_account
        job_ids = self.oozie.add_many([new] * total, jobs.JobStatus.RUNNING)
        self._spread(job_ids)
        made = []
        for index, (number, login) in enumerate(owners):
            mine = job_ids[index * per_account : (index + 1) * per_account]
            accessions = self.web_service.add_runs(login, _texts(mine, making, login), workflow_accession=1)
            made += [Filled(number, accession, job) for accession, job in zip(accessions, mine, strict=True)]
        return made

    def _spread(self, job_ids: Sequence[str]) -> None:
        """Let jobs have changed at times spread over a day: thousands in one second would be no site that exists."""
        moments = random.Random(4)  # noqa: S311 - spreads times
        connection = sqlite3.connect(self._oozie_file, timeout=30)
        try:
            with connection:
                connection.executemany(
                    "UPDATE jobs SET created = created - :ago - 60, started = started - :ago - 30, "
                    "modified = modified - :ago WHERE id = :id",
                    ({"ago": moments.uniform(60, _DAY_SECONDS), "id": job_id} for job_id in job_ids),
                )
        finally:
            connection.close()


def _texts(job_ids: Iterable[str], making: Making, login: str) -> Iterable[dict[str, str]]:
    texts = {
        "currentWorkingDir": str(making.working_dir),
        "host": making.host,
        "iniFile": "",
        "name": "bench",
        "status": making.status,
        "statusCmd": "0000000-000000000000000-oozie-oozi-W",
        "workflowEngine": ENGINE,
    }
    row = webservice_documents.StoredRun(1_000_000, login, 1, 0, 0, 0, texts)
    room = max(making.row_bytes - len(webservice_documents.row(row)) - len("<iniFile></iniFile>"), 0)
    texts["iniFile"] = (_LINE * (room // len(_LINE) + 1))[:room]
    return ({**texts, "statusCmd": job_id} for job_id in job_ids)
