"""Looks at the mediator and its ``mediator.json`` as they lie on this host, and at who could change them.

Whoever can change one of them, or a folder above, decides what runs as every account. ``mediator.json`` is judged by
the mediator's own code. Called by ``commands.sudoers``; reads, and changes nothing.
"""

import json
import os
import pathlib
import shlex
import stat
from collections.abc import Callable

from niassa_orch import __version__
from niassa_orch.admin import findings, placing, trust
from niassa_orch.seqware import installation, mediator

Look = Callable[[placing.Placing], list[findings.Finding]]


def look(place: placing.Placing) -> list[findings.Finding]:
    """What is wrong with both, and with every folder above them.

    Raises:
        OSError: Something cannot be looked at.
    """
    found = trust.look(place.mediator) + _closed(place.mediator)
    found += _mediator(place)
    if os.path.lexists(place.configuration):
        found += [one for one in trust.look(place.configuration) if one not in found]
        found += _configuration(place)
    elif place.mediator.exists():
        wrong = "is not there: the mediator refuses every call"
        found.append(findings.Finding(str(place.configuration), wrong, place.command("--install")))
    return found


def _mediator(place: placing.Placing) -> list[findings.Finding]:
    path, install = place.mediator, place.command("--install")
    try:
        status = path.lstat()
    except FileNotFoundError:
        return [findings.Finding(str(path), "is not there: no account can be served", install)]
    if not stat.S_ISREG(status.st_mode):
        mend = install if stat.S_ISLNK(status.st_mode) else place.aside(path)
        return [findings.Finding(str(path), "is not a plain file", mend)]
    found = _readable(path, status, 0o755)
    if path.read_bytes() != installation.script().encode():
        wrong = f"is not the mediator of niassa-orch {__version__}: another version, or changed by somebody"
        found.append(findings.Finding(str(path), wrong, install))
    return found


def _configuration(place: placing.Placing) -> list[findings.Finding]:
    path = place.configuration
    quoted = shlex.quote(str(path))
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        mend = f"cp --remove-destination -- $(readlink -f {quoted}) {quoted}"
        return [findings.Finding(str(path), "is a symbolic link, which the mediator refuses", mend)]
    if not stat.S_ISREG(status.st_mode):
        return [findings.Finding(str(path), "is not a plain file", place.aside(path))]
    found = _readable(path, status, 0o644)
    try:
        found += _judged(path, path.read_bytes())
    except mediator.Refusal as exc:
        found.append(findings.Finding(str(path), f"the mediator refuses it: {exc}", f"edit {quoted}"))
    return found


def _judged(path: pathlib.Path, content: bytes) -> list[findings.Finding]:
    """What its values mean. Raises ``mediator.Refusal`` as the mediator itself would, for whichever user."""
    if len(content) > mediator.MOST_BYTES:
        mediator.refuse("it is larger than 1 MiB")
    try:
        written = json.loads(content.decode("utf-8"))
        users = written.pop("users", {})
        merged = {"": {**mediator.DEFAULTS, **written}}
        merged |= {str(user): {**merged[""], **overrides} for user, overrides in users.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        mediator.refuse("it is not the JSON that it should be")
    found = []
    for user, configuration in merged.items():
        found += _values(path, mediator.checked(configuration, f"for {user}" if user else "its values"), user)
    return found


def _values(path: pathlib.Path, configuration: mediator.Record, user: str) -> list[findings.Finding]:
    whose = f"users, {user}: " if user else ""
    quoted, found = shlex.quote(str(path)), []
    if configuration["allow_root"]:
        wrong = f"{whose}allow_root lets the engine run as root; it is for a sandbox only"
        found.append(findings.Finding(str(path), wrong, f"edit {quoted}: take allow_root out"))
    command = pathlib.Path(configuration["command"][0])
    try:
        runs = stat.S_ISREG(command.stat().st_mode) and command.stat().st_mode & 0o111
    except PermissionError:
        runs = True  # in a place that root may not enter, such as a home on NFS: the mediator says it as that user
    except OSError:
        runs = False
    if not runs:
        wrong = f"{whose}command names {command}, which cannot be run: every launch is refused"
        found.append(findings.Finding(str(path), wrong, f"edit {quoted}: set command to the seqware command"))
    return found


def _readable(path: pathlib.Path, status: os.stat_result, mode: int) -> list[findings.Finding]:
    """Whether everybody may read it (and run it), as the accounts' users must; writing is the matter of ``trust``."""
    needed = mode & 0o555
    if stat.S_IMODE(status.st_mode) & needed == needed:
        return []
    wrong = f"has mode {stat.S_IMODE(status.st_mode):04o}: the accounts' users cannot use it"
    return [findings.Finding(str(path), wrong, f"chmod {mode:o} {shlex.quote(str(path))}")]


def _closed(path: pathlib.Path) -> list[findings.Finding]:
    """Folders above that the accounts' users may not enter."""
    found = []
    for part, status in trust.walk(path.parent):
        if stat.S_ISDIR(status.st_mode) and not status.st_mode & stat.S_IXOTH:
            wrong = "the accounts' users may not enter it, so that they cannot run the mediator"
            found.append(findings.Finding(str(part), wrong, f"chmod a+x {shlex.quote(str(part))}"))
    return found
