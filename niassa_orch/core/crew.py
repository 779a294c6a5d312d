"""The running service as operators may act on it: its workers, looked at and hurried. Decides nothing, writes nothing.

Made by the composition root for ``core.operating``.
"""

from collections.abc import AsyncIterator, Collection, Iterator

from niassa_orch import errors
from niassa_orch.core import account_line, desks, explaining, gauges, supervisor, worker
from niassa_orch.domain import accounts, runs
from niassa_orch.journal import records


class Crew:
    """The workers of a running service.

    Args:
        watched: Has the workers.
        desk: What they share.
    """

    def __init__(self, watched: supervisor.Supervisor, desk: desks.Desk) -> None:
        self._supervisor = watched
        self._desk = desk

    def names(self) -> Collection[str]:
        """Every account that has a profile, served or not."""
        return [line.name for line in self._desk.told.snapshot().accounts]

    def served(self) -> Collection[str]:
        """The accounts that somebody works for now."""
        return self._supervisor.workers.keys()

    def hurry(self, account: str | None) -> None:
        """Look at an account, or at all (``None``), now, and at what another process wrote into the journal."""
        self._desk.intended.hurry()
        for served in self._chosen(account):
            served.hurry()

    def look_now(self, account: str | None) -> None:
        """As ``hurry``; raises OrderError when nothing is looked at any more."""
        self._check_lives()
        self.hurry(account)

    def revoke(self, account: str | None, accession: runs.Accession | None = None) -> None:
        """What launches go by has changed: those that only wait are given up, and what may go on begins anew.

        Args:
            account: For one account, or for all (``None``).
            accession: A run that need not rest any more after a launch that came to nothing.
        """
        for served in self._chosen(account):
            served.revoke(accession)

    def stop(self) -> None:
        """Drain."""
        self._supervisor.stop()

    def reload(self) -> None:
        """Read all profiles again; raises OrderError when nothing is read any more."""
        self._check_lives()
        self._supervisor.reload()

    def active_runs(self) -> Iterator[gauges.ActiveRun]:
        """Every active run of every account that is served."""
        unsettled = {launch.key: launch for launch in self._desk.intended.journal.unsettled()}
        for name, served in self._supervisor.workers.items():
            if served.enrolled is None:
                continue
            account = served.enrolled.account
            urgent = self._desk.orders.urgent(name)
            for run in served.active_runs():
                launch = unsettled.get((account.web_service_url, run.accession))
                yield gauges.ActiveRun(name, run, *_of_launch(launch), is_urgent=run.accession in urgent)

    async def explain(self, accession: runs.Accession) -> AsyncIterator[explaining.Said]:
        """Everything that is known of a run, with what only this process knows."""
        enrolled = [served.enrolled for served in self._supervisor.workers.values() if served.enrolled is not None]
        explains = explaining.Explaining(self._desk.service, enrolled, self._desk.intended.journal, self._waits)
        async for said in explains.explain(accession):
            yield said

    def _check_lives(self) -> None:
        if self._desk.told.draining:
            message = "the service drains, and ends: it looks at nothing any more"
            raise errors.OrderError(message)

    def _chosen(self, account: str | None) -> list[worker.Worker]:
        return [served for name, served in self._supervisor.workers.items() if account in (None, name)]

    def _waits(self, account: accounts.Account, run: runs.WorkflowRun) -> Iterator[str]:
        """What keeps a run, as far as only its worker knows."""
        told = self._desk.told
        line = told.line(account.name)
        yield from filter(None, (told.journal, told.audit))
        if line.state is not account_line.State.OK:
            yield f"its account is {line.state}" + (f": {line.reason}" if line.reason else "")
        if run.status is runs.RunStatus.SUBMITTED:
            yield from self._keeps_launch(account, run.accession, line.waiting)
        else:
            yield from filter(None, (line.warning, line.left_alone.get(run.accession)))

    def _keeps_launch(self, account: accounts.Account, accession: runs.Accession, waiting: str) -> Iterator[str]:
        if waiting:
            yield waiting
        served = self._supervisor.workers.get(account.name)
        is_fenced = self._desk.intended.journal.is_fenced(account, accession)
        if served is not None and not is_fenced and not served.is_available(accession):
            yield "its last launch came to nothing, and it is not tried again at once"


def _of_launch(launch: records.Launch | None) -> tuple[str, str]:
    if launch is None:
        return "", ""
    return str(launch.outcome or "in flight"), launch.reason
