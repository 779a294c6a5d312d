"""How the Oozie stand-in carries out jobs: one step after another, each a real process of the job's Unix user.

A step is ``/bin/sh generated-scripts/NAME.sh`` in the run's working directory; on ``oozie-sge`` its output goes to
``NAME.o<digits>`` and ``NAME.e<digits>`` beside it, opened as the user. A process runs in a session of its own, so
that a kill reaches its whole group; only processes started here are ever signalled. Called by ``oozie``.
"""

import asyncio
import contextlib
import dataclasses
import os
import pwd
import signal
import time
from collections.abc import Collection, Mapping

from niassa_orch.domain import jobs
from niassa_orch.sandbox import oozie_books

#: What a kill works on (Oozie's KillXCommand); elsewhere it does nothing and is answered 200 all the same.
KILLABLE = frozenset({jobs.JobStatus.PREP, jobs.JobStatus.RUNNING, jobs.JobStatus.SUSPENDED})

_STEP = 'umask 022; exec /bin/sh "generated-scripts/$1.sh" >"$2" 2>"$3"'
_CONTROL = {"external_id": "-", "external_status": "OK", "status": "OK"}


@dataclasses.dataclass(slots=True)
class _Ride:
    """A job that is being carried out. ``halt`` ends its running step, without a word in the books."""

    task: asyncio.Task[None]
    halt: asyncio.Event


class Yard:
    """Carries out jobs. The books are the truth; what is in memory here is only what runs at this moment.

    Args:
        books: The jobs.
        users: Unix users that steps may run as.
        environment: More variables for the steps.
        kill_delay_seconds: How long a kill stays queued.
        kill_grace_seconds: How long a step may ignore SIGTERM.
    """

    def __init__(
        self,
        books: oozie_books.Books,
        *,
        users: Collection[str],
        environment: Mapping[str, str],
        kill_delay_seconds: float,
        kill_grace_seconds: float,
    ) -> None:
        self._books = books
        self._users = frozenset(users)
        self._environment = dict(environment)
        self._kill_delay_seconds = kill_delay_seconds
        self._kill_grace_seconds = kill_grace_seconds
        self._rides: dict[str, _Ride] = {}
        self._kills: set[asyncio.Task[None]] = set()

    def may_run_as(self, user: str) -> bool:
        """Whether steps may run as this Unix user."""
        return user in self._users

    def go_on(self) -> None:
        """Carry on with everything that was unfinished when the last server ended."""
        for job in self._books.every():
            if job.status in (jobs.JobStatus.PREP, jobs.JobStatus.RUNNING):
                self.begin(job.id)

    def begin(self, job_id: str) -> None:
        """Carry out a job, unless that is being done."""
        if job_id in self._rides:
            return
        halt = asyncio.Event()
        task = asyncio.create_task(self._carry_out(job_id, halt), name=f"oozie-job-{job_id}")
        self._rides[job_id] = _Ride(task, halt)

    def kill(self, job_id: str) -> None:
        """Queue a kill; whether it does anything shows in the job's status."""
        task = asyncio.create_task(self._kill(job_id), name=f"oozie-kill-{job_id}")
        self._kills.add(task)
        task.add_done_callback(self._kills.discard)

    async def stop(self) -> None:
        """End every process that was started here. The jobs stay as they are and are carried on by the next server."""
        for kill in self._kills:
            kill.cancel()
        rides = list(self._rides.values())
        for ride in rides:
            ride.halt.set()
        await asyncio.gather(*self._kills, *(ride.task for ride in rides), return_exceptions=True)

    async def _kill(self, job_id: str) -> None:
        await asyncio.sleep(self._kill_delay_seconds)
        if self._status(job_id) not in KILLABLE:
            return
        ride = self._rides.get(job_id)
        if ride is not None:
            ride.halt.set()
            await asyncio.wait([ride.task])
        # It may have ended by itself just now.
        if self._status(job_id) in KILLABLE:
            self._books.set_status(job_id, jobs.JobStatus.KILLED)

    def _status(self, job_id: str) -> jobs.JobStatus | None:
        job = self._books.job(job_id)
        return None if job is None else job.status

    async def _carry_out(self, job_id: str, halt: asyncio.Event) -> None:
        try:
            job = self._books.job(job_id)
            if job is None:
                return
            if job.status is jobs.JobStatus.PREP:
                self._books.set_status(job_id, jobs.JobStatus.RUNNING)
                self._control(job_id, ":start:", ":START:")
            await self._steps(job, halt)
        finally:
            del self._rides[job_id]

    async def _steps(self, job: oozie_books.Job, halt: asyncio.Event) -> None:
        for name in job.steps:
            if halt.is_set() or self._status(job.id) is not jobs.JobStatus.RUNNING:
                return
            action = self._action(job.id, name)
            if action is None or action.status == "RUNNING":
                action = await self._step(job, name, halt)
            if action is None:
                return
            if action.status != "OK":
                self._fail(job.id, action)
                return
        if self._status(job.id) is jobs.JobStatus.RUNNING:
            self._control(job.id, "done", ":END:")
            self._books.set_status(job.id, jobs.JobStatus.SUCCEEDED)

    def _fail(self, job_id: str, action: oozie_books.Action) -> None:
        # While it is suspended a job does not end; the failed step is seen again at the resume.
        if self._status(job_id) is not jobs.JobStatus.RUNNING:
            return
        if action.status == "FAILED":
            self._books.set_status(job_id, jobs.JobStatus.FAILED)
            return
        self._control(job_id, "fail", ":KILL:")
        self._books.set_status(job_id, jobs.JobStatus.KILLED)

    def _action(self, job_id: str, name: str) -> oozie_books.Action | None:
        return next((one for one in self._books.actions(job_id) if one.name == name), None)

    def _control(self, job_id: str, name: str, kind: str) -> None:
        now = time.time()
        node = oozie_books.Action(
            job_id=job_id, name=name, type=kind, error_code=None, error_message=None, started=now, ended=now, **_CONTROL
        )
        self._books.put_action(node)

    async def _step(self, job: oozie_books.Job, name: str, halt: asyncio.Event) -> oozie_books.Action | None:
        """Run one step; ``None`` when it was halted, and the books then still say RUNNING."""
        number = self._books.next_external_number()
        on_grid = job.engine == "oozie-sge"
        action = oozie_books.Action(
            job_id=job.id,
            name=name,
            type="sge" if on_grid else "java",
            status="RUNNING",
            external_id=str(number) if on_grid else f"job_{int(job.created)}_{number:04d}",
            external_status="RUNNING",
            error_code=None,
            error_message=None,
            started=time.time(),
            ended=None,
        )
        self._books.put_action(action)
        try:
            process = await self._start(job, name, number if on_grid else None)
        except (OSError, KeyError) as error:
            action = _ended(action, "FAILED", "JA009", f"{name} could not be started as {job.user}: {error}")
            self._books.put_action(action)
            return action
        if not await self._wait(process, halt):
            return None
        action = _verdict(action, process.returncode)
        self._books.put_action(action)
        return action

    async def _start(self, job: oozie_books.Job, name: str, number: int | None) -> asyncio.subprocess.Process:
        user = pwd.getpwnam(job.user)
        self._books.set_uid(job.id, user.pw_uid)
        outputs = ["/dev/null"] * 2 if number is None else [f"generated-scripts/{name}.{one}{number}" for one in "oe"]
        own = user.pw_uid == os.geteuid()
        return await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", _STEP, "sh", name, *outputs),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=job.working_dir,
            env={"HOME": user.pw_dir, "USER": job.user, "LOGNAME": job.user, "LANG": "C.UTF-8", "PATH": os.defpath}
            | self._environment,
            start_new_session=True,
            user=None if own else user.pw_uid,
            group=None if own else user.pw_gid,
            extra_groups=None if own else os.getgrouplist(job.user, user.pw_gid),
        )

    async def _wait(self, process: asyncio.subprocess.Process, halt: asyncio.Event) -> bool:
        """Whether the process ended by itself; after a halt its whole group is gone."""
        ending = asyncio.create_task(process.wait())
        halting = asyncio.create_task(halt.wait())
        await asyncio.wait([ending, halting], return_when=asyncio.FIRST_COMPLETED)
        halting.cancel()
        if ending.done():
            return True
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal_number)
            await asyncio.wait([ending], timeout=self._kill_grace_seconds)
        return False


def _verdict(action: oozie_books.Action, exit_code: int | None) -> oozie_books.Action:
    if exit_code == 0:
        return _ended(action, "OK")
    code = "SGE1" if action.type == "sge" else "JA018"
    return _ended(action, "ERROR", code, f"{action.name} ({action.external_id}) failed, exit code [{exit_code}]")


def _ended(
    action: oozie_books.Action, status: str, error_code: str | None = None, error_message: str | None = None
) -> oozie_books.Action:
    return dataclasses.replace(
        action,
        status=status,
        external_status="SUCCEEDED" if status == "OK" else "FAILED",
        error_code=error_code,
        error_message=error_message,
        ended=time.time(),
    )
