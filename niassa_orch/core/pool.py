"""The bounded task pool, fair between accounts, and the turns of engine calls.

``Pool`` stands in place of ``--threads``: so many tasks at once over all accounts, a queue an account, served round
robin. ``EngineTurns`` lets one engine call at a time run for a Unix user (the engine's own lock is one a user) and only
so many in all. Neither knows what a task does. Built by the composition root, used by workers.
"""

import asyncio
import collections
import contextlib
import dataclasses
import itertools
from collections.abc import AsyncIterator


class Pool:
    """So many slots over all accounts; a free slot goes to the next account in turn that waits for one.

    While several accounts are served, none of them holds more than half of the slots, so that an account whose
    neighbours hang leaves room for the others. Invariant: ``busy <= size``.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.accounts = 1
        self._waiting: collections.OrderedDict[str, collections.deque[_Waiter]] = collections.OrderedDict()
        self._held: collections.Counter[str] = collections.Counter()

    @property
    def busy(self) -> int:
        """Slots in use."""
        return self._held.total()

    @property
    def waiting(self) -> int:
        """Tasks that wait for a slot."""
        return sum(len(queue) for queue in self._waiting.values())

    @contextlib.asynccontextmanager
    async def slot(self, account: str, *, urgent: bool = False) -> AsyncIterator[None]:
        """Hold a slot for the account; ``urgent`` ones go first among the tasks of the same account, in their order."""
        await self._acquire(account, urgent=urgent)
        try:
            yield
        finally:
            self._release(account)

    async def _acquire(self, account: str, *, urgent: bool) -> None:
        waiter = _Waiter(asyncio.get_running_loop().create_future(), urgent)
        queue = self._waiting.setdefault(account, collections.deque())
        if urgent:
            ahead = sum(1 for _ in itertools.takewhile(lambda other: other.urgent, queue))
            queue.insert(ahead, waiter)
        else:
            queue.append(waiter)
        self._serve()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._release(account)
            else:
                self._forget(account, waiter)
            raise

    def _forget(self, account: str, waiter: "_Waiter") -> None:
        queue = self._waiting.get(account)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._waiting[account]

    def _release(self, account: str) -> None:
        self._held[account] -= 1
        if not self._held[account]:
            del self._held[account]
        self._serve()

    def _serve(self) -> None:
        while self.busy < self.size and (account := self._next_account()) is not None:
            queue = self._waiting[account]
            granted = queue.popleft().granted
            if queue:
                self._waiting.move_to_end(account)
            else:
                del self._waiting[account]
            if not granted.done():
                self._held[account] += 1
                granted.set_result(None)

    def _next_account(self) -> str | None:
        share = self.size if self.accounts <= 1 else max(1, self.size // 2)
        return next((account for account in self._waiting if self._held[account] < share), None)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """A task that waits for a slot; ``granted`` is done when it has it."""

    granted: asyncio.Future[None]
    urgent: bool


class EngineTurns:
    """One engine call at a time a Unix user (``turn``), and ``engine_calls`` at once in all (a slot of ``calls``).

    A whitestar call works for hours inside the engine: it holds its user's turn, so that nobody else of that user
    launches meanwhile, and no place among ``calls``, so that other users do.
    """

    def __init__(self, engine_calls: int) -> None:
        self.calls = Pool(engine_calls)
        self._users: collections.defaultdict[str, Pool] = collections.defaultdict(lambda: Pool(1))
        self._holders: dict[str, str] = {}

    def holder(self, unix_user: str) -> str | None:
        """Who has the user's turn now, in words, or ``None``."""
        return self._holders.get(unix_user)

    @contextlib.asynccontextmanager
    async def turn(self, unix_user: str, *, what: str, patient: bool = False) -> AsyncIterator[None]:
        """Hold the user's turn; a place among ``calls`` is taken, and given back, apart from it.

        Args:
            unix_user: Whose turn.
            what: The call in words, shown to those who wait.
            patient: Let everybody go first who is not, such as launches before propagations.
        """
        async with self._users[unix_user].slot(unix_user, urgent=not patient):
            self._holders[unix_user] = what
            try:
                yield
            finally:
                del self._holders[unix_user]
