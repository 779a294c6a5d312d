"""Judges a stage after the crashes by the neighbours' own books: what was launched, by whom, and what the records say.

Nothing that the service says is believed, but for one thing: which launches it shows to a person. Used by ``crashes``.
"""

import collections
import dataclasses
import pathlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from tests.acceptance import books, crash_users, machine, stages

KINDS = ("doubled", "lost", "wrong user", "lie", "held")
_BEGAN = re.compile(r"run (\d+) began")


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise, one of ``KINDS``; ``held`` is what a person is asked about without need."""

    kind: str
    accession: int
    what: str


@dataclasses.dataclass(frozen=True, slots=True)
class Books:
    """All that is judged by.

    Args:
        runs: Records by accession.
        jobs: By accession.
        executions: Of whitestar, by accession: the working directories in which a step began.
        doubts: What the service shows to a person, by accession.
        cancelled: Runs that a user asked to cancel.
        left: Runs that stay with a person, for a reason that was found right.
    """

    runs: Mapping[int, books.Record]
    jobs: Mapping[int, Sequence[books.Record]]
    executions: Mapping[int, Sequence[pathlib.Path]]
    doubts: Mapping[int, books.Record]
    cancelled: Collection[int]
    left: Collection[int] = ()

    @property
    def launches(self) -> int:
        """How many launches there were in all."""
        return sum(map(len, (*self.jobs.values(), *self.executions.values())))


async def read(stage: stages.Stage, asked: crash_users.Users, doubts: Sequence[books.Record]) -> Books:
    """Read every book.

    Args:
        stage: With its neighbours.
        asked: What the users did.
        doubts: As ``niassa-orch doubts --json`` tells them.
    """
    jobs: collections.defaultdict[int, list[books.Record]] = collections.defaultdict(list)
    for job in await stage.oozie.jobs():
        jobs[job["accession"]].append(job)
    told = {doubt["accession"]: doubt for doubt in doubts}
    return Books(await stage.web.runs(), jobs, executions(stage), told, asked.cancelled, asked.left_to_a_person)


def executions(stage: stages.Stage) -> dict[int, list[pathlib.Path]]:
    """whitestar's files of steps that began; the name of the account's folder says whose settings it went by."""
    found: collections.defaultdict[int, list[pathlib.Path]] = collections.defaultdict(list)
    for name in stage.accounts:
        for folder in machine.entries(stage.place.work_dir(name), "oozie-*"):
            outputs = "".join(file.read_text() for file in machine.entries(folder, "generated-scripts/*.e*"))
            # Steps of oozie-sge write theirs elsewhere (.o): here it is the text of errors.
            for accession in {int(one) for one in _BEGAN.findall(outputs)}:
                found[accession].append(folder)
    return found


def judge(stage: stages.Stage, asked: crash_users.Users, seen: Books) -> list[Finding]:
    """Every broken promise."""
    found = []
    for accession, (name, plan) in asked.scheduled.items():
        found += [Finding(kind, accession, what) for kind, what in _doubled(seen, accession)]
        found += [Finding("wrong user", accession, what) for what in _strangers(stage, seen, accession, name)]
        found += [Finding(kind, accession, what) for kind, what in _unfinished(seen, accession, plan)]
        found += [Finding("lie", accession, what) for what in _lies(seen, accession, plan)]
    unknown = (seen.jobs.keys() | seen.executions.keys()) - asked.scheduled.keys()
    return found + [Finding("doubled", accession, "nobody scheduled it") for accession in unknown]


def _doubled(seen: Books, accession: int) -> Iterator[tuple[str, str]]:
    jobs, executions = seen.jobs.get(accession, ()), seen.executions.get(accession, ())
    if len(jobs) + len(executions) > 1:
        yield "doubled", f"{[job['id'] for job in jobs]} {[folder.name for folder in executions]}"


def _strangers(stage: stages.Stage, seen: Books, accession: int, name: str) -> Iterator[str]:
    user = stage.accounts[name].unix_user
    for job in seen.jobs.get(accession, ()):
        if job["user"] != user:
            yield f"{job['id']} is of {job['user']}, not of {user}"
        if not pathlib.Path(job["appPath"].removeprefix("file://")).is_relative_to(stage.place.app_root(name)):
            yield f"{job['id']} was launched by the settings of another account: {job['appPath']}"
    for folder in seen.executions.get(accession, ()):
        if folder.owner() != user or folder.parent != stage.place.work_dir(name):
            yield f"{folder} of {folder.owner()} is not of {user}"


def _unfinished(seen: Books, accession: int, plan: crash_users.Plan) -> Iterator[tuple[str, str]]:
    status, doubt = seen.runs[accession]["status"], seen.doubts.get(accession)
    if doubt is not None and doubt["outcome"] and doubt["reason"]:
        if accession not in seen.left:
            yield "held", f"{plan}: {doubt['outcome']}: {doubt['reason']}"
    elif doubt is not None or status not in crash_users.ENDED:
        yield "lost", f"{plan} is {status}, and a person is told {doubt}"


def _lies(seen: Books, accession: int, plan: crash_users.Plan) -> Iterator[str]:
    run = seen.runs[accession]
    status, jobs = run["status"], seen.jobs.get(accession, ())
    if accession in seen.doubts or status not in crash_users.ENDED or len(jobs) > 1:
        return  # told as something else
    if status == "cancelled" and accession not in seen.cancelled:
        yield "cancelled, and nobody asked for that"
    if plan.engine == "whitestar":
        if (status == "completed") is ("!" in plan.steps):
            yield f"whitestar's {plan.steps} is {status}"
    elif not jobs:
        if status != "cancelled" and not (status == "failed" and plan.launch == "fails"):
            yield f"{plan} is {status} without a job"
    else:
        yield from _lies_about(jobs[0], run)


#: What a record may say of a job that has this status for good.
_TRUE = {
    "SUCCEEDED": {"completed"},
    "KILLED": {"failed", "cancelled"},
    "FAILED": {"failed", "cancelled"},
    "SUSPENDED": {"failed"},
}


def _lies_about(job: books.Record, run: books.Record) -> Iterator[str]:
    if run["status"] not in _TRUE.get(job["status"], ()):
        yield f"the record says {run['status']}, {job['id']} is {job['status']}"
    if run["statusCmd"] != job["id"]:
        yield f"the record names {run['statusCmd']}, its job is {job['id']}"
