"""What became of each run of the demo, from the web service's history, Oozie's books and the files on the disk. Pure
but for looking who owns a run's files. Called by ``demo``; printed by the command line.
"""

import dataclasses
import pathlib
import pwd
from collections.abc import Mapping, Sequence
from typing import Any

from niassa_orch.sandbox import demo_plan

#: JSON of the sandbox's own books.
Books = Any


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One run. ``remarks`` say what is wrong although the status is right: launched twice, files of somebody else."""

    accession: int
    name: str
    account: str
    unix_user: str
    host: str
    engine: str
    statuses: tuple[str, ...]
    seconds: float
    expected: str
    seen: str
    files_of: str
    remarks: tuple[str, ...]

    @property
    def is_as_expected(self) -> bool:
        """Whether the run came to its expected end, launched once at most and as the right user."""
        return self.expected == self.seen and not self.remarks


def row(
    accession: int,
    planned: demo_plan.Planned,
    run: Mapping[str, Any],
    history: Sequence[Sequence[Any]],
    jobs: Sequence[Mapping[str, Any]],
    unix_users: Mapping[str, str],
) -> Row:
    """One line of the report.

    Args:
        accession: The run.
        planned: What was scheduled.
        run: The record as the web service's books have it.
        history: ``[seconds since the epoch, status, statusCmd]`` of each change.
        jobs: All jobs that Oozie took.
        unix_users: By account.
    """
    statuses = [str(entry[1]) for entry in history if entry[1] is not None]
    steps = [status for index, status in enumerate(statuses) if index == 0 or status != statuses[index - 1]]
    moved = [entry[0] for entry in history if entry[1] is not None]
    unix_user = unix_users.get(planned.account, "")
    mine = [job for job in jobs if job["accession"] == accession]
    owners = _owners(run["currentWorkingDir"])
    return Row(
        accession=accession,
        name=planned.name,
        account=str(run["owner"]),
        unix_user=unix_user or "-",
        host=str(run["host"]),
        engine=planned.engine,
        statuses=tuple(steps),
        seconds=moved[-1] - moved[0] if moved else 0.0,
        expected=str(planned.expected),
        seen=str(run["status"]),
        files_of=", ".join(sorted(owners)) or "-",
        remarks=tuple(_remarks(planned, mine, owners, unix_user)),
    )


def _remarks(
    planned: demo_plan.Planned, jobs: Sequence[Mapping[str, Any]], owners: set[str], unix_user: str
) -> list[str]:
    remarks = []
    wanted = int(planned.is_launched and planned.uses_oozie)
    if len(jobs) != wanted:
        remarks.append(f"{len(jobs)} jobs in Oozie, expected {wanted}")
    if any(job["user"] != unix_user for job in jobs):
        remarks.append("a job of another user")
    if planned.is_launched and owners != {unix_user}:
        remarks.append(f"files belong to {', '.join(sorted(owners)) or 'nobody'}")
    return remarks


def _owners(directory: str | None) -> set[str]:
    if not directory or not pathlib.Path(directory).is_dir():
        return set()
    found = [pathlib.Path(directory), *pathlib.Path(directory).rglob("*")]
    return {pwd.getpwuid(path.lstat().st_uid).pw_name for path in found}
