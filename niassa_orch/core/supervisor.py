"""The difference between accounts.d and the workers that run: stop what is too much, then start what is missing.

A bad profile file is quarantined by name and touches no other account; a profile that turns bad keeps its last good
version. Called by the composition root.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping

from niassa_orch import errors
from niassa_orch.config import profiles, shelf
from niassa_orch.core import (
    account_line,
    accounts_watch,
    board,
    crontab_rounds,
    desks,
    drop_ins,
    enrolling,
    guard,
    orphans,
    profile_lines,
    savings,
    unattended,
    worker,
)

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
        self._unattended = unattended.Unattended(desk.told)
        self._orphans = orphans.Orphans(desk.told)
        self._drop_ins = drop_ins.DropIns(desk.service, desk.told)
        self._changed = asyncio.Event()
        self._stopping = False

    @property
    def workers(self) -> Mapping[str, worker.Worker]:
        """Who works for which account now."""
        return self._workers

    def reload(self) -> None:
        """Read all of accounts.d again, soon, and forget why anything waits."""
        self._drop_ins.ask()

    def stop(self) -> None:
        """Drain: no new work; verdicts are written; engine calls live on."""
        self._stopping = True
        self._desk.told.draining = True
        self._desk.signs.stopping()
        self._changed.set()

    async def run(self) -> None:
        """Serve accounts until stopped; every worker's ``run`` has returned when this returns.

        Raises:
            SettingsError: accounts.d cannot be read at the start.
        """
        self._apply(await self._drop_ins.first())
        self._desk.signs.ready()
        eternal = [
            asyncio.create_task(guard.keep(name, work, self._desk.told), name=name) for name, work in self._eternal()
        ]
        try:
            while not self._stopping:
                await self._pause()
                await self._feel()
                self._unattended.look(self._desk.intended.unattended())
                self._take_stock()
            await self._end(eternal)
            for served in (*self._workers.values(), *self._retired):
                served.stop()
            await self._join(self._tasks.values())
        finally:
            await self._end([*eternal, *self._tasks.values()])

    def _eternal(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        service, told = self._desk.service, self._desk.told
        watch = accounts_watch.AccountsWatch(service.accounts_dir, service.accounts_watch, told, self._drop_ins.alarm)
        yield "accounts.watch", watch.run
        yield "accounts.follow", self._follow
        crontabs = self._desk.intended.crontabs
        yield "crontabs.look", crontab_rounds.CrontabRounds(self._served, crontabs, told, service.effective_host).run

    def _served(self) -> dict[str, enrolling.Enrolled | None]:
        return {name: served.enrolled for name, served in self._workers.items()}

    async def _follow(self) -> None:
        """Let what is dropped in take effect."""
        while True:
            self._reload(await self._drop_ins.next())

    def _reload(self, brought: drop_ins.Brought) -> None:
        drop_ins.tell(self._desk.told, self._apply(brought))
        if brought.asked:
            for served in self._workers.values():
                served.refresh()
        self._changed.set()

    async def once(self) -> bool:
        """One beat of every enabled account, side by side; returns whether all of them fared well."""
        service = self._desk.service
        found = await asyncio.to_thread(shelf.load, service.accounts_dir, service)
        profile_lines.show(self._desk.told, drop_ins.Brought(found), (), ())
        wanted = [profile for profile in found.profiles if profile.enabled]
        self._desk.slots.accounts = len(wanted)
        async with asyncio.TaskGroup() as group:
            beats = [group.create_task(self._once(profile), name=f"once:{profile.name}") for profile in wanted]
        self._unattended.look(self._desk.intended.unattended(ever=True))
        self._take_stock()
        return all(beat.result() for beat in beats) and not found.quarantined

    async def _once(self, profile: profiles.Profile) -> bool:
        try:
            return await worker.Worker(profile, self._desk).once()
        except Exception as exc:  # noqa: BLE001 - the fence between accounts: a defect of one must not end the others
            guard.tell(f"once:{profile.name}", exc, self._desk.told, account=profile.name)
            return False

    async def _feel(self) -> None:
        """A sign of life, where no account beats too; what the journal's trouble is every beat tells."""
        with contextlib.suppress(errors.JournalError):
            await self._desk.intended.refresh()
        self._desk.signs.beat()

    async def _pause(self) -> None:
        """Until accounts changed, the end has come, or a while has passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._changed.wait()
        self._changed.clear()

    def _take_stock(self) -> None:
        """What is shown of all accounts together, and changes slowly."""
        told = self._desk.told
        self._orphans.look(self._desk.pollers.orphans())
        served = [line for line in told.snapshot().accounts if line.state is account_line.State.OK]
        of_cron = sum(
            savings.of_cron_a_minute(line.account.propagation, line.counts)
            for line in served
            if line.account is not None
        )
        told.requests = self._desk.savings.look(time.monotonic(), of_cron)
        self._desk.signs.says(_in_short(told.snapshot()))

    def _apply(self, brought: drop_ins.Brought) -> dict[str, list[str]]:
        """Returns names of accounts by what became of them."""
        found = brought.profiles
        bad = {profile_lines.account_of(exc.file) for exc in found.quarantined}
        wanted = {profile.name: profile for profile in found.profiles if profile.enabled}
        removed = sorted(self._workers.keys() - wanted.keys() - bad)
        for name in removed:
            self._retire(name)
        added = [name for name in wanted if name not in self._workers]
        changed = [name for name, profile in wanted.items() if self._serve(name, profile) and name not in added]
        self._desk.slots.accounts = len(self._workers)
        self._known = profile_lines.known(brought)
        self._desk.told.keep(self._known | self._tasks.keys())
        profile_lines.show(self._desk.told, brought, self._workers.keys(), self._tasks)
        return {"added": added, "changed": changed, "removed": removed}

    def _retire(self, name: str) -> None:
        retired = self._workers.pop(name)
        self._retired.add(retired)
        retired.retire()

    def _serve(self, name: str, profile: profiles.Profile) -> bool:
        """Let a worker work by this profile; returns whether none has done so yet."""
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
        else:
            return False
        return True

    async def _run_after(self, earlier: asyncio.Task[None] | None, started: worker.Worker) -> None:
        """A worker begins when the one that served an account of the same name before has ended."""
        name = started.profile.name
        if earlier is not None:
            await asyncio.wait({earlier})
        self._desk.told.event("account.started", account=name, unix_user=started.profile.unix_user)
        await guard.keep(f"worker:{name}", started.run, self._desk.told, account=name, stopping=started.stopping)
        self._desk.told.event("account.stopped", account=name)
        self._retired.discard(started)
        if self._tasks.get(name) is asyncio.current_task() and name not in self._workers:
            del self._tasks[name]
            self._desk.told.keep(self._known | self._tasks.keys())
            if name in self._known:
                self._desk.told.line(name).state = account_line.State.DISABLED

    async def _end(self, tasks: Collection[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await self._join(tasks)

    async def _join(self, tasks: Collection[asyncio.Task[None]]) -> None:
        if tasks:
            await asyncio.wait(tasks)


def _in_short(now: board.Snapshot) -> str:
    well = sum(line.state is account_line.State.OK for line in now.accounts)
    flying = sum(len(line.in_flight) for line in now.accounts)
    held = sum(len(line.held) for line in now.accounts)
    short = f"{well} of {len(now.accounts)} accounts are well, {flying} launches in flight, {held} wait for a person"
    troubles = [text for text in (*map(str, now.orders), now.journal, now.audit, *now.alarms) if text]
    return "; ".join([short, *troubles])
