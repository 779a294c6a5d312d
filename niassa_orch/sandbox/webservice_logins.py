"""Who a request is from, as the web service stand-in believes it: Basic logins, cached verdicts, a proxy's cookies.

The quirks of the protocol, section 1, that have to do with logins are here: verdicts, good and bad, are kept for a
minute, 100 pairs of them; a hiccup of the database looks like a wrong password and is kept as long. A session cookie
wins over the Authorization header, as a bad proxy in front of the service has it, so that leaked cookies show.
"""

import collections
import contextvars
import hashlib
import secrets
import time
from collections.abc import Callable

from aiohttp import web

from niassa_orch.sandbox import basic_login, webservice_books

#: So many verdicts are kept; one more pushes out the one not asked for longest.
KEPT_VERDICTS = 100

COOKIE = "JSESSIONID"

#: aiohttp runs every request in a task of its own, so this is one request's.
_believed: contextvars.ContextVar[str | None] = contextvars.ContextVar("believed", default=None)


class Logins:
    """The logins of one web service.

    Args:
        books: Where the accounts are.
        cache_seconds: How long a verdict is kept.
        clock: Seconds, for the age of verdicts.
    """

    def __init__(
        self,
        books: webservice_books.Books,
        cache_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._books = books
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._verdicts: collections.OrderedDict[bytes, tuple[float, bool]] = collections.OrderedDict()
        self._sessions: dict[str, str] = {}
        self._hiccups: collections.Counter[str] = collections.Counter()

    def admit(self, request: web.Request) -> str | None:
        """Return the e-mail address of the account that the request is believed to come from; ``None`` is a 401."""
        email = self._sessions.get(request.cookies.get(COOKIE, ""))
        if email is None:
            pair = basic_login.read(request.headers.get("Authorization"))
            email = pair[0] if pair is not None and self.verdict(*pair) else None
        _believed.set(email)
        return email

    @staticmethod
    def who() -> str | None:
        """Whom the request that is being answered was taken for."""
        return _believed.get()

    def open_session(self, request: web.Request) -> str | None:
        """Return a new session token for an admitted request, or ``None`` when it came with a session that is known."""
        email = self.who()
        if email is None or request.cookies.get(COOKIE, "") in self._sessions:
            return None
        token = secrets.token_hex(16)
        self._sessions[token] = email
        return token

    def hiccup(self, email: str) -> None:
        """Let the database fail at the next login of an account; every cached verdict is forgotten."""
        self._hiccups[email.strip().lower()] = 1
        self._verdicts.clear()

    def verdict(self, email: str, password: str) -> bool:
        """Tell whether a login is good, from the cache while a verdict of it is young enough."""
        pair = hashlib.sha256(f"{email}\0{password}".encode()).digest()
        now_seconds = self._clock()
        since_seconds, good = self._verdicts.get(pair, (None, False))
        if since_seconds is None or now_seconds - since_seconds >= self._cache_seconds:
            good = self._ask(email, password)
            self._verdicts[pair] = (now_seconds, good)
        self._verdicts.move_to_end(pair)
        while len(self._verdicts) > KEPT_VERDICTS:
            self._verdicts.popitem(last=False)
        return good

    def _ask(self, email: str, password: str) -> bool:
        if self._hiccups.pop(email, 0):
            return False
        return self._books.verify(email, password)
