"""What the steps of an account's runs wrote, asked of the mediator for many runs at a time.

While a call is under way, whoever else asks waits, and all who wait go together in the next one. A mediator that fails
or hangs is left in peace for a while: a status is worth more than its texts. When texts are due is for ``texts_due`` to
say, what becomes of them for ``domain.texts``. Owned by ``core.run_texts``, one an account.
"""

import asyncio
import dataclasses
import time

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import board, enrolling, throttle
from niassa_orch.domain import jobs, runs, texts
from niassa_orch.seqware import identity, query

#: An answer holds up to ``run_bytes`` of text for each of them.
_RUNS_A_CALL = 20
_REST_SECONDS = (60.0, 600.0)


@dataclasses.dataclass(slots=True, eq=False)
class _Wish:
    """Somebody who waits for the files of a run; ``found`` counts once it is ``fulfilled``."""

    accession: runs.Accession
    directory: str
    fulfilled: bool = False
    found: texts.StepFiles | None = None


class StepTexts:
    """Reads step files of one account, with one call of its mediator at a time.

    Args:
        told: The board, for events.
        limits: How much is read.
    """

    def __init__(self, told: board.Board, limits: settings.Texts) -> None:
        self._board = told
        self._limits = limits
        self._rest = throttle.Throttle(*_REST_SECONDS)
        self._turn = asyncio.Lock()
        self._wishes: list[_Wish] = []

    async def read(
        self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, job: jobs.Job | None
    ) -> texts.StepFiles | None:
        """The run's step files, or ``None`` when they cannot be had now: the stored texts stay then.

        Args:
            enrolled: The account, as whose Unix user they are read.
            run: One whose engine leaves such files, with its working directory.
            job: Its job, whose directory it must be; ``None`` for engines without.
        """
        directory = texts.directory_of(run, job)
        if directory is None:
            return None
        wish = _Wish(run.accession, directory)
        self._wishes.append(wish)
        try:
            # The lock is served in the order of the wishes: whoever gets it with an open wish has the oldest one. When
            # it is cancelled, what it had asked for is still open, and the next in turn asks again.
            async with self._turn:
                if not wish.fulfilled:
                    await self._fulfil(enrolled)
        finally:
            self._wishes.remove(wish)
        return wish.found

    async def _fulfil(self, enrolled: enrolling.Enrolled) -> None:
        wishes = self._next_wishes()
        found = await self._ask(enrolled, {wish.accession: wish.directory for wish in wishes})
        for wish in wishes:
            wish.fulfilled = True
            wish.found = found.get(wish.accession)

    def _next_wishes(self) -> list[_Wish]:
        """The oldest open wishes, for so many runs as one call asks for."""
        asked: dict[runs.Accession, str] = {}
        chosen = []
        for wish in self._wishes:
            is_new = wish.accession not in asked
            if wish.fulfilled or (is_new and len(asked) == _RUNS_A_CALL):
                continue
            if asked.setdefault(wish.accession, wish.directory) == wish.directory:
                chosen.append(wish)
        return chosen

    async def _ask(
        self, enrolled: enrolling.Enrolled, directories: dict[runs.Accession, str]
    ) -> dict[runs.Accession, texts.StepFiles | None]:
        if not self._rest.is_over(time.monotonic()):
            return {}
        argv = identity.argv(enrolled.identity, enrolled.mediator, "texts")
        file_bytes, run_bytes = self._limits.file_bytes, self._limits.run_bytes
        try:
            found = await query.texts(argv, directories, file_bytes=file_bytes, run_bytes=run_bytes)
        except errors.EngineCallError as exc:
            self._rest.fail(time.monotonic())
            fields = {"runs": len(directories), "reason": str(exc)}
            name, account = "texts.unreadable", enrolled.account.name
            self._board.event(name, account=account, level=board.Level.WARNING, **fields)
            return {}
        self._rest.succeed()
        return found
