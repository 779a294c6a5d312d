"""What can go wrong on the wire, in our own words.

Here lives the border: ``raise_ours`` turns everything that aiohttp raises (``FOREIGN``) into the errors below, so that
nothing above knows the library. Each client maps them to its own branch of ``niassa_orch.errors``. No message quotes
what a server sent, and no error that travels upwards carries a request's headers. Called by ``wire`` alone; the classes
are for the clients.
"""

from typing import Final, NoReturn

import aiohttp

from niassa_orch import errors


class WireError(errors.NiassaOrchError):
    """An exchange that did not give a whole, acceptable answer."""


class UnreachableError(WireError, errors.Transient):
    """No connection was made: the request was not sent."""


class BrokenError(WireError, errors.Transient):
    """The connection broke after it was made: the server may have done what was asked."""


class TimedOutError(WireError, errors.Transient):
    """The total time-out passed: the server may have done what was asked."""


class GatewayError(WireError, errors.Transient):
    """502, 503 or 504. The gateway cannot say what the server behind it did.

    Args:
        status: The HTTP status.
        message: What was asked and what came back.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class UntrustedError(WireError):
    """The server's certificate was not accepted: the request was not sent."""


class TooLargeError(WireError):
    """The body is larger than the caller is willing to read."""


class GarbledError(WireError):
    """Not HTTP, oversized headers, a compressed body, or a media type or charset that was not asked for."""


#: First match wins, so that special cases stand before their base classes.
_KINDS: Final[tuple[tuple[type[Exception], type[WireError], str], ...]] = (
    (aiohttp.ClientConnectorCertificateError, UntrustedError, "the server's certificate is not trusted (see ca_file)"),
    (aiohttp.ServerFingerprintMismatch, UntrustedError, "the server's certificate is not the expected one"),
    (aiohttp.ConnectionTimeoutError, UnreachableError, "no connection in time"),
    (TimeoutError, TimedOutError, "no whole answer within the time-out"),
    (aiohttp.ClientConnectorError, UnreachableError, "no connection"),
    (aiohttp.ClientResponseError, GarbledError, "the answer is not acceptable HTTP"),
    (aiohttp.ClientConnectionError, BrokenError, "the connection broke"),
    (aiohttp.ClientPayloadError, BrokenError, "the answer was cut"),
    (aiohttp.http.HttpProcessingError, BrokenError, "the answer was cut"),
    (aiohttp.ClientError, GarbledError, "the request could not be made"),
    (OSError, BrokenError, "the connection broke"),
)


#: All that aiohttp raises at a request; ``TimeoutError`` is an ``OSError``.
FOREIGN: Final = (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError)


def raise_ours(exc: Exception, what: str) -> NoReturn:
    """Raise our word for a foreign exception. To be called where it was caught.

    Only what tells of sockets, time and certificates stays attached as the cause. Anything else is let go of
    altogether, not just suppressed: its repr may print our request's headers (``ClientResponseError`` does), or quote
    bytes of a server that echoes what we sent.

    Raises:
        WireError: Always.
    """
    ours = translation_of(exc, what)
    if isinstance(exc, OSError):
        raise ours from exc
    try:
        raise ours from None
    finally:
        ours.__context__ = None


def translation_of(exc: Exception, what: str) -> WireError:
    """Our word for a foreign exception: its class is named, its text is not quoted.

    Args:
        exc: An exception of aiohttp, ``TimeoutError`` or ``OSError``.
        what: Method and address of the request.
    """
    for foreign, ours, reason in _KINDS:
        if isinstance(exc, foreign):
            return ours(f"{what}: {reason} ({_name(exc)})")
    return GarbledError(f"{what}: {_name(exc)}")


def _name(exc: Exception) -> str:
    cause = exc.strerror if isinstance(exc, OSError) and isinstance(exc.strerror, str) else ""
    return f"{type(exc).__name__}: {cause}" if cause else type(exc).__name__
