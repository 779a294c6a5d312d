"""Reads the transcript of an engine call: what it proves of each run, and how the call ended.

Pure: bytes in, ``domain.evidence`` out; what follows from it is decided elsewhere. The lines are those of Niassa
2.0.7's launcher. A transcript is hostile input: it holds whatever the engine, log4j and a workflow's steps printed, it
may be large, cut anywhere, and imitate the mediator's records; only those with the first record's nonce count.
A last line without its line break is not read: half a job id is worse than none. Called by the core, in a thread.
"""

import collections.abc
import dataclasses
import io
import json
import re
import typing

from niassa_orch.domain import evidence, runs

MOST_BYTES = 512 << 20
_MOST_MARKS = 200_000
_BLOCK_BYTES = 1 << 20
_LINE_BYTES = 64 * 1024
_KEPT_BYTES = 2048
_RECORD = b'{"niassa_orch_mediator"'
_HEADER = b'{"niassa_orch_call"'

# Nearly all of a transcript means nothing to us: only where one of these begins does anybody look closer.
_MARKS = (
    _RECORD,
    b"Working Run: ",
    b"Launching via ",
    b"Using working directory: /",
    b"Submitted Oozie job: ",
    b"Setting workflow-run status to ",
    b"AlreadyLockedException",
)

# The engine's lines are searched for anywhere in a line: another writer may have left one unfinished before them. A
# "[" ends a value, since log4j's lines begin with it and may follow before the line break does. No path is longer than
# PATH_MAX; a value that something does not end is none.
_SPOKEN = re.compile(
    rb"Working Run: (?P<working>[0-9]{1,18})(?![0-9])"
    rb"|Launching via (?:new|old) launcher: (?P<launching>[0-9]{1,18})(?![0-9])"
    rb"|Using working directory: (?P<directory>/[^\[\x00-\x1f]{0,4095}+)(?=[\[\x00-\x1f])"
    rb"|Submitted Oozie job: (?P<job>[^\s\[\x00-\x1f]{1,4096}+)(?=[\s\[\x00-\x1f])"
    rb"|Setting workflow-run status to (?P<ended>completed|failed) for: (?P<whitestar>[0-9]{1,18})(?![0-9])"
    rb"|(?P<locked>AlreadyLockedException)"
)


def parse(
    transcript: bytes | typing.BinaryIO,
    accessions: collections.abc.Iterable[runs.Accession],
) -> evidence.CallEvidence:
    """What a transcript says of the call and of these accessions; of a large file only a few MB are held at a time.

    Args:
        transcript: The whole content, or a file opened for reading bytes at its start.
        accessions: The accessions of the call; lines about other runs are passed over.

    Raises ValueError ("too long...") for more than ``MOST_BYTES``, or more lines that mean something than any call has.
    """
    file = io.BytesIO(transcript) if isinstance(transcript, bytes) else transcript
    reader = _Reader(accessions)
    window = file.read(_BLOCK_BYTES)
    size = len(window)
    if window.startswith(_HEADER):
        window = window[_end_of_line(window, 0) :]
    while block := file.read(_BLOCK_BYTES):
        size += len(block)
        if size > MOST_BYTES:
            msg = f"too long: the transcript has more than {MOST_BYTES} bytes"
            raise ValueError(msg)
        window = reader.read(window + block)
    reader.read_last(window)
    return reader.evidence()


def _end_of_line(window: bytes, start: int) -> int:
    """Where the next line begins, or the end of the window."""
    return window.find(b"\n", start) + 1 or len(window)


def _marks(window: bytes, end: int) -> list[int]:
    """Where something begins before ``end`` that may mean something, in order."""
    found = []
    for mark in _MARKS:
        start = window.find(mark, 0, end)
        while start >= 0:
            found.append(start)
            start = window.find(mark, start + len(mark), end)
    found.sort()
    return found


def _begins_record(window: bytes, start: int) -> bool:
    return window.startswith(_RECORD, start) and (start == 0 or window[start - 1] == 0x0A)


class _Reader:
    """Takes one window of the transcript after another and keeps what it proves."""

    def __init__(self, accessions: collections.abc.Iterable[runs.Accession]) -> None:
        self.intact = True
        self._runs = {accession: evidence.RunEvidence(accession) for accession in accessions}
        self._current: runs.Accession | None = None
        self._nonce: str | None = None
        self._command: tuple[str, ...] = ()
        self._end: dict[str, object] | None = None
        self._refused: str | None = None
        self._lock_held = False
        self._preamble = b""
        self._tail = b""
        self._marks_left = _MOST_MARKS

    def evidence(self) -> evidence.CallEvidence:
        end = self._end or {}
        exit_code = end.get("exit_code")
        return evidence.CallEvidence(
            begun=self._nonce is not None,
            ended=self._end is not None,
            exit_code=exit_code if type(exit_code) is int else None,
            timed_out=end.get("timed_out") is True,
            refused=self._refused,
            lock_held=self._lock_held,
            preamble=self._preamble.decode("utf-8", "replace").strip(),
            tail=self._tail.decode("utf-8", "replace").strip(),
            command=self._command,
            runs=self._runs,
            intact=self.intact and end.get("cut") is not True,
        )

    def read(self, window: bytes) -> bytes:
        """Read the whole lines of a window; returns the rest, which belongs before what follows.

        A line that is longer than a block is read in pieces, so that it is never held whole. A piece does not pass for
        the beginning of a line: what follows in this window is already too long for a record.
        """
        end = window.rfind(b"\n") + 1
        if not end and len(window) > _BLOCK_BYTES:
            end = len(window) - _LINE_BYTES
        self._scan(window, end)
        return window[end:]

    def read_last(self, window: bytes) -> None:
        """Read what is left at the end of the file; a line without its line break is only shown."""
        self._keep_text(self.read(window))

    def _scan(self, window: bytes, end: int) -> None:
        marks = _marks(window, end)
        self._marks_left -= len(marks)
        if self._marks_left < 0:
            msg = f"too long: the transcript has more than {_MOST_MARKS} lines of the engine"
            raise ValueError(msg)
        kept = done = 0
        for start in marks:
            if start < done:
                continue  # within what was read already
            if _begins_record(window, start):
                self._keep_text(window[kept:start])
                kept, after = start, _end_of_line(window, start)
                if self._read_record(window[start:after]):
                    kept = done = after
            elif self._nonce is not None and (match := _SPOKEN.match(window, start)):
                self._hear(match)
                done = match.end()
        self._keep_text(window[kept:end])

    def _keep_text(self, text: bytes) -> None:
        if self._nonce is None:
            self._preamble += text[: _KEPT_BYTES - len(self._preamble)]
        else:
            self._tail = (self._tail + text[-_KEPT_BYTES:])[-_KEPT_BYTES:]

    def _read_record(self, line: bytes) -> bool:
        """Whether the line is a record that counts; then it is taken in."""
        if len(line) > _LINE_BYTES or (self._nonce is not None and self._nonce.encode() not in line):
            return False
        try:
            record = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            return False
        match record:
            case {"record": "begin", "call": str(nonce), "command": [*command]} if (
                self._nonce is None and nonce.isalnum() and nonce.isascii()
            ):
                self._nonce = nonce
                self._command = tuple(_clean(str(word)) for word in command)
            case {"record": "refused", "refused": str(why)} if self._nonce is None:
                self._refused = _clean(why)
            case {"record": "end", "call": str(nonce), "exit_code": int()} if nonce == self._nonce:
                self._end = record
            case {"record": "end"} if self._nonce is None:
                self.intact = False  # it had a beginning once
                return False
            case _:
                return False
        return True

    def _hear(self, match: re.Match[bytes]) -> None:
        """One of the engine's lines. Directory and job carry no accession: they belong to the run launched last."""
        if match["working"]:
            self._current = None
        elif match["launching"]:
            self._current = self._known(match["launching"])
            self._keep(self._current, launching=True)
        elif match["directory"]:
            self._keep_first(self._current, "working_dir", _text(match["directory"]))
        elif match["job"]:
            self._keep_first(self._current, "job_id", _text(match["job"]))
        elif match["ended"]:
            self._keep(self._known(match["whitestar"]), ended=runs.RunStatus(_text(match["ended"])))
        else:
            self._lock_held = True

    def _known(self, digits: bytes) -> runs.Accession | None:
        accession = runs.Accession(int(digits))
        return accession if accession in self._runs else None

    def _keep_first(self, accession: runs.Accession | None, field: str, value: str) -> None:
        """The engine says it once; what says it again is something else, such as the output of a step."""
        if accession is not None and getattr(self._runs[accession], field) is None:
            self._keep(accession, **{field: value})

    def _keep(self, accession: runs.Accession | None, **proved: typing.Any) -> None:
        if accession is not None:
            self._runs[accession] = dataclasses.replace(self._runs[accession], **proved)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").rstrip()


def _clean(text: str) -> str:
    """Short, and without the halves of characters that JSON can smuggle in and UTF-8 cannot hold."""
    return text[:_KEPT_BYTES].encode("utf-8", "replace").decode()
