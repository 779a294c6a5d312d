"""The links of one account to its web service and its Oozie: login, clocks, versions.

Only reads. Called by ``commands.check``.
"""

import datetime
import shlex

from niassa_orch import errors
from niassa_orch.admin import links
from niassa_orch.core import enrolling, probing
from niassa_orch.domain import accounts
from niassa_orch.oozie import lists

#: A clock that is further ahead or behind makes times in logs misleading, and Kerberos and TLS fail at minutes.
_SKEW_SECONDS = 5.0


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


async def oozie(enrolled: enrolling.Enrolled, unasked: str) -> list[links.Link]:
    """Whether the account's Oozie answers, what it can do, and what its clock says.

    Where the engine propagates, its user is asked to ask, as the service does; not if ``unasked`` says why not.
    """
    account, link = enrolled.account, "oozie"
    if not account.oozie_url:
        seen = f"{account.name} names no Oozie: only whitestar can be used"
        mend = f"OOZIE_URL=http://...:11000/oozie  # in the seqware settings of {account.unix_user}, if it has one"
        return [links.look(link, seen, mend)]
    if account.propagation is accounts.Propagation.ENGINE:
        return [links.skipped(link, unasked) if unasked else await _asked_by_user(enrolled)]
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
        url = shlex.quote(f"{account.oozie_url}/versions")
        mend = f"sudo -u {account.unix_user} curl -sS {url}  # as root: answers a list; no run is failed meanwhile"
        return links.bad(link, str(exc), mend)
    return links.ok(link, f"{account.oozie_url} answers {account.unix_user}; the engine propagates")
