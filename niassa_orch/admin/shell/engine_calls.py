"""The two seqware commands that a crontab calls, as one of them stands there: whose, which, for which host.

Pure. Facts of the command line: protocol, section 2. A call with anything else in it, or with something that is known
only when it runs, is ``UnclearError``: it is said, not guessed. Called by ``walking``.
"""

import collections.abc
import dataclasses
import itertools
import re

from niassa_orch import errors

LAUNCH = "launch-scheduled"
PROPAGATE = "propagate-statuses"
#: What shows that a text launches or propagates; the last two are the names that Niassa's ancestors used.
MENTION = re.compile(r"launch-scheduled|propagate-statuses|WorkflowLauncher|WorkflowStatusChecker")

_TAKEN = ("--host", "--threads")
_ONLY_WHEN_RUN = "is known only when it runs"


class UnclearError(errors.NiassaOrchError):
    """A command of a crontab, or of its script, that we do not understand; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class EngineCall:
    """One call of the seqware command.

    Args:
        verb: ``launch-scheduled`` or ``propagate-statuses``.
        user: The Unix user whom it runs as.
        settings: The absolute path of the seqware settings that it uses.
        command: The seqware command, as it is written there; ``""`` where that is known only when it runs.
        host: What ``--host`` says, or ``""``: then it is the machine's name.
        threads: What ``--threads`` says, or ``""``.
        place: Where the call stands: ``""`` in the crontab itself, else the script and its line.
    """

    verb: str
    user: str
    settings: str
    command: str
    host: str
    threads: str
    place: str


def is_engine_call(words: collections.abc.Sequence[str | None]) -> bool:
    """Whether a command is one of the two."""
    return len(words) > 2 and words[1] == "workflow-run" and words[2] in (LAUNCH, PROPAGATE)


def parse(words: collections.abc.Sequence[str | None], user: str, settings: str | None, place: str) -> EngineCall:
    """Take a command that ``is_engine_call``.

    Raises:
        UnclearError: It has other options than those of the usual set-up, or not all of it is known.
    """
    options: dict[str, str] = {}
    for option, value in itertools.zip_longest(words[3::2], words[4::2], fillvalue=""):
        if option is None or value is None or value == "" or option in options or option not in _TAKEN:
            raise UnclearError(_why_not(option, value, options))
        options[option] = value
    if settings is None:
        reason = f"which SEQWARE_SETTINGS it uses {_ONLY_WHEN_RUN}"
        raise UnclearError(reason)
    if not settings.startswith("/"):
        reason = "SEQWARE_SETTINGS is not an absolute path (cron itself puts in no variables and no ~)"
        raise UnclearError(reason)
    host, threads = (options.get(option, "") for option in _TAKEN)
    return EngineCall(words[2] or "", user, settings, words[0] or "", host, threads, place)


def _why_not(option: str | None, value: str | None, options: collections.abc.Mapping[str, str]) -> str:
    if option is None:
        return f"an argument {_ONLY_WHEN_RUN}"
    if option == "--accession":
        return "it is for single runs (--accession), so that it is no launching of whatever is scheduled"
    if option not in _TAKEN:
        return "it has an argument other than --host and --threads"
    if option in options:
        return f"{option} stands there twice"
    return f"nothing stands after {option}" if value == "" else f"what {option} says {_ONLY_WHEN_RUN}"
