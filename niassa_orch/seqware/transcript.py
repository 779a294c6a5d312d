"""Reads the transcript of an engine call: what it proves of each run, and how the call ended.

Pure: bytes in, ``domain.evidence`` out; what follows from it is decided elsewhere. The lines are those of Niassa
2.0.7's launcher. A transcript is hostile input: it holds whatever the engine, log4j and a workflow's steps printed, it
may be many GB, cut anywhere, and imitate the mediator's records; only those with the first record's nonce count.
A last line without its line break is not read: half a job id is worse than none.
"""

import collections.abc
import dataclasses
import io
import json
import re
import typing

from niassa_orch.domain import evidence, runs

_LINE_BYTES = 64 * 1024
_KEPT_BYTES = 2048
_RECORD = b'{"niassa_orch_mediator"'
_HEADER = b'{"niassa_orch_call"'

# The engine's lines are searched for anywhere in a line: another writer may have left one unfinished before them. A
# "[" ends a value, since log4j's lines begin with it and may follow before the line break does.
_SPOKEN = re.compile(
    rb"Working Run: (?P<working>[0-9]{1,18})(?![0-9])"
    rb"|Launching via (?:new|old) launcher: (?P<launching>[0-9]{1,18})(?![0-9])"
    rb"|Using working directory: (?P<directory>/[^\[\x00-\x1f]*)"
    rb"|Submitted Oozie job: (?P<job>[^\s\[\x00-\x1f]+)"
    rb"|Setting workflow-run status to (?P<ended>completed|failed) for: (?P<whitestar>[0-9]{1,18})(?![0-9])"
    rb"|(?P<locked>AlreadyLockedException)"
)


def parse(
    transcript: bytes | typing.BinaryIO, accessions: collections.abc.Iterable[runs.Accession]
) -> evidence.CallEvidence:
    """What a transcript says of the call and of these accessions; of a large file only a few kB are held at a time.

    Args:
        transcript: The whole content, or a file opened for reading bytes at its start.
        accessions: The accessions of the call; lines about other runs are passed over.
    """
    file = io.BytesIO(transcript) if isinstance(transcript, bytes) else transcript
    reader = _Reader(accessions)
    for number, line in enumerate(_lines(file)):
        if number == 0 and line.startswith(_HEADER):
            continue
        reader.read(line)
    return reader.evidence()


def _lines(file: typing.BinaryIO) -> collections.abc.Iterator[bytes]:
    """The lines with their line breaks; a line that is too long comes in pieces, of which only the first is read."""
    while line := file.readline(_LINE_BYTES):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(_LINE_BYTES)


class _Reader:
    """Takes one line after another and keeps what they prove."""

    def __init__(self, accessions: collections.abc.Iterable[runs.Accession]) -> None:
        self._runs = {accession: evidence.RunEvidence(accession) for accession in accessions}
        self._current: runs.Accession | None = None
        self._nonce: str | None = None
        self._command: tuple[str, ...] = ()
        self._end: dict[str, object] | None = None
        self._refused: str | None = None
        self._lock_held = False
        self._preamble = b""
        self._tail = b""

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
        )

    def read(self, line: bytes) -> None:
        whole = line.endswith(b"\n")
        if whole and line.startswith(_RECORD) and self._read_record(line):
            return
        if self._nonce is None:
            self._preamble += line[: _KEPT_BYTES - len(self._preamble)]
            return
        self._tail = (self._tail + line)[-_KEPT_BYTES:]
        if whole:
            for match in _SPOKEN.finditer(line):
                self._hear(match)

    def _read_record(self, line: bytes) -> bool:
        """Whether the line is a record that counts; then it is taken in."""
        try:
            record = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            return False
        match record:
            case {"record": "begin", "call": str(nonce), "command": [*command]} if self._nonce is None and nonce:
                self._nonce = nonce
                self._command = tuple(str(word) for word in command)
            case {"record": "refused", "refused": str(why)} if self._nonce is None:
                self._refused = why
            case {"record": "end", "call": str(nonce), "exit_code": int()} if nonce == self._nonce:
                self._end = record
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
