"""The links of one account to its web service and its Oozie: login, hosts, clocks, versions.

Only reads. What a web service knows of hosts is asked once, whoever shares it. Called by ``check``.
"""

import asyncio
import collections
import datetime
import shlex
from collections.abc import Mapping

from niassa_orch import errors
from niassa_orch.admin import links
from niassa_orch.core import enrolling, probing
from niassa_orch.domain import accounts, runs
from niassa_orch.oozie import lists
from niassa_orch.webservice import client as web_client

#: A clock that is further ahead or behind makes times in logs misleading, and Kerberos and TLS fail at minutes.
_SKEW_SECONDS = 5.0
_HOSTS_SHOWN = 5
#: For the lists of everything that is active on all hosts together.
_HOSTS_SECONDS = 60.0

Hosts = Mapping[str, Mapping[str, int]]


class SeenHosts:
    """Which hosts the active runs of a web service were scheduled for, by owner; asked once of each that answers."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Task[Hosts]] = {}

    async def of(self, url: str, web_service: web_client.WebService) -> Hosts:
        """Runs by host by owner.

        Raises:
            WebServiceError: They could not be listed.
            TimeoutError: Not in time, as far as a person waits.
        """
        asked = self._asked.get(url)
        # What one account was refused, another may be told.
        if asked is None or (asked.done() and asked.exception()):
            asked = self._asked[url] = asyncio.create_task(_ask(web_service), name="check:hosts")
        async with asyncio.timeout(_HOSTS_SECONDS):
            return await asyncio.shield(asked)


async def _ask(web_service: web_client.WebService) -> Hosts:
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for status in runs.ACTIVE:
        for run in await web_service.list_runs(status, None):
            found[run.owner][run.host or ""] += 1
    return found


async def login(enrolled: enrolling.Enrolled) -> list[links.Link]:
    """Whether the web service takes the account's login, and what its clock says."""
    account, link = enrolled.account, "login"
    try:
        server_time = await enrolled.web_service.clock(account.host)
    except errors.LoginRefusedError:
        seen = f"{account.web_service_url} refuses the login of {account.web_user}"
        mend = f"niassa-orch accounts show {shlex.quote(account.name)}  # says where the password stands: mend it there"
        return [links.bad(link, seen, mend), links.skipped("clock", "the login is refused")]
    except errors.WebServiceError as exc:
        seen = f"{account.web_service_url} does not answer as it should: {exc}"
        mend = f"curl -sSI {shlex.quote(account.web_service_url + '/metrics')}  # does it answer this host at all?"
        return [links.bad(link, seen, mend), links.skipped("clock", "it does not answer")]
    taken = links.ok(link, f"{account.web_service_url} takes the login of {account.web_user}")
    return [taken, _skew("clock", "the web service", server_time)]


def _skew(link: str, whose: str, server_time: datetime.datetime | None) -> links.Link:
    if server_time is None:
        return links.look(link, f"{whose} does not tell its time", "date -u  # on both machines: compare")
    # The Date header has whole seconds: half of one is its rounding.
    ahead = (server_time - datetime.datetime.now(datetime.UTC)).total_seconds() + 0.5
    by = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}" if abs(ahead) >= 1 else "the same as"
    seen = f"the clock of {whose} is {by} ours"
    if abs(ahead) > _SKEW_SECONDS:
        return links.look(link, seen, "timedatectl; chronyc tracking  # on both machines")
    return links.ok(link, seen)


async def hosts(enrolled: enrolling.Enrolled, seen_hosts: SeenHosts) -> links.Link:
    """Whether users schedule for the host that the account serves, as far as active runs tell."""
    account, link = enrolled.account, "scheduled for"
    try:
        theirs = (await seen_hosts.of(account.web_service_url, enrolled.web_service)).get(account.web_user, {})
    except errors.WebServiceError as exc:
        return links.skipped(link, str(exc))
    except TimeoutError:
        return links.skipped(link, f"the web service did not list its active runs within {_HOSTS_SECONDS:.0f} s")
    mine = theirs.get(account.host, 0)
    others = {host: count for host, count in theirs.items() if host != account.host}
    named = ", ".join(f"{host} ({count})" for host, count in sorted(others.items())[:_HOSTS_SHOWN])
    seen = f"{mine} active runs of {account.web_user} for {account.host}" + (f"; others for {named}" if named else "")
    alike = [host for host in others if _short(host) == _short(account.host)]
    if alike and not mine:
        mend = f'host = "{alike[0]}"  # in {account.name}.toml, if that is this machine too'
        return links.look(link, seen, mend)
    return links.ok(link, seen)


def _short(host: str) -> str:
    return host.partition(".")[0].lower()


async def oozie(enrolled: enrolling.Enrolled) -> list[links.Link]:
    """Whether the account's Oozie answers, what it can do, and what its clock says."""
    account, link = enrolled.account, "oozie"
    if not account.oozie_url:
        seen = f"{account.name} names no Oozie: only whitestar can be used"
        mend = f"OOZIE_URL=http://...:11000/oozie  # in the seqware settings of {account.unix_user}, if it has one"
        return [links.look(link, seen, mend)]
    if account.propagation is accounts.Propagation.ENGINE:
        return [await _asked_by_user(enrolled)]
    try:
        server_time = await enrolled.oozie().clock()
        version = await _version(enrolled)
        lists_changes = await _lists_changes(enrolled)
    except errors.OozieError as exc:
        seen = f"{account.oozie_url} does not answer as an Oozie should: {exc}"
        mend = f"curl -sS {shlex.quote(account.oozie_url + '/versions')}  # answers a list; no run is failed meanwhile"
        return [links.bad(link, seen, mend)]
    how = "it lists changes" if lists_changes else "it is older than 4.3 and is read in bulk"
    return [links.ok(link, f"{account.oozie_url}, {version}; {how}"), _skew("oozie clock", "Oozie", server_time)]


async def _version(enrolled: enrolling.Enrolled) -> str:
    """What the server says; some are told to keep it to themselves."""
    try:
        return f"version {await enrolled.oozie().build_version()}"
    except errors.OozieError:
        return "which tells no version"


async def _lists_changes(enrolled: enrolling.Enrolled) -> bool:
    try:
        await enrolled.oozie().changed_since(None, lambda *_: None)
    except errors.OozieRefusedError as exc:
        if exc.code not in lists.FILTER_REFUSED:
            raise
        return False
    return True


async def _asked_by_user(enrolled: enrolling.Enrolled) -> links.Link:
    account, link = enrolled.account, "oozie"
    try:
        await probing.check(enrolled)
    except (errors.OozieError, errors.EngineCallError) as exc:
        mend = f"curl -sS {shlex.quote(account.oozie_url + '/versions')}  # as {account.unix_user}"
        return links.bad(link, str(exc), mend)
    return links.ok(link, f"{account.oozie_url} answers {account.unix_user}; the engine propagates")
