"""Asking one Oozie server: reads, again while that may help, and what an answer means.

400 with a code is Oozie's own no; whatever is neither that nor the hoped-for answer is "out of reach", and says nothing
about any job. Knows no job and no list: those are the business of ``client`` and ``lists``, which call this.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

from niassa_orch import errors
from niassa_orch.oozie import documents
from niassa_orch.wire import failures, lines, pacing

JSON_TYPES: Final = ("application/json",)
#: Answers above that are read in a thread: it can be told to wait between two actions, though not within the JSON.
LOOP_LIMIT_BYTES: Final = 256 * 1024

T = TypeVar("T")


class Asker:
    """A line to one server, with Oozie's manners.

    Args:
        line: The way there.
        retrying: How reads are repeated.
        user_name: Whom reads are made as.
        list_timeout_seconds: For a large page of a list; ``None``: as for everything else.
    """

    def __init__(
        self,
        line: lines.Line,
        retrying: pacing.Retrying,
        user_name: str,
        list_timeout_seconds: float | None = None,
    ) -> None:
        self.line = line
        self.user_name = user_name
        self.list_timeout_seconds = list_timeout_seconds
        self._retrying = retrying

    async def read(self, request: lines.Request) -> lines.Answer:
        """Ask, again if the connection or a gateway fails; nothing else is asked again.

        Raises:
            errors.OozieUnavailableError: No whole answer.
        """
        try:
            return await self._retrying.call(lambda: self.line.send(request))
        except failures.WireError as exc:
            raise errors.OozieUnavailableError(str(exc)) from exc

    async def send(self, request: lines.Request) -> lines.Answer:
        """Ask once: for what must not be done twice.

        Raises:
            errors.OozieUnavailableError: No whole answer; it may have been done.
        """
        try:
            return await self.line.send(request)
        except failures.WireError as exc:
            raise errors.OozieUnavailableError(str(exc)) from exc

    async def parsed(self, parse: Callable[[bytes], T], request: lines.Request, answer: lines.Answer) -> T:
        """What an answer holds; a large one is read in a thread.

        Raises:
            errors.OozieRefusedError: Oozie said no.
            errors.OozieUnavailableError: Anything else that is not the answer.
        """
        if answer.status != request.success:
            self.refuse(request, answer.status, documents.parse_error(answer.headers))
        try:
            if len(answer.body) > LOOP_LIMIT_BYTES:
                return await asyncio.to_thread(parse, answer.body)
            return parse(answer.body)
        except errors.OozieUnavailableError as exc:
            message = f"{self.line.address(request)}: {exc}"
            raise errors.OozieUnavailableError(message) from exc

    def refuse(self, request: lines.Request, status: int, complaint: documents.Complaint) -> NoReturn:
        """400 with a code is Oozie's own no; anything else may come from anybody.

        Raises:
            errors.OozieRefusedError: The former.
            errors.OozieUnavailableError: The latter.
        """
        sentence = self.sentence(request, status, complaint)
        if status == 400 and complaint.code:
            raise errors.OozieRefusedError(complaint.code, sentence)
        raise errors.OozieUnavailableError(sentence)

    def sentence(self, request: lines.Request, status: int, complaint: documents.Complaint) -> str:
        """What was asked and what was said, in one line."""
        action = f" ({request.query['action']})" if "action" in request.query else ""
        said = ": ".join(part for part in (complaint.code, complaint.message) if part)
        return f"{self.line.address(request)}{action}: answered {status}" + (f" ({said})" if said else "")
