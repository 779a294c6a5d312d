"""Compares what is installed with what belongs there: the fragment of sudoers, and what sudo makes of it.

The other half, the mediator and what could change it, is in ``mediator_files``. Looks and changes nothing; called by
the command ``sudoers --check`` and after an installation.
"""

import os
import pathlib
import shlex
import stat

from niassa_orch import __version__
from niassa_orch.admin import asking_sudo, findings, mediator_files, people, placing, trust


def look(place: placing.Placing) -> list[findings.Finding]:
    """All that is wrong, in the order in which it is best mended."""
    found = people.look(place.rules)
    found += _guarded(place, place.mediator, mediator_files.look)
    found += _guarded(place, place.fragment, _fragment)
    if os.geteuid() == 0 and asking_sudo.is_there("sudo") and asking_sudo.is_there("visudo"):
        found += _all_rules(place) + _granted(place)
    return found


def _guarded(place: placing.Placing, path: pathlib.Path, look_at: "mediator_files.Look") -> list[findings.Finding]:
    """What a look brings, or that its files cannot be looked at."""
    try:
        return look_at(place)
    except OSError as exc:
        subject = str(exc.filename or path)
        who = trust.user_name(os.geteuid())
        wrong = f"cannot be looked at as {who}: {exc.strerror or exc}"
        return [findings.Finding(subject, wrong, f"as root: {place.command('--check')}")]


def _fragment(place: placing.Placing) -> list[findings.Finding]:
    """The file itself: there, plain, root's, of the right mode, and saying what it should."""
    path, install = place.fragment, place.command("--install")
    try:
        status = path.lstat()
    except FileNotFoundError:
        skipped = _skipped(path)
        wrong = "is not there: sudo lets the service do nothing"
        wrong += f" ({skipped} is, but sudo skips names with a dot or ~)" if skipped else ""
        return [findings.Finding(str(path), wrong, install)]
    if not stat.S_ISREG(status.st_mode):
        mend = install if stat.S_ISLNK(status.st_mode) else place.aside(path)
        return [*trust.look(path), findings.Finding(str(path), "is not a plain file", mend)]
    found = trust.look(path)
    if stat.S_IMODE(status.st_mode) != 0o440:
        wrong = f"has mode {stat.S_IMODE(status.st_mode):04o}, not 0440: sudo may refuse it"
        found.append(findings.Finding(str(path), wrong, f"chmod 440 {shlex.quote(str(path))}"))
    found += _content(place, path.read_bytes())
    if asking_sudo.is_there("visudo"):
        complaint = asking_sudo.complaint(path)
        if complaint is not None:
            found.append(findings.Finding(str(path), f"visudo refuses it: {complaint}", install))
    return found


def _skipped(path: pathlib.Path) -> pathlib.Path | None:
    """A file that looks like ours under a name that sudo skips: an editor's, a package manager's, a mistake."""
    beside = sorted(path.parent.glob(f"{path.name}[.~]*"))
    return beside[0] if beside else None


def _content(place: placing.Placing, content: bytes) -> list[findings.Finding]:
    expected = place.rules.text().encode()
    if content == expected:
        return []
    pairs = enumerate(zip([*content.splitlines(), b""], [*expected.splitlines(), b""], strict=False), start=1)
    line = next((number for number, (is_, should) in pairs if is_ != should), 1)
    wrong = f"differs from what niassa-orch {__version__} writes, first in line {line}"
    look_first = f"{place.command()} | diff {shlex.quote(str(place.fragment))} -"
    return [findings.Finding(str(place.fragment), wrong, f"look: {look_first}; then {place.command('--install')}")]


def _all_rules(place: placing.Placing) -> list[findings.Finding]:
    """Whether sudo can read all of its files together, and ours is among them."""
    complaint = asking_sudo.complaint()
    if complaint is not None:
        if str(place.fragment) in complaint:
            return []  # told already
        wrong = f"sudo does not trust, or cannot read, some of its rules: {complaint}"
        return [findings.Finding("/etc/sudoers", wrong, "run visudo -c, and mend what it names")]
    if not os.path.lexists(place.fragment) or str(place.fragment) in asking_sudo.files_read():
        return []
    mend = f"run visudo, and add the line: @includedir {place.fragment.parent}"
    return [findings.Finding(str(place.fragment), "sudo does not read it: nothing includes its folder", mend)]


def _granted(place: placing.Placing) -> list[findings.Finding]:
    """What all rules together let the service user do: ours, and nothing else."""
    service, wanted = place.rules.service_user, place.rules.granted
    if not people.exists(service):
        return []
    granted, found = asking_sudo.granted(service), []
    if not any(_same(rule, wanted) for rule in granted):
        wrong = "sudo does not let it run the mediator as the accounts' users"
        found.append(findings.Finding(service, wrong, place.command("--install")))
    for rule in granted:
        if not _same(rule, wanted):
            wrong = f"sudo lets it do something beside our rule: {rule}"
            mend = f"take that rule out of /etc/sudoers or /etc/sudoers.d; it may be one for a group: id {service}"
            found.append(findings.Finding(service, wrong, mend))
    return found


def _same(rule: str, wanted: str) -> bool:
    """Versions of sudo list the tags in different orders."""
    return sorted(rule.split()) == sorted(wanted.split())
