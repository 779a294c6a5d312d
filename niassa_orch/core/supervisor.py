"""The difference between accounts.d and the workers that run: stop what is too much, then start what is missing.

A bad profile file is quarantined by name and touches no other account; a profile that turns bad keeps its last good
version. Called by the composition root.
"""

import asyncio
import pathlib
import time
from collections.abc import Collection, Iterable

from niassa_orch import errors
from niassa_orch.config import profiles
from niassa_orch.core import board, desks, guard, orphans, savings, worker
from niassa_orch.domain import runs
from niassa_orch.journal import records

#: Between two looks for launches that nobody attends to, runs that nobody owns, and requests that were saved.
_LOOK_SECONDS = 30.0


class Supervisor:
    """Runs a worker for every enabled profile.

    Args:
        desk: What all workers share.
    """

    def __init__(self, desk: desks.Desk) -> None:
        self._desk = desk
        self._workers: dict[str, worker.Worker] = {}
        self._retired: set[worker.Worker] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._known: set[str] = set()
        self._unattended: set[tuple[str, runs.Accession]] = set()
        self._orphans = orphans.Orphans(desk.told)
        self._changed = asyncio.Event()
        self._stopping = False

    def reload(self) -> None:
        """Read accounts.d again, soon."""
        self._changed.set()

    def stop(self) -> None:
        """Drain: no new work; verdicts are written; engine calls live on."""
        self._stopping = True
        self._desk.told.draining = True
        self._changed.set()

    async def run(self) -> None:
        """Serve accounts until stopped; every worker's ``run`` has returned when this returns.

        Raises:
            SettingsError: accounts.d cannot be read at the start.
        """
        self._apply(await self._load())
        try:
            while not self._stopping:
                if await self._is_asked():
                    await self._reload()
                self._tell_unattended(self._desk.intended.unattended())
                self._take_stock()
            for served in (*self._workers.values(), *self._retired):
                served.stop()
            await self._join(self._tasks.values())
        finally:
            for task in self._tasks.values():
                task.cancel()
            await self._join(self._tasks.values())

    async def once(self) -> bool:
        """One beat of every enabled account, side by side; returns whether all of them fared well."""
        found = await self._load()
        self._known = {profile.name for profile in found.profiles} | {_stem(exc) for exc in found.quarantined}
        self._show(found)
        wanted = [profile for profile in found.profiles if profile.enabled]
        self._desk.slots.accounts = len(wanted)
        async with asyncio.TaskGroup() as group:
            beats = [group.create_task(self._once(profile), name=f"once:{profile.name}") for profile in wanted]
        self._tell_unattended(self._desk.intended.unattended(ever=True))
        self._take_stock()
        return all(beat.result() for beat in beats) and not found.quarantined

    async def _once(self, profile: profiles.Profile) -> bool:
        try:
            return await worker.Worker(profile, self._desk).once()
        except Exception as exc:  # noqa: BLE001 - the fence between accounts: a defect of one must not end the others
            guard.tell(f"once:{profile.name}", exc, self._desk.told, account=profile.name)
            return False

    async def _is_asked(self) -> bool:
        """Whether somebody asked for a look at accounts.d (or for the end) within a while."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return not self._stopping

    def _tell_unattended(self, launches: Iterable[records.Launch]) -> None:
        """Launches that are not settled, of runs that no served account owns, are nobody's: a person is told once."""
        left = {launch.key: launch for launch in launches}
        if any(line.state is board.State.STARTING for line in self._desk.told.snapshot().accounts):
            return
        for key in left.keys() - self._unattended:
            launch = left[key]
            reason = (
                f"its launch is not settled, and no account that works now owns it (it was {launch.account}, "
                f"{launch.owner}); mend or give back that profile, or see: niassa-orch doubts"
            )
            fields = {"accession": launch.accession, "reason": reason}
            self._desk.told.event("launch.unattended", account=launch.account, level=board.Level.ERROR, **fields)
        self._unattended = set(left)

    def _take_stock(self) -> None:
        """What is shown of all accounts together, and changes slowly."""
        told = self._desk.told
        self._orphans.look(self._desk.pollers.orphans())
        served = [line for line in told.snapshot().accounts if line.state is board.State.OK]
        of_cron = sum(
            savings.of_cron_a_minute(line.account.propagation, line.counts)
            for line in served
            if line.account is not None
        )
        told.requests = self._desk.savings.look(time.monotonic(), of_cron)

    async def _load(self) -> profiles.Profiles:
        return await asyncio.to_thread(profiles.load, self._desk.service.accounts_dir, self._desk.service)

    async def _reload(self) -> None:
        try:
            self._apply(await self._load())
            for served in self._workers.values():
                served.refresh()
        except (errors.SettingsError, RuntimeError) as exc:
            # RuntimeError: no thread is to be had. Accounts that are served go on by what they were read from.
            self._desk.told.event("accounts.unreadable", level=board.Level.ERROR, reason=str(exc))

    def _apply(self, found: profiles.Profiles) -> None:
        bad = {_stem(exc) for exc in found.quarantined}
        wanted = {profile.name: profile for profile in found.profiles if profile.enabled}
        for name in self._workers.keys() - wanted.keys() - bad:
            self._retire(name)
        for name, profile in wanted.items():
            self._serve(name, profile)
        self._desk.slots.accounts = len(self._workers)
        self._known = bad | {profile.name for profile in found.profiles}
        self._show(found)

    def _retire(self, name: str) -> None:
        retired = self._workers.pop(name)
        self._retired.add(retired)
        retired.retire()

    def _serve(self, name: str, profile: profiles.Profile) -> None:
        served = self._workers.get(name)
        if served is None:
            for retired in self._retired:
                if retired.profile.name == name:
                    # It comes back: the calls under way are taken up by the new worker.
                    retired.stop()
            self._workers[name] = started = worker.Worker(profile, self._desk)
            earlier = self._tasks.get(name)
            self._tasks[name] = asyncio.create_task(self._run_after(earlier, started), name=f"worker:{name}")
        elif served.profile != profile:
            served.update(profile)

    async def _run_after(self, earlier: asyncio.Task[None] | None, started: worker.Worker) -> None:
        """A worker begins when the one that served the same account before has ended."""
        name = started.profile.name
        if earlier is not None:
            await asyncio.wait({earlier})
        self._desk.told.event("account.started", account=name, unix_user=started.profile.unix_user)
        await guard.keep(f"worker:{name}", started.run, self._desk.told, account=name)
        self._desk.told.event("account.stopped", account=name)
        self._retired.discard(started)
        if self._tasks.get(name) is asyncio.current_task() and name not in self._workers:
            del self._tasks[name]
            self._desk.told.keep(self._known | self._tasks.keys())
            if name in self._known:
                self._desk.told.line(name).state = board.State.DISABLED

    def _show(self, found: profiles.Profiles) -> None:
        """Put quarantined and disabled profiles on the board, and tell each refusal once."""
        told = self._desk.told
        told.keep(self._known | self._tasks.keys())
        for profile in found.profiles:
            line = told.line(profile.name)
            line.unix_user = profile.unix_user
            line.refusal = ""
            if not profile.enabled and profile.name not in self._tasks:
                line.state = board.State.DISABLED
        for exc in found.quarantined:
            line = told.line(_stem(exc))
            if _stem(exc) not in self._workers:
                line.state = board.State.MISCONFIGURED
            if line.refusal != str(exc):
                line.refusal = str(exc)
                fields = {"key": exc.key, "reason": exc.reason}
                told.event("profile.refused", account=line.name, level=board.Level.ERROR, **fields)

    async def _join(self, tasks: Collection[asyncio.Task[None]]) -> None:
        if tasks:
            await asyncio.wait(tasks)


def _stem(exc: errors.ProfileError) -> str:
    return pathlib.PurePath(exc.file).stem
