"""Profiles that no worker speaks for, on the board: refused ones, disabled ones, files that wait to keep still.

Decides nothing; tells each refusal, and its end, once. Called by the supervisor.
"""

from collections.abc import Collection

from niassa_orch import errors
from niassa_orch.core import account_line, board, drop_ins


def known(brought: drop_ins.Brought) -> set[str]:
    """Names of all lines that profiles have."""
    names = {profile.name for profile in brought.profiles.profiles}
    names |= {account_of(exc.file) for exc in brought.profiles.quarantined}
    return names | {account_of(file) for file in brought.unfinished}


def show(told: board.Board, brought: drop_ins.Brought, served: Collection[str], busy: Collection[str]) -> None:
    """Put on the board what profiles say.

    Args:
        told: The board.
        brought: The newest look's.
        served: Accounts that a worker works for.
        busy: Accounts whose worker may still end.
    """
    for profile in brought.profiles.profiles:
        line = told.line(profile.name)
        line.unix_user = profile.unix_user
        if line.refusal:
            told.event("profile.accepted", account=profile.name)
        line.refusal = ""
        if not profile.enabled and profile.name not in busy:
            line.state = account_line.State.DISABLED
    for exc in brought.profiles.quarantined:
        _show_refused(told, exc, served)
    for name in known(brought) | set(busy):
        told.line(name).unfinished = ""
    for file in brought.unfinished:
        line = told.line(account_of(file))
        goes_on = "what was read last goes on" if line.name in served else "nothing of it is served yet"
        since = "is written again and again" if file in brought.overdue else "was written a moment ago"
        line.unfinished = f"its file {since} and is read once it keeps still; {goes_on}"
        if file in brought.overdue and line.name not in served:
            line.state = account_line.State.MISCONFIGURED


def _show_refused(told: board.Board, exc: errors.ProfileError, served: Collection[str]) -> None:
    line = told.line(account_of(exc.file))
    goes_on = line.name in served
    if not goes_on:
        line.state = account_line.State.MISCONFIGURED
    refusal = f"{exc}; its last good version goes on" if goes_on else str(exc)
    if line.refusal != refusal:
        line.refusal = refusal
        served_by = "the last good version" if goes_on else "nothing"
        fields = {"key": exc.key, "reason": exc.reason, "served_by": served_by}
        told.event("profile.refused", account=line.name, level=board.Level.ERROR, **fields)


def account_of(file: str) -> str:
    """The account's name; of a file that no profile may be in, its whole name: it says nothing of an account."""
    return file.removesuffix(".toml")
