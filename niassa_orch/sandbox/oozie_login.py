"""Who calls the Oozie stand-in: whoever says so, and refusals become answers.

Anonymous is allowed, ``user.name`` in the query names the caller, and a ``hadoop.auth`` cookie from an earlier answer
wins over it, which is why a client must keep no cookies. Nothing is verified, as in an Oozie without Kerberos. The
middleware is the innermost of ``oozie``.
"""

import time
import urllib.parse
from collections.abc import Awaitable, Callable

from aiohttp import web

from niassa_orch.sandbox import oozie_answers

_COOKIE = "hadoop.auth"
_VALID_SECONDS = 36_000


def caller(request: web.Request) -> str | None:
    """Whom the caller says to be, or ``None`` for anonymous."""
    token = urllib.parse.unquote(request.cookies.get(_COOKIE, ""))
    remembered = urllib.parse.parse_qs(token).get("u")
    return remembered[0] if remembered else request.query.get("user.name")


@web.middleware
async def speak(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer, also with refusals; who said a name gets a cookie for it."""
    try:
        answer = await handler(request)
    except oozie_answers.RefusedError as error:
        answer = oozie_answers.refusal(error)
    name = caller(request)
    if name and _COOKIE not in request.cookies and not request.path.startswith("/sandbox/"):
        expires = int(time.time() + _VALID_SECONDS) * 1000
        token = urllib.parse.quote(f"u={name}&p={name}&t=simple&e={expires}&s=sandbox")
        answer.headers.add("Set-Cookie", f'{_COOKIE}="{token}"; Path=/; HttpOnly')
    return answer
