"""The one HTTP session of the process, and the TLS contexts that go with it.

Nothing of one account may reach another's request, and nothing is done twice behind our back: no cookies, no netrc or
proxy from the environment, no transparent decompression, no silent repeat. Made once by the composition root and
given to every client; what is asked and how long it may take belongs to ``wire.lines``.
"""

import ssl
from typing import Final

import aiohttp

from niassa_orch import __version__
from niassa_orch.wire import failures

#: For the clients, which do not know the library.
Session = aiohttp.ClientSession

HEADER_LIMIT_BYTES: Final = 8190
KEEPALIVE_SECONDS: Final = 10.0


def open_session(*, connections_per_host: int = 16) -> Session:
    """A session for all accounts; the caller closes it. To be called while the event loop runs.

    Args:
        connections_per_host: Connections at once to one host and port, above any budget of requests.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0, limit_per_host=connections_per_host, keepalive_timeout=KEEPALIVE_SECONDS
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity", "User-Agent": f"niassa-orch/{__version__}"},
        auto_decompress=False,
        trust_env=False,
        # The total is kept by wire.lines: aiohttp rounds its own up to whole seconds.
        timeout=aiohttp.ClientTimeout(total=None),
        max_line_size=HEADER_LIMIT_BYTES,
        max_field_size=HEADER_LIMIT_BYTES,
        middlewares=(_never_again,),
    )


def trust(ca_file: str | None) -> ssl.SSLContext:
    """A TLS context that verifies certificate and host name.

    Args:
        ca_file: PEM file of a private CA, which then is the only one trusted; ``None`` for the system's.

    Raises:
        OSError: The file cannot be read, or holds no certificate (``ssl.SSLError``).
    """
    return ssl.create_default_context(cafile=ca_file)


async def _never_again(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a request whose connection broke.

    It does so by itself for idempotent methods, PUT among them. An exception that is not its own goes past that.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as exc:
        failures.raise_ours(exc, f"{request.method} {request.url.with_query(None)}")
