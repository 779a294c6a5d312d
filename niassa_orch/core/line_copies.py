"""Accounts' lines as faces have them: copies without secrets, made anew only for lines that changed.

A thousand accounts are looked at several times a second, and few of them change in between. Owned by ``core.board``.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping

from niassa_orch.core import account_line
from niassa_orch.domain import runs


@dataclasses.dataclass(frozen=True, slots=True)
class Copy:
    """A line that nobody changes any more: of which version it is, and the revision at which it was made."""

    line: account_line.AccountLine
    version: int
    revision: int


class LineCopies:
    """The copies that were made last.

    Args:
        redact: Takes secrets out of a text.

    Attributes:
        revision: Moves with every copy that is made, and with every line that goes.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._made: dict[str, tuple[account_line.AccountLine, Copy]] = {}
        self.revision = 0

    def of(self, lines: Mapping[str, account_line.AccountLine]) -> list[Copy]:
        """A copy of each line as it is now, by name."""
        self.revision += bool(self._made.keys() - lines.keys())
        self._made = {name: (lines[name], self._of(name, lines[name])) for name in sorted(lines)}
        return [copy for _, copy in self._made.values()]

    def _of(self, name: str, line: account_line.AccountLine) -> Copy:
        source, known = self._made.get(name, (None, None))
        if known is not None and source is line and known.version == line.version:
            return known
        self.revision += 1
        return Copy(self._copied(line), line.version, self.revision)

    def _copied(self, line: account_line.AccountLine) -> account_line.AccountLine:
        return dataclasses.replace(
            line,
            reason=self._redact(line.reason),
            warning=self._redact(line.warning),
            alarm=self._redact(line.alarm),
            advice=self._redact(line.advice),
            waiting=self._redact(line.waiting),
            refusal=self._redact(line.refusal),
            counts=types.MappingProxyType(dict(line.counts)),
            ended=types.MappingProxyType(dict(line.ended)),
            held=self._cleaned(line.held),
            left_alone=self._cleaned(line.left_alone),
        )

    def _cleaned(self, reasons: Mapping[runs.Accession, str]) -> Mapping[runs.Accession, str]:
        return types.MappingProxyType({accession: self._redact(reason) for accession, reason in reasons.items()})
