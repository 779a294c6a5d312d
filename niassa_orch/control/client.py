"""Asks the running service over its control socket, for commands and for ``niassa-orch top``.

Every refusal comes as a ``ControlError`` in words for a person. Called by the commands.
"""

import asyncio
import contextlib
import json
import pathlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import aiohttp

from niassa_orch import __version__, errors
from niassa_orch.control import documents, place
from niassa_orch.core import board
from niassa_orch.domain import runs

#: For an answer that is no stream.
_SECONDS: Final = 30.0
_BASE: Final = f"http://niassa-orch/{documents.VERSION}"


class Client:
    """One way to the service. Keeps the last snapshot, so that only changes travel.

    Args:
        session: As ``connected`` opens it.
        socket: Where the socket is, for messages.
    """

    def __init__(self, session: aiohttp.ClientSession, socket: pathlib.Path) -> None:
        self._session = session
        self._socket = socket
        self._seen = documents.Mark()
        self._known: board.Snapshot | None = None

    async def snapshot(self) -> board.Snapshot:
        """The board as it is now.

        Raises:
            NoServiceError: Nobody answers.
            ControlError: The service is of another version, or answers nothing that can be read.
        """
        body = await self._get("picture", {"seen": str(self._seen)})
        try:
            brought = documents.parse_picture(body)
        except ValueError as exc:
            message = (
                f"the service at {self._socket} is not of version {__version__}: restart it, or use its own commands"
            )
            raise errors.ControlError(message) from exc
        is_same = brought.mark.service == self._seen.service
        self._known = documents.merged(self._known if is_same else None, brought)
        self._seen = brought.mark
        return self._known

    async def active_runs(self, account: str | None, status: runs.RunStatus | None) -> list[dict[str, Any]]:
        """Active runs as ``documents.run`` writes them; raises as ``snapshot``."""
        wanted = {"account": account or "", "status": status or ""}
        return list(json.loads(await self._get("runs", {key: value for key, value in wanted.items() if value})))

    def explain(self, accession: runs.Accession) -> AsyncIterator[dict[str, Any]]:
        """Everything that is known of a run, sentence by sentence: ``who`` and ``text``; raises as ``snapshot``."""
        return self._lines(f"explain/{accession}", {})

    def events(self, *, after: int = 0, follow: bool = False) -> AsyncIterator[dict[str, Any]]:
        """Events as ``documents.event`` writes them, without an end with ``follow``; raises as ``snapshot``."""
        return self._lines("events", {"after": str(after), **({"follow": ""} if follow else {})})

    async def doubts(self, accession: runs.Accession | None = None) -> dict[str, Any]:
        """Launches that are not settled, as ``documents.known`` writes them; raises as ``snapshot``."""
        return dict(json.loads(await self._get("doubts", {"accession": str(accession)} if accession else {})))

    async def resolve(self, body: documents.WordBody) -> dict[str, Any]:
        """Say what became of a launch; as ``order``."""
        return await self.order("resolve", body)

    async def order(self, what: str, body: documents.OrderBody | documents.WordBody) -> dict[str, Any]:
        """Give an order: ``said`` tells what was done.

        Raises:
            NoServiceError: Nobody answers.
            ControlError: The service does not take it; the message is for the person who gave it.
        """
        async with self._asked("POST", f"orders/{what}", data=body.model_dump_json()) as response:
            return dict(await response.json())

    async def _get(self, what: str, query: Mapping[str, str]) -> bytes:
        async with self._asked("GET", what, params=query) as response:
            return await response.read()

    async def _lines(self, what: str, query: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        async with self._asked("GET", what, is_stream=True, params=query) as response:
            async for line in response.content:
                yield dict(json.loads(line))

    @contextlib.asynccontextmanager
    async def _asked(
        self, method: str, what: str, *, is_stream: bool = False, **more: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with asyncio.timeout(None if is_stream else _SECONDS):
                async with self._session.request(method, f"{_BASE}/{what}", **more) as response:
                    if response.status != 200:
                        raise errors.ControlError(await _reason(response))
                    yield response
        except TimeoutError as exc:
            message = f"the service at {self._socket} does not answer within {_SECONDS:.0f} s: look at its log"
            raise errors.NoServiceError(message) from exc
        except aiohttp.ClientError as exc:
            raise _unreachable(self._socket, exc) from exc


@contextlib.asynccontextmanager
async def connected(folder: pathlib.Path) -> AsyncIterator[Client]:
    """A way to the service whose socket lies in a folder; whether it answers the first question tells.

    Raises:
        NoServiceError: There is no such folder.
    """
    with contextlib.ExitStack() as opened:
        try:
            name = opened.enter_context(place.short(folder))
        except OSError as exc:
            raise _unreachable(folder / place.NAME, exc) from exc
        connector = aiohttp.UnixConnector(name)
        untimed = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=untimed, trust_env=False) as session:
            yield Client(session, folder / place.NAME)


def _unreachable(socket: pathlib.Path, exc: Exception) -> errors.ControlError:
    cause = exc.__cause__ if isinstance(exc, aiohttp.ClientError) and exc.__cause__ else exc
    if isinstance(exc, PermissionError) or isinstance(cause, PermissionError):
        message = f"you may not ask the service at {socket}: become root, the service's user, or a member of its group"
        return errors.ControlError(message)
    message = f"no service answers at {socket}; is it running, and are these its settings (--config)?"
    return errors.NoServiceError(message)


async def _reason(response: aiohttp.ClientResponse) -> str:
    ours = f"; this command is of version {__version__}: use the service's own commands, or restart it"
    try:
        return str((await response.json())["error"]) + (ours if response.status == 404 else "")
    except (ValueError, KeyError, TypeError, aiohttp.ClientError):
        return f"the service answered {response.status}{ours}"
