"""Whether users schedule for the host that an account serves, as far as the beginnings of a few lists tell.

What was scheduled for a host that nobody serves stays ``submitted``: the list of all that is, of all hosts, names the
hosts that are worth a look. What is at work is asked for of our host alone, and where the first list says nothing of
it. Each list is asked for once, whoever shares it, and never read far. Called by ``commands.check``.
"""

import asyncio
import collections
import dataclasses
from collections.abc import Sequence
from typing import Final

from niassa_orch import errors
from niassa_orch.admin import links
from niassa_orch.core import enrolling
from niassa_orch.domain import runs
from niassa_orch.webservice import lists as web_lists

#: Of one list: some thousand runs.
MOST_BYTES: Final = 4 << 20
_LIST_SECONDS = 15.0
_HOSTS_SHOWN = 5
_LINK = "scheduled for"

_Asked = tuple[runs.RunStatus, str | None]


@dataclasses.dataclass(frozen=True, slots=True)
class _Look:
    """What was read of one list; ``host`` is ``None`` for that of all hosts."""

    status: runs.RunStatus
    host: str | None
    read: web_lists.Beginning

    def __str__(self) -> str:
        many = len(self.read.runs)
        which = ("all" if many else "no") if self.read.is_whole else "the first"
        return f"{which}{f' {many}' if many else ''} {self.status} for {self.host or 'any host'}"


class Lists:
    """The beginnings of lists that accounts share: one that was read, or does not come, is not asked for again."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, *_Asked], asyncio.Task[web_lists.Beginning]] = {}

    async def of(self, enrolled: enrolling.Enrolled, status: runs.RunStatus, host: str | None) -> _Look:
        """The beginning of one.

        Raises:
            WebServiceError: It cannot be had.
        """
        key = (enrolled.account.web_service_url, status, host)
        asked = self._asked.get(key)
        if asked is None or _was_refused(asked):
            reading = enrolled.web_service.beginning(status, host, most_bytes=MOST_BYTES, timeout_seconds=_LIST_SECONDS)
            asked = self._asked[key] = asyncio.create_task(reading, name=f"check:{status}")
        return _Look(status, host, await asked)


def _was_refused(asked: asyncio.Task[web_lists.Beginning]) -> bool:
    """What one account was refused, another may be told."""
    return asked.done() and isinstance(asked.exception(), errors.LoginRefusedError | errors.ForbiddenError)


async def look(enrolled: enrolling.Enrolled, lists: Lists) -> links.Link:
    """Whether users schedule for the account's host, or rather for one that is called much the same."""
    account = enrolled.account
    try:
        looks = await _looks(enrolled, lists)
    except errors.WebServiceError as exc:
        return links.skipped(_LINK, str(exc))
    theirs = _hosts(looks, account.web_user)
    # Of who has no run yet the hosts are told that others schedule for.
    whose, hosts = (account.web_user, theirs) if theirs else ("anybody", _hosts(looks))
    mine = hosts.pop(account.host, 0)
    others = ", ".join(f"{host} ({count})" for host, count in hosts.most_common(_HOSTS_SHOWN))
    seen = f"{mine or 'no'} {'run' if mine < 2 else 'runs'} of {whose} for {account.host}" + (
        f"; others for {others}" if others else ""
    )
    seen += f" (looked at {', '.join(map(str, looks))})"
    alike = [host for host, _ in hosts.most_common() if _short(host) == _short(account.host)]
    if theirs and alike and not mine:
        mend = f'host = "{alike[0]}"  # in {account.name}.toml, if that is this machine too'
        return links.look(_LINK, seen, mend)
    return links.ok(_LINK, seen)


async def _looks(enrolled: enrolling.Enrolled, lists: Lists) -> list[_Look]:
    """Lists until one has a run of the account for its host; what waits, of all hosts, is always among them."""
    account, status = enrolled.account, runs.RunStatus
    found = [await lists.of(enrolled, status.SUBMITTED, None)]
    further = () if found[0].read.is_whole else (status.SUBMITTED,)
    for one in (*further, status.RUNNING, status.PENDING):
        if account.host in _hosts(found, account.web_user):
            break
        found.append(await lists.of(enrolled, one, account.host))
    return found


def _hosts(looks: Sequence[_Look], owner: str = "") -> collections.Counter[str]:
    """How many runs there are of each host; of all owners where none is named."""
    seen = (run for one in looks for run in one.read.runs if owner in ("", run.owner))
    return collections.Counter(run.host for run in seen if run.host)


def _short(host: str) -> str:
    return host.partition(".")[0].lower()
