import asyncio
import inspect
import ssl
from typing import Any

import aiohttp
import multidict
import pytest
import yarl
from aiohttp import client_exceptions, client_reqrep, http_exceptions

from niassa_orch import errors
from niassa_orch.wire import failures
from tests.fakes import secrets

KEY = client_reqrep.ConnectionKey("h", 80, False, True, None, None, None)
CERTIFICATE = ssl.SSLCertVerificationError(1, "self-signed")
ASKED = aiohttp.RequestInfo(
    yarl.URL("http://h/"),
    "GET",
    multidict.CIMultiDictProxy(multidict.CIMultiDict({"Authorization": secrets.authorization()})),
    yarl.URL("http://h/"),
)

#: Exceptions of the module that no request of ours can meet: web sockets, and one that is no ClientError.
NOT_OURS = {client_exceptions.WSMessageTypeError}


def foreign_classes() -> list[type[Exception]]:
    return [
        found
        for _, found in inspect.getmembers(client_exceptions, inspect.isclass)
        if issubclass(found, Exception) and found.__module__ == client_exceptions.__name__ and found not in NOT_OURS
    ]


def made(foreign: type[Any]) -> Exception:
    arguments: tuple[Any, ...] = ("because",)
    if issubclass(foreign, aiohttp.ClientResponseError):
        return foreign(ASKED, (), status=400, message="bad", headers=ASKED.headers)
    if issubclass(foreign, client_exceptions.ClientConnectorCertificateError):
        arguments = (KEY, CERTIFICATE)
    elif issubclass(foreign, client_exceptions.UnixClientConnectorError):
        arguments = ("/path", KEY, OSError(111, "refused"))
    elif issubclass(foreign, aiohttp.ClientConnectorError):
        arguments = (KEY, OSError(111, "refused"))
    elif issubclass(foreign, aiohttp.ServerFingerprintMismatch):
        arguments = (b"a", b"b", "h", 80)
    elif issubclass(foreign, aiohttp.InvalidURL):
        arguments = ("http://", "bad")
    return foreign(*arguments)  # type: ignore[no-any-return]


def cross(exc: BaseException) -> None:
    """The border as it stands around every request."""
    try:
        raise exc
    except failures.FOREIGN as foreign:
        failures.raise_ours(foreign, "GET http://h/runs")


def crossed(exc: BaseException) -> failures.WireError:
    with pytest.raises(failures.WireError) as caught:
        cross(exc)
    return caught.value


@pytest.mark.parametrize("foreign", foreign_classes(), ids=lambda foreign: foreign.__name__)
def test_every_exception_of_aiohttp_becomes_one_of_ours_without_a_secret(foreign: type[Exception]) -> None:
    ours = crossed(made(foreign))
    assert type(ours) is not failures.WireError
    assert "GET http://h/runs" in str(ours)
    secrets.assert_kept(ours)


def test_the_module_of_aiohttp_still_has_the_exceptions_that_we_know() -> None:
    assert aiohttp.ClientResponseError in foreign_classes()
    assert len(foreign_classes()) > 20


def test_a_response_error_of_aiohttp_would_have_shown_the_password() -> None:
    foreign = made(aiohttp.ClientResponseError)
    assert secrets.TOKEN in repr(foreign)


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        (made(aiohttp.ClientConnectorError), failures.UnreachableError),
        (made(aiohttp.ConnectionTimeoutError), failures.UnreachableError),
        (made(aiohttp.ClientConnectorDNSError), failures.UnreachableError),
        (made(aiohttp.ClientConnectorCertificateError), failures.UntrustedError),
        (made(aiohttp.ServerDisconnectedError), failures.BrokenError),
        (made(aiohttp.ClientOSError), failures.BrokenError),
        (made(aiohttp.ClientPayloadError), failures.BrokenError),
        (http_exceptions.TransferEncodingError("bad"), failures.BrokenError),
        (ConnectionResetError(104, "reset"), failures.BrokenError),
        (made(aiohttp.SocketTimeoutError), failures.TimedOutError),
        (TimeoutError(), failures.TimedOutError),
        (made(aiohttp.ClientResponseError), failures.GarbledError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failure_before_the_request_was_sent_is_told_from_one_after(
    foreign: Exception, expected: type[failures.WireError]
) -> None:
    assert type(crossed(foreign)) is expected


@pytest.mark.parametrize("exc", [asyncio.CancelledError(), errors.MalformedAnswerError("x"), KeyError("bug")])
def test_cancellation_our_own_errors_and_bugs_cross_the_border_unchanged(exc: BaseException) -> None:
    with pytest.raises(type(exc)) as caught:
        cross(exc)
    assert caught.value is exc


def test_only_what_may_pass_by_itself_is_marked_transient() -> None:
    marked = {kind for kind in failures.WireError.__subclasses__() if issubclass(kind, errors.Transient)}
    assert marked == {
        failures.UnreachableError,
        failures.BrokenError,
        failures.TimedOutError,
        failures.GatewayError,
    }
