"""What a look at one link between us and a run brought: a verdict, what was seen, and what to do about it.

Pure; made by the rooms of ``check``, shown by ``commands.check``.
"""

import dataclasses
import enum


class Verdict(enum.StrEnum):
    """How a link is: well, worth a look, broken, or not looked at since something before it is broken."""

    OK = "ok"
    LOOK = "look"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """One link. Holds no secret.

    Args:
        name: Its name, such as ``sudo``.
        verdict: How it is.
        seen: What was seen, in words.
        mend: The command, or the step, that mends it; ``""`` when nothing has to be.
        account: Whose link it is, ``""`` for one of the machine.
    """

    name: str
    verdict: Verdict
    seen: str
    mend: str = ""
    account: str = ""


def ok(name: str, seen: str) -> Link:
    """A link that is well."""
    return Link(name, Verdict.OK, seen)


def look(name: str, seen: str, mend: str) -> Link:
    """A link that works, and that a person should look at."""
    return Link(name, Verdict.LOOK, seen, mend)


def bad(name: str, seen: str, mend: str) -> Link:
    """A broken link."""
    return Link(name, Verdict.BAD, seen, mend)


def skipped(name: str, why: str) -> Link:
    """A link that could not be looked at."""
    return Link(name, Verdict.SKIPPED, why)
