"""From crontabs to profiles: what to write, what is there, what cannot be used, and which lines to disable then.

Decides and writes profiles; what it knows of crontabs and settings it is handed. A profile is wanted for each Unix
user, seqware settings and host for which a crontab launches. Called by ``commands.importing``, shown by
``migrate_report``.
"""

import collections.abc
import dataclasses
import socket

from niassa_orch import errors
from niassa_orch.admin import crontabs, mediator_needs, profile_drafts
from niassa_orch.admin.shell import engine_calls
from niassa_orch.config import profiles, shelf, user_settings
from niassa_orch.config import settings as service_settings
from niassa_orch.domain import accounts

NEW, WRITTEN, THERE = "would be written", "written", "there already"
DISABLED, DIFFERENT, REFUSED = "there, disabled", "different", "refused"
#: After these the service serves what the crontab did.
SERVED = frozenset({NEW, WRITTEN, THERE})
_EMPTY = crontabs.Crontab((), 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A crontab: its name for people, how a person edits it, and what is in it, or why it could not be read."""

    name: str
    edit: str
    crontab: crontabs.Crontab = _EMPTY
    trouble: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One profile: what it is for, and what became of it. ``places`` are crontabs with the numbers of their lines.

    ``waits``: there are ``notes`` without which the service cannot serve it, so that its lines stay at work.
    """

    wanted: profile_drafts.Wanted
    settings_file: str
    name: str
    state: str
    text: str
    reason: str = ""
    account: accounts.Account | None = None
    threads: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    places: tuple[tuple[str, int], ...] = ()
    waits: bool = False

    @property
    def is_served(self) -> bool:
        """Whether the service does what the crontab did, once the profile is there."""
        return self.state in SERVED and not self.waits


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """All findings and the crontabs that they come from."""

    sources: tuple[Source, ...]
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        """Whether everything was understood and everything that launches can be served."""
        unclear = any(line.seen.unclear for source in self.sources for line in source.crontab.lines)
        troubled = any(source.trouble for source in self.sources)
        return not unclear and not troubled and all(finding.is_served for finding in self.findings)


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """What a plan is made with.

    Args:
        service: The settings of the service.
        read_settings: The seqware settings of a Unix user at a path; raises as ``reading.Reader.settings``.
        home_of: The home directory of a Unix user.
        is_root: Whether a Unix user is root, under any name.
        mediator: What ``mediator.json`` says; ``None`` where it is not there.
        machine: The name that the engine takes without ``--host``.
        is_own: Whether a Unix user is our own, for whom no mediator is needed.
    """

    service: service_settings.Settings
    read_settings: collections.abc.Callable[[str, str], user_settings.UserSettings]
    home_of: collections.abc.Callable[[str], str | None]
    is_root: collections.abc.Callable[[str], bool]
    mediator: mediator_needs.Document | None = None
    machine: str = dataclasses.field(default_factory=socket.getfqdn)
    is_own: collections.abc.Callable[[str], bool] = lambda _user: False


def plan(sources: collections.abc.Sequence[Source], host: Host) -> Plan:
    """Decide about every profile; writes nothing.

    Raises:
        SettingsError: The directory of profiles cannot be read.
    """
    wanted = _wanted(sources, host)
    known = shelf.load(host.service.accounts_dir, host.service).profiles
    homes = {one.unix_user: host.home_of(one.unix_user) or "" for one in wanted}
    names = profile_drafts.names(list(wanted), homes)
    claims: dict[tuple[str, str, str], str] = {}
    findings = []
    for one, calls in wanted.items():
        finding = _finding(one, names[one], calls, known, host, homes)
        finding = _without_double(finding, claims)
        notes = mediator_needs.notes(one, homes[one.unix_user], calls, wanted, host.mediator)
        waits = bool(notes) and not host.is_own(one.unix_user)
        findings.append(dataclasses.replace(finding, notes=notes, waits=waits))
    return Plan(tuple(sources), tuple(findings))


def write(planned: Plan, host: Host) -> Plan:
    """Write the profiles that are not there, each whole and none over another; returns what became of them."""
    done = []
    for finding in planned.findings:
        state, reason = finding.state, finding.reason
        if state == NEW:
            path = host.service.accounts_dir / f"{finding.name}.toml"
            try:
                profile_drafts.write(path, finding.text)
                state = WRITTEN
            except OSError as exc:
                state, reason = REFUSED, f"{path} cannot be written: {exc.strerror}; call this as root"
        done.append(dataclasses.replace(finding, state=state, reason=reason))
    return dataclasses.replace(planned, findings=tuple(done))


def wanted_by(call: engine_calls.EngineCall, host: Host) -> profile_drafts.Wanted:
    """Whose runs a call launches."""
    return profile_drafts.Wanted(call.user, call.settings, call.host or host.machine)


Calls = dict[profile_drafts.Wanted, list[tuple[engine_calls.EngineCall, str, int]]]


def _wanted(sources: collections.abc.Sequence[Source], host: Host) -> Calls:
    found: Calls = {}
    for source in sources:
        for line in source.crontab.lines:
            for call in line.seen.calls:
                found.setdefault(wanted_by(call, host), []).append((call, source.name, line.number))
    return dict(sorted(found.items(), key=lambda item: dataclasses.astuple(item[0])))


def _finding(
    wanted: profile_drafts.Wanted,
    name: str,
    calls: collections.abc.Sequence[tuple[engine_calls.EngineCall, str, int]],
    known: collections.abc.Sequence[profiles.Profile],
    host: Host,
    homes: collections.abc.Mapping[str, str],
) -> Finding:
    document = profile_drafts.keys(wanted, homes[wanted.unix_user], host.service)
    finding = Finding(
        wanted=wanted,
        settings_file=profile_drafts.settings_file(wanted, homes[wanted.unix_user]),
        name=name,
        state=NEW,
        text=profile_drafts.text(document),
        threads=tuple(dict.fromkeys(call.threads for call, _, _ in calls if call.threads)),
        places=tuple(dict.fromkeys((crontab, number) for _, crontab, number in calls)),
    )
    try:
        _check(wanted, calls, host)
        profile = profile_drafts.profile(name, document)
        theirs = host.read_settings(wanted.unix_user, wanted.settings)
        account, _ = user_settings.merge(profile, theirs, None, host.service)
    except errors.NiassaOrchError as exc:
        return dataclasses.replace(finding, state=REFUSED, reason=str(exc))
    there = profile_drafts.same(wanted, known, host.service)
    if there is not None:
        reason = "" if there.enabled else f"{there.file} says enabled = false: it is known and not served"
        state = THERE if there.enabled else DISABLED
        if there.enabled and (reason := profile_drafts.not_instead(there, account)):
            state = DIFFERENT
        return dataclasses.replace(finding, name=there.name, state=state, reason=reason, account=account)
    different = profile_drafts.difference(host.service.accounts_dir / profile.file, document)
    return dataclasses.replace(finding, state=DIFFERENT if different else NEW, reason=different, account=account)


def _check(
    wanted: profile_drafts.Wanted,
    calls: collections.abc.Sequence[tuple[engine_calls.EngineCall, str, int]],
    host: Host,
) -> None:
    reason = ""
    if not any(call.verb == engine_calls.LAUNCH for call, _, _ in calls):
        reason = "the crontab only propagates for it, and a profile would launch as well: write one by hand if it shall"
    elif host.is_root(wanted.unix_user) and not host.service.allow_root:
        reason = "it runs as root, which no account's work may: make a Unix user for the account"
    if reason:
        raise engine_calls.UnclearError(reason)


def _without_double(finding: Finding, claims: dict[tuple[str, str, str], str]) -> Finding:
    """Two accounts with the same web service, user and host would both launch the same runs."""
    if finding.account is None or finding.state not in SERVED:
        return finding
    holder = claims.setdefault(finding.account.claim, finding.name)
    if holder == finding.name:
        return finding
    account = finding.account
    reason = (
        f"{holder} already serves {account.web_user} on {account.host} at {account.web_service_url}, so that both "
        f"crontabs launch the same runs today: decide whose Unix user it shall be"
    )
    return dataclasses.replace(finding, state=REFUSED, reason=reason)
