"""The engine's own lock of a Unix user: who holds it, and how long launches wait for that.

The engine takes one POSIX lock a Unix user, id and host (protocol: ``~/.junique``), so that a crontab that is still
there keeps our calls out. Who holds it is asked through the mediator, which is cheap: while somebody is seen to hold
it, no engine is started to find that out. Nothing is waited for for ever on a guess: after a while a call is the probe.
Owned by ``core.rests``; asked by ``core.looking`` before a call. It tells nobody.
"""

import socket
import time
from collections.abc import Collection, Sequence

from niassa_orch import errors
from niassa_orch.core import enrolling, throttle
from niassa_orch.seqware import answers, identity, query

#: While it is not clear which lock is in the way, or nobody can be asked, a call is the probe after so long.
_UNCLEAR_SECONDS = (30.0, 600.0)
#: While the lock of this host is held, a call is the probe after so long; a person is told then.
_CLEAR_SECONDS = 3600.0
_NAMED_MOST = 3

_Held = Sequence[answers.HeldLock]


class EngineLock:
    """What is known of the lock since a call gave up on it.

    ``waiting`` says who holds it, or is ``""``; ``first_refused`` is when the first of the calls that did so in a row
    gave up, in seconds of ``time.monotonic()``.
    """

    def __init__(self) -> None:
        self.waiting = ""
        self._patience = throttle.Throttle(*_UNCLEAR_SECONDS)
        self.first_refused: float | None = None
        self._refused = 0.0
        self._was_held = False

    @property
    def lasts(self) -> bool:
        """Whether launches have waited for so long that a person should look."""
        return self.first_refused is not None and time.monotonic() - self.first_refused >= _CLEAR_SECONDS

    async def refused(self, enrolled: enrolling.Enrolled) -> errors.EngineLockedError:
        """A call gave up on the lock; returns what to say of it."""
        self._refused = time.monotonic()
        if self.first_refused is None:
            self.first_refused = self._refused
        self._patience.fail(self._refused)
        held = await ask(enrolled)
        self._was_held = bool(held)
        return self._told(enrolled, held)

    async def check(self, enrolled: enrolling.Enrolled) -> None:
        """Look whether a call makes sense.

        Raises:
            EngineLockedError: The lock on which the last call gave up is still held, as far as can be known.
        """
        if not self.waiting:
            return
        if not self._was_held:
            held, until = None, self._patience.until
        else:
            held = await ask(enrolled)
            is_clear = bool(of_host(held or (), enrolled.account.host))
            until = self._refused + _CLEAR_SECONDS if is_clear else self._patience.until
        is_free = held is not None and not held
        if is_free or time.monotonic() >= until:
            self.waiting = ""
            return
        raise self._told(enrolled, held) if self._was_held else errors.EngineLockedError(self.waiting)

    def forget(self) -> None:
        """A call got the lock, or nothing waits for it."""
        self.waiting = ""
        self._patience.succeed()
        self.first_refused = None

    def _told(self, enrolled: enrolling.Enrolled, held: _Held | None) -> errors.EngineLockedError:
        self.waiting = in_words(enrolled.account.unix_user, held, enrolled.account.host)
        return errors.EngineLockedError(self.waiting)


async def ask(enrolled: enrolling.Enrolled) -> _Held | None:
    """The engine's locks of the account's Unix user that somebody holds; ``None`` when nobody could be asked."""
    try:
        return await query.locks(identity.argv(enrolled.identity, enrolled.mediator, "lock"))
    except (errors.EngineCallError, OSError):  # a mediator of an older version, among others
        return None


def in_words(unix_user: str, held: _Held | None, host: str) -> str:
    """Who holds the engine's lock of a Unix user, for people.

    Args:
        unix_user: Whose lock.
        held: The locks that somebody holds; ``None`` when nobody could be asked.
        host: The account's host string, which may be in the lock's name.
    """
    if held is None:
        text = "the engine lock of {0} is held by another process; look for a crontab of {0} that launches"
        return text.format(unix_user)
    if not held:
        text = (
            "the engine gave up on its lock of {0}, and nobody holds it now; if that stays so, look for a crontab of "
        )
        return (text + "{0} that launches, and whether {0} can write its ~/.junique").format(unix_user)
    mine = of_host(held, host) or held
    named = [_holder(one) for one in mine[:_NAMED_MOST]]
    more = f" and {len(mine) - _NAMED_MOST} more" if len(mine) > _NAMED_MOST else ""
    return f"the engine lock of {unix_user} is held by {', '.join(named)}{more}"


def of_host(held: _Held, host: str) -> _Held:
    """The locks whose names say that they are of this host, ``ID-HOST.lock``: the id ``seqware`` first.

    Args:
        held: The locks that somebody holds.
        host: The account's host string; the machine's own name counts as well.
    """
    here = {host, socket.gethostname(), "localhost"}
    mine = [one for one in held if _is_of(one.name.removesuffix(".lock"), here)]
    return sorted(mine, key=lambda one: not one.name.startswith("seqware-"))


def _is_of(name: str, hosts: Collection[str]) -> bool:
    """Whether the name ends in one of the hosts, or in the whole name of one that is short."""
    return any(name.endswith(f"-{host}") or f"-{host}." in name for host in hosts)


def _holder(one: answers.HeldLock) -> str:
    if one.pid is None:
        return f"a process that the system does not name (lock {one.name})"
    return f"pid {one.pid}" + (f" ({one.command})" if one.command else "")
