"""Makes lists of runs of any size, a piece at a time, as a web service would send them. For tests and benchmarks."""

from collections.abc import Iterator
from typing import Final

HEAD = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><WorkflowRunList2>'
TAIL = b"</WorkflowRunList2>"
OURS = "bob@lab.net"

_ROW = (
    "<list><createTimestamp>2021-02-03T04:05:06+01:00</createTimestamp>"
    "<currentWorkingDir>/u/niassa-bob/oozie-6b2c{n:08d}</currentWorkingDir><host>server2.lab.net</host>"
    "<iniFile>{ini}</iniFile><name>run {n}</name><ownerUserName>{owner}</ownerUserName>"
    "<seqwareRevision>2.0.7</seqwareRevision><status>running</status><statusCmd>{n:07d}-210203040506789-oozie-oozi-W"
    "</statusCmd><stdErr>{text}</stdErr><stdOut>{text}</stdOut><swAccession>{n}</swAccession>"
    "<updateTimestamp>2021-02-03T04:05:07.123+01:00</updateTimestamp><workflowAccession>9</workflowAccession>"
    "<workflowEngine>oozie-sge</workflowEngine><workflowRunId>{n}</workflowRunId></list>"
)
_INI = "".join(f"key_{number}=/some/where/value &amp; {number}\n" for number in range(20))


#: ``text_lines`` for rows of 4 kB.
LINES_OF_4_KB: Final = 79


def pieces(total_bytes: int, ours_one_in: int = 2, text_lines: int = 14) -> Iterator[bytes]:
    """A list of at least that many bytes; every n-th row is ours. Rows have 2 kB, one in a thousand 200 kB.

    Args:
        total_bytes: Where the list ends.
        ours_one_in: The n of every n-th.
        text_lines: Lines in each of a row's two texts, of 16 bytes.
    """
    yield HEAD
    sent, number = 0, 0
    while sent < total_bytes:
        rows = []
        for _ in range(50):
            number += 1
            text = "trace of a step\n" * (6000 if number % 1000 == 0 else text_lines)
            owner = OURS if number % ours_one_in == 0 else f"user{number % 40}@lab.net"
            rows.append(_ROW.format(n=number, owner=owner, ini=_INI, text=text))
        piece = "".join(rows).encode()
        sent += len(piece)
        yield piece
    yield TAIL
