"""How many launches may begin now: limits of one account and of all together, on launches in flight, on launches a
beat, and on those of one account an hour.

Pure arithmetic on a clock that the caller reads. What counts is the attempt, when its intent is about to be written,
whatever becomes of it. What is in flight the journal knows, and the caller says. Built by the composition root, asked
by ``core.shares``.
"""

import collections
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from niassa_orch.config import settings
from niassa_orch.domain import accounts

_Claim = tuple[str, str, str]
#: The longest time in which launches are counted.
LONGEST_SECONDS = 3600.0
#: In place of no limit at all.
_MANY = 1 << 30
#: So many beats after it last asked, an account counts as not waiting any more.
_WAITS_BEATS = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Room:
    """So many ``launches`` may begin now; ``why`` not more, and in how many seconds more may, if time alone helps."""

    launches: int
    why: str
    more_in_seconds: float = math.inf


class Begun:
    """Launches that began in a rolling window.

    Args:
        seconds: Its length.
        words: What it is called.
    """

    def __init__(self, seconds: float, words: str) -> None:
        self._seconds = seconds
        self._words = words
        self._begun: collections.deque[tuple[float, int]] = collections.deque()

    def take(self, moment: float, count: int) -> None:
        """So many began; moments come in their order."""
        self._begun.append((moment, count))

    def room(self, now: float, most: int | None, whose: str, kept: int = 0) -> Room:
        """What is left of ``most`` (``None``: of no limit) when so many are kept for others."""
        while self._begun and now - self._begun[0][0] >= self._seconds:
            self._begun.popleft()
        begun = sum(count for _, count in self._begun)
        left = (most or _MANY) - begun - kept
        more_in_seconds = self._more_in_seconds(now, left)
        why = f"{begun} of {most} launches of {whose} were begun in this {self._words}"
        if begun < (most or _MANY):
            why += ", and the rest is kept for accounts that waited longer"
        soon = "" if math.isinf(more_in_seconds) else f"; more in {math.ceil(more_in_seconds)} s"
        return Room(left, why + soon, more_in_seconds)

    def _more_in_seconds(self, now: float, left: int) -> float:
        for moment, count in self._begun:
            left += count
            if left > 0:
                return moment + self._seconds - now
        return math.inf


class Allowance:
    """Limits on launches in flight, and on launches begun in any beat and in any hour; ``None`` is no limit.

    Args:
        in_flight: Launches in flight.
        a_beat: Launches begun in a beat, which here is a rolling window.
        beat_seconds: Its length.
        whose: In words, such as ``this account``.
        an_hour: Launches begun in an hour, likewise.
    """

    def __init__(
        self, in_flight: int | None, a_beat: int | None, beat_seconds: float, whose: str, an_hour: int | None = None
    ) -> None:
        self.in_flight = in_flight
        self.a_beat = a_beat
        self.an_hour = an_hour
        self._whose = whose
        self._beat = Begun(beat_seconds, "beat")
        self._hour = Begun(LONGEST_SECONDS, "hour")

    def room(self, now: float, flying: int, *, kept_in_flight: int = 0, kept_a_beat: int = 0) -> Room:
        """What may begin at ``now``.

        Args:
            now: Seconds of a monotonic clock.
            flying: Launches in flight.
            kept_in_flight: Places that are kept for others.
            kept_a_beat: Launches of the beat that are kept for others.
        """
        most = self.in_flight or _MANY
        places = Room(most - flying - kept_in_flight, f"{flying} of {most} launches of {self._whose} are in flight")
        if flying < most and kept_in_flight:
            places = dataclasses.replace(
                places, why=f"{places.why}, and the rest is kept for accounts with none or few"
            )
        beat = self._beat.room(now, self.a_beat, self._whose, kept_a_beat)
        hour = self._hour.room(now, self.an_hour, self._whose)
        tightest = min(places, beat, hour, key=lambda room: room.launches)
        return dataclasses.replace(tightest, launches=max(0, tightest.launches))

    def take(self, now: float, count: int) -> None:
        """So many attempts begin, or began then."""
        if count:
            self._beat.take(now, count)
            self._hour.take(now, count)


class Limits:
    """An allowance an account, and one that all share and no account can take from the others.

    An account that was refused a launch by the shared allowance and still waits has one kept for it before every
    account that was served since. While accounts have nothing in flight, a place is kept for each of them, in up to
    half of all places, so that launches that hang or are in doubt do not fill everything.

    Args:
        launching: The limits of all accounts together.
        beat_seconds: The length of a beat.
        served: Says which accounts are served, by claim.
    """

    def __init__(
        self, launching: settings.Launching, beat_seconds: float, served: Callable[[], Iterable[_Claim]]
    ) -> None:
        self._served = served
        self._shared = Allowance(launching.in_flight, launching.a_beat, beat_seconds, "all accounts")
        self._beat_seconds = beat_seconds
        self._own: dict[_Claim, Allowance] = {}
        #: When each last asked; who waits longest is first.
        self._waiting: dict[_Claim, float] = {}
        self._again: dict[_Claim, float] = {}

    def ask(self, account: accounts.Account, flying: Mapping[_Claim, int], now: float) -> Room:
        """What the account may begin; when that is nothing because of the others, it waits from now on.

        Args:
            account: With its own limits.
            flying: Launches in flight of every account that has any, by claim.
            now: Seconds of a monotonic clock.
        """
        room, is_shared = self._tightest(account, flying, now)
        if account.claim in self._waiting or (is_shared and not room.launches):
            self._waiting[account.claim] = now
        return room

    def take(self, account: accounts.Account, wanted: int, flying: Mapping[_Claim, int], now: float) -> Room:
        """Up to ``wanted`` launches begin, their intents are written next; returns how many, and why not more."""
        taken = min(wanted, self.ask(account, flying, now).launches)
        if taken:
            self._allowance(account).take(now, taken)
            self._shared.take(now, taken)
            self._waiting.pop(account.claim, None)
        flying = {**flying, account.claim: flying.get(account.claim, 0) + taken}
        return dataclasses.replace(self._tightest(account, flying, now)[0], launches=taken)

    def recall(self, begun: Iterable[tuple[_Claim, float]], now: float) -> None:
        """What an earlier process began, oldest first: claims, and seconds ago."""
        for claim, seconds_ago in begun:
            self._begun_by(claim).take(now - seconds_ago, 1)
            self._shared.take(now - seconds_ago, 1)

    def leave(self, account: accounts.Account) -> None:
        """The account has nothing to launch, or cannot: nothing is kept for it."""
        self._waiting.pop(account.claim, None)
        self._again.pop(account.claim, None)

    def again_in_seconds(self, account: accounts.Account, now: float) -> float:
        """When an account that waits should ask again, if that is known and yet to come; else infinity."""
        again = self._again.get(account.claim, math.inf)
        return again - now if again > now else math.inf

    def _tightest(self, account: accounts.Account, flying: Mapping[_Claim, int], now: float) -> tuple[Room, bool]:
        """The room of the account, and whether it is the shared allowance that says so."""
        own = self._allowance(account).room(now, flying.get(account.claim, 0))
        shared = self._room(account.claim, flying, now)
        room, is_shared = (shared, True) if shared.launches < own.launches else (own, False)
        self._again[account.claim] = math.inf if room.launches else now + room.more_in_seconds
        return room, is_shared

    def _allowance(self, account: accounts.Account) -> Allowance:
        """The account's own, by the limits that it has now; what it began is remembered over a reload."""
        own = self._begun_by(account.claim)
        own.in_flight, own.a_beat, own.an_hour = account.in_flight, account.a_beat, account.an_hour
        return own

    def _begun_by(self, claim: _Claim) -> Allowance:
        return self._own.setdefault(claim, Allowance(None, None, self._beat_seconds, "this account"))

    def _room(self, mine: _Claim, flying: Mapping[_Claim, int], now: float) -> Room:
        """What the shared allowance has for the account; the first place of an account is the last to be refused."""
        ahead = tuple(self._ahead(mine, now))
        busy = sum(1 for claim in ahead if flying.get(claim))
        idle = len(set(self._served()) - {*flying, mine})
        total = sum(flying.values())
        kept = min(idle, (self._shared.in_flight or _MANY) // 2) + busy
        room = self._shared.room(now, total, kept_in_flight=kept, kept_a_beat=len(ahead))
        if room.launches or flying.get(mine):
            return room
        first = self._shared.room(now, total, kept_in_flight=len(ahead) - busy, kept_a_beat=len(ahead))
        return dataclasses.replace(first, launches=min(1, first.launches))

    def _ahead(self, mine: _Claim, now: float) -> Iterator[_Claim]:
        """Who waits longer than this account."""
        for claim, asked in tuple(self._waiting.items()):
            if claim == mine:
                return
            if now - asked > _WAITS_BEATS * self._beat_seconds:
                del self._waiting[claim]
            else:
                yield claim
