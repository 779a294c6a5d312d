"""What faces say in words of an account: why it, or a launch of it, waits. Pure.

A remark begins with the cause, since lines end where the terminal does. Called by the dashboard.
"""

import re

from niassa_orch.core import account_line
from niassa_orch.faces import plain

_ALONE_NAMED = 3
#: What errors of neighbours begin with: what was asked, and where.
_ASKED = re.compile(r"((?:[A-Z]+ )?https?://\S+): (.+)")


def of(line: account_line.AccountLine) -> str:
    """The first of what there is to say of an account, on one line; ``""`` when all is well."""
    person = "waits for a person (niassa-orch doubts)"
    held = "; ".join(f"{accession} {person}: {reason}" for accession, reason in line.held.items())
    alone = "; ".join(left_alone(line))
    said = line.reason or line.refusal or line.unfinished or held or overdue(line) or alone or line.warning
    return cause_first(plain.line(said or line.waiting or line.advice or _wiped(line)))


def is_any(line: account_line.AccountLine) -> bool:
    """Whether there is anything to say; costs next to nothing."""
    said = line.reason or line.refusal or line.unfinished or line.held or line.warning or line.waiting or line.advice
    return bool(
        said or line.calls or line.left_alone or line.requests_lost or line.requests_restored or line.jobs_restored
    )


def left_alone(line: account_line.AccountLine) -> list[str]:
    """The first of the runs of which nothing true can be written, and how many more there are."""
    said = [f"run {accession} is left alone: {reason}" for accession, reason in line.left_alone.items()]
    more = len(said) - _ALONE_NAMED
    return [*said[:_ALONE_NAMED], *([f"{more} runs more, or even more, are left alone"] if more > 0 else [])]


def overdue(line: account_line.AccountLine) -> str:
    """Engine calls that outlived their deadline."""
    late = [" ".join(map(str, call.accessions)) for call in line.calls if call.overdue]
    return f"the engine call of {', '.join(late)} outlived its deadline: see whether it hangs" if late else ""


def _wiped(line: account_line.AccountLine) -> str:
    """What became of cancels and retries of users, and of jobs in records, that somebody's write wiped."""
    lost = (
        f"users' requests that may be lost: {line.requests_lost}, see request.lost in the log"
        if line.requests_lost
        else ""
    )
    back = f"users' requests that were wiped and put back: {line.requests_restored}" if line.requests_restored else ""
    jobs = f"jobs that were wiped from records and put back: {line.jobs_restored}" if line.jobs_restored else ""
    return "; ".join(filter(None, (lost, back, jobs)))


def cause_first(reason: str) -> str:
    """``GET http://host/path: no connection`` as ``no connection [GET http://host/path]``; other texts as they are."""
    asked = _ASKED.fullmatch(reason)
    return f"{asked[2]} [{asked[1]}]" if asked else reason
