"""Makes lists of runs of any size, a piece at a time, as a web service would send them. For tests and benchmarks."""

from collections.abc import Iterator
from typing import Final

HEAD = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><WorkflowRunList2>'
TAIL = b"</WorkflowRunList2>"

_ROW = (
    "<list><createTimestamp>2021-02-03T04:05:06+01:00</createTimestamp>"
    "<currentWorkingDir>/u/niassa-bob/oozie-6b2c{n:08d}</currentWorkingDir><host>server2.lab.net</host>"
    "<iniFile>{ini}</iniFile><name>run {n}</name><ownerUserName>{owner}</ownerUserName>"
    "<seqwareRevision>2.0.7</seqwareRevision><status>running</status><statusCmd>{n:07d}-210203040506789-oozie-oozi-W"
    "</statusCmd><stdErr>{text}</stdErr><stdOut>{text}</stdOut><swAccession>{accession}</swAccession>"
    "<updateTimestamp>2021-02-03T04:05:07.123+01:00</updateTimestamp><workflowAccession>9</workflowAccession>"
    "<workflowEngine>oozie-sge</workflowEngine><workflowRunId>{n}</workflowRunId></list>"
)
_INI = "".join(f"key_{number}=/some/where/value &amp; {number}\n" for number in range(20))


#: ``text_lines`` for rows of 4 kB.
LINES_OF_4_KB: Final = 79


def pieces(total_bytes: int, text_lines: int = 14, *, odd: bool = False) -> Iterator[bytes]:
    """A list of at least that many bytes, of the runs of 40 owners. Rows have 2 kB, one in a thousand 200 kB.

    Args:
        total_bytes: Where the list ends.
        text_lines: Lines in each of a row's two texts, of 16 bytes.
        odd: No row has an accession: none is kept.
    """
    yield HEAD
    sent, number = 0, 0
    while sent < total_bytes:
        rows = []
        for _ in range(50):
            number += 1
            text = "trace of a step\n" * (6000 if number % 1000 == 0 else text_lines)
            who = {"owner": f"user{number % 40}@lab.net", "accession": "" if odd else number}
            rows.append(_ROW.format(n=number, ini=_INI, text=text, **who))
        piece = "".join(rows).encode()
        sent += len(piece)
        yield piece
    yield TAIL
