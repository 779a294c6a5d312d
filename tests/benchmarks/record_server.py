"""A server of one record in a process of its own, for ``bench_client``: as little between the socket and the answer as
there can be, so that what is measured is the client.

Answers every GET with a 4 kB ``<WorkflowRun>`` of the accession asked for, every PUT with the same and 201. Keeps
nothing, checks nothing. Prints its port, and ends when its standard input does.
Run by the benchmark: ``python -m tests.benchmarks.record_server``.
"""

import asyncio
import re
import sys

RECORD_BYTES = 4096

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_RECORD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><WorkflowRun>'
    "<command>java -jar x.jar</command><createTimestamp>2021-02-03T04:05:06+01:00</createTimestamp>"
    "<currentWorkingDir>/u/niassa-bob/oozie-6b2c</currentWorkingDir><dax></dax><host>server2.lab.net</host>"
    "<iniFile>{ini}</iniFile><inputFileAccessions>11</inputFileAccessions><isHasFile>true</isHasFile>"
    "<isSelected>false</isSelected><name>run</name><ownerUserName>bob@lab.net</ownerUserName>"
    "<seqwareRevision>2.0.7</seqwareRevision><sgeNameIdMap>step_1=77</sgeNameIdMap><status>running</status>"
    "<statusCmd>0000007-210203040506789-oozie-oozi-W</statusCmd><stdErr>{text}</stdErr><stdOut>{text}</stdOut>"
    "<swAccession>ACCESSION</swAccession><updateTimestamp>2021-02-03T04:05:07.123+01:00</updateTimestamp>"
    "<userName>niassa-bob</userName><workflowAccession>9</workflowAccession>"
    "<workflowEngine>oozie-sge</workflowEngine><workflowRunId>7</workflowRunId></WorkflowRun>"
)
_INI = "".join(f"key_{number}=/some/where/value &amp; {number}\n" for number in range(40))


def record() -> bytes:
    """One run of 4 kB, with ``ACCESSION`` where its accession goes."""
    bare = len(_RECORD.format(ini=_INI, text=""))
    return _RECORD.format(ini=_INI, text="trace of a step\n" * ((RECORD_BYTES - bare) // 32)).encode()


class Speaker(asyncio.Protocol):
    """One connection; requests come one after another, whole or in pieces."""

    def __init__(self, body: bytes) -> None:
        self._before, self._after = body.split(b"ACCESSION")
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head = self._rest[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._rest) < whole:
                return
            self._rest = self._rest[whole:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        method, target, _ = head.split(b" ", 2)
        body = self._before + target.rpartition(b"/")[2] + self._after
        status = b"201 Created" if method == b"PUT" else b"200 OK"
        self._transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/xml; charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(body), body)
        )


async def serve() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    body = record()
    server = await loop.create_server(lambda: Speaker(body), "127.0.0.1", 0)
    async with server:
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
