"""The list of runs of the web service stand-in: what its query means, and an answer that is sent a stretch at a time.

The query's quirks are those of the protocol, section 1: unknown keys are ignored, so a typo asks for everything;
values are pasted into a query unescaped; ``id`` and ``email`` override the rest.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, Mapping

from aiohttp import abc, payload

from niassa_orch.sandbox import webservice_books, webservice_documents

#: What a query can select by; the names are those of the columns too.
KEYS = ("status", "statusCmd", "host", "currentWorkingDir", "workflowEngine")


class QueryError(Exception):
    """A query that the real service dies of: 500."""


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """What is asked for: one run by its primary key, or a list of those whose columns have these values."""

    primary_key: int | None
    wanted: Mapping[str, str]


def read_query(query: Mapping[str, str]) -> Query:
    """Read the query of a list.

    Raises:
        QueryError: ``ownerUserName``, which is accepted but unmapped; a quote or a backslash in a value that is used;
            an ``id`` that is not a number.
    """
    if "id" in query:
        if not (query["id"].isascii() and query["id"].isdigit() and len(query["id"]) < 10):
            msg = "NumberFormatException"
            raise QueryError(msg)
        return Query(int(query["id"]), {})
    if "email" in query:
        return Query(None, {"owner": query["email"].strip().lower()})
    if "ownerUserName" in query:
        msg = "could not resolve property: ownerUserName"
        raise QueryError(msg)
    wanted = {key: query[key] for key in KEYS if key in query}
    if any(mark in value for value in wanted.values() for mark in "'\\"):
        msg = "unexpected token"
        raise QueryError(msg)
    return Query(None, wanted)


class RunList(payload.Payload):
    """The body of a list: never whole in memory, all of one moment, and other requests get their turn in between."""

    def __init__(self, books: webservice_books.Books, wanted: Mapping[str, str]) -> None:
        super().__init__(None, content_type="application/xml; charset=UTF-8")
        self._books = books
        self._wanted = wanted

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Not offered: it would be the whole list at once."""
        raise NotImplementedError

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002 - aiohttp's names
        """The whole list at once, for faults that take an answer to pieces."""
        return b"".join([part async for part in self._parts()])

    async def write(self, writer: abc.AbstractStreamWriter) -> None:
        """Send the list."""
        async with contextlib.aclosing(self._parts()) as parts:
            async for part in parts:
                await writer.write(part)

    async def write_with_length(self, writer: abc.AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002
        """Send the list; its length is never known before."""
        await self.write(writer)

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        empty = True
        with contextlib.closing(self._books.stretches(self._wanted)) as stretches:
            for stretch in stretches:
                if empty:
                    yield webservice_documents.LIST_HEAD
                    empty = False
                yield b"".join(webservice_documents.row(run) for run in stretch)
                await asyncio.sleep(0)
        yield webservice_documents.EMPTY_LIST if empty else webservice_documents.LIST_TAIL
