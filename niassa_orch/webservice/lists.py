"""The list of runs, ``<WorkflowRunList2>``, read as it streams in.

A list carries everybody's runs with all their texts, hundreds of megabytes of it; kept is one small record a run. A
list counts only after its clean end: a cut one must never read as "nothing more is
scheduled". Pure; driven by ``webservice.client``.
"""

import dataclasses
import datetime
import sys
from typing import Final

from niassa_orch.domain import runs
from niassa_orch.webservice import fields, scanner

_ROOT: Final = "WorkflowRunList2"
_ROW: Final = "list"
_ROOT_DEPTH: Final = 1
_ROW_DEPTH: Final = 2
_FIELD_DEPTH: Final = 3

#: The rows of one list that are kept at most: those of a whole host, all owners together.
LIMITS: Final = scanner.Limits(elements=250_000)
#: What all kept texts of one list may take in memory; 100,000 real rows take 22 MB.
KEPT_BYTES: Final = 192 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Beginning:
    """The beginning of a list, for a person: a run that is not in it may be in the list all the same.

    Args:
        runs: As far as it was read.
        is_whole: Whether that was all.
        date: What the server's clock said; ``None`` when it does not tell.
    """

    runs: tuple[runs.WorkflowRun, ...]
    is_whole: bool
    date: datetime.datetime | None


class RunListParser:
    """Turns the pieces of a list into runs.

    Only a row's own children count: an ``ownerUserName`` deeper down is somebody else's. A row that can't be acted
    upon (no accession, or one of the few texts that we keep is longer than any real one) is passed over and
    counted in ``skipped_rows``, since one odd run must not hide all others.

    Args:
        limits: See ``scanner.Limits``; ``elements`` bounds the rows that are kept, by default ``LIMITS``.
    """

    def __init__(self, limits: scanner.Limits | None = None) -> None:
        self._limits = limits or LIMITS
        self._scanner = scanner.Scanner(self._started, self._ended, self._limits)
        self._depth = 0
        self._runs: list[runs.WorkflowRun] = []
        self._shared: dict[str, str] = {}
        self._row: dict[str, str] = {}
        self._row_is_odd = False
        self._field: str | None = None
        self._pieces: list[str] = []
        self._chars = 0
        self._kept_bytes = 0
        self.skipped_rows = 0

    def feed(self, chunk: bytes) -> None:
        """Read on.

        Raises:
            errors.MalformedAnswerError: The list is refused.
        """
        self._scanner.feed(chunk)

    def close(self) -> list[runs.WorkflowRun]:
        """The runs, once the list has ended.

        Raises:
            errors.MalformedAnswerError: The list is cut.
        """
        self._scanner.close()
        return self._runs

    def so_far(self) -> tuple[runs.WorkflowRun, ...]:
        """The runs that were read, of a list that goes on; nothing is known of those that were not."""
        return tuple(self._runs)

    def _started(self, name: str, attributes: list[str]) -> None:
        self._depth = depth = self._depth + 1
        if attributes or depth > _FIELD_DEPTH:
            self._scanner.check(depth, attributes)
        if depth == _FIELD_DEPTH:
            if name in fields.KEPT:
                self._field = name
                self._pieces = []
                self._chars = 0
                self._scanner.take_texts(self._take)
        elif depth > _FIELD_DEPTH:
            self._forget_field()
        else:
            expected = _ROOT if depth == _ROOT_DEPTH else _ROW
            if name != expected:
                scanner.refuse(f"<{expected}> was expected, and something else is there")

    def _ended(self, _name: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if depth == _FIELD_DEPTH:
            if self._field is not None:
                self._row[self._field] = "".join(self._pieces)
                self._forget_field()
        elif depth == _ROW_DEPTH:
            self._finish_row()

    def _take(self, piece: str) -> None:
        self._chars += len(piece)
        if self._chars <= self._limits.text_chars:
            self._pieces.append(piece)
        else:
            self._row_is_odd = True
            self._forget_field()

    def _forget_field(self) -> None:
        """Stop collecting: the field is done, or it is no plain text and so none of ours."""
        if self._field is not None:
            self._field = None
            self._scanner.take_texts(None)

    def _finish_row(self) -> None:
        row, is_odd = self._row, self._row_is_odd
        self._row, self._row_is_odd = {}, False
        run = None if is_odd else fields.run_of(row, self._share)
        if run is None:
            self.skipped_rows += 1
        else:
            self._runs.append(run)
            self._kept_bytes += sys.getsizeof(run.status_cmd) + sys.getsizeof(run.working_dir)
            self._check_kept()

    def _check_kept(self) -> None:
        """One web service must not fill the memory of all: what is passed over costs it bytes, what is kept, us."""
        if len(self._runs) > self._limits.elements:
            scanner.refuse(f"more runs to keep than the {self._limits.elements} that one list may have")
        if self._kept_bytes > KEPT_BYTES:
            scanner.refuse(f"more runs to keep, with texts of more than {KEPT_BYTES} bytes, than one list may have")

    def _share(self, text: str) -> str:
        """One string for all runs that say the same."""
        shared = self._shared.get(text)
        if shared is None:
            shared = self._shared[text] = text
            self._kept_bytes += sys.getsizeof(text)
        return shared
