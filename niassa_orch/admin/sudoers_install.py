"""Puts the mediator and the rules of sudo in place, as root: what can be refused is refused before anything is written.

The rules are written beside their place under a name that sudo skips, read by visudo there, and only then renamed, so
that sudo never meets a file that is half written or that it cannot read. Called by the command ``sudoers --install``.
"""

import contextlib
import os
import pathlib
import stat
import tempfile
from collections.abc import Iterator

from niassa_orch import errors
from niassa_orch.admin import asking_sudo, findings, people, placing, trust
from niassa_orch.seqware import installation


def install(place: placing.Placing, configuration: installation.MediatorConfiguration) -> tuple[str, ...]:
    """Install or renew the mediator, ``mediator.json`` where there is none, and the fragment; what was done, in lines.

    Args:
        place: Names and places.
        configuration: What a ``mediator.json`` that is not there yet shall say; one that is there is never touched.

    Raises:
        InstallationError: Not as root, or somebody else could change what is installed, or visudo refuses the rules;
            nothing was changed.
        OSError: A file could not be written; what was there is still there.
    """
    if os.geteuid() != 0:
        message = f"only root can install what sudo trusts: sudo {place.command('--install')}"
        raise errors.InstallationError(message)
    _refuse_what_others_may_change(place)
    with _approved(place) as draft:
        _folder(place.mediator.parent)
        kept = os.path.lexists(place.configuration)
        if not kept:
            installation.put(place.configuration, configuration.to_json(), 0o644)
        installation.put(place.mediator, installation.script(), 0o755)
        draft.replace(place.fragment)
    return (
        f"{place.mediator}: installed",
        f"{place.configuration}: " + ("kept as it was" if kept else "written; look whether command is your seqware"),
        f"{place.fragment}: installed, visudo has read it",
    )


def _refuse_what_others_may_change(place: placing.Placing) -> None:
    found = people.powerful_members(place.rules)
    for folder in (place.mediator.parent, place.fragment.parent):
        found += [one for one in trust.look(folder / "x") if one not in found]
    if not place.fragment.parent.is_dir():
        wrong = "is no folder: sudo is not installed, or reads its rules elsewhere"
        found.append(findings.Finding(str(place.fragment.parent), wrong, "install sudo, or name the file: --fragment"))
    if found:
        lines = "".join(f"\n  {one}" for one in found)
        message = f"nothing was installed, since others than root would decide what runs as the accounts:{lines}"
        raise errors.InstallationError(message)


@contextlib.contextmanager
def _approved(place: placing.Placing) -> Iterator[pathlib.Path]:
    """The fragment beside its place, read by visudo; removed at the end where it was not put into its place."""
    # A name with a dot: sudo skips it.
    descriptor, name = tempfile.mkstemp(dir=place.fragment.parent, prefix=f".{place.fragment.name}.")
    draft = pathlib.Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(place.rules.text())
            file.flush()
            os.fchown(file.fileno(), 0, 0)
            os.fchmod(file.fileno(), 0o440)
            os.fsync(file.fileno())
        complaint = asking_sudo.complaint(draft)
        if complaint is not None:
            message = f"nothing was installed: visudo refuses the rules for this sudo: {complaint}"
            raise errors.InstallationError(message)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _folder(path: pathlib.Path) -> None:
    """The mediator's folder, and those above that are missing: everybody may enter, whatever our umask."""
    for folder in (*reversed(path.parents), path):
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(0o755)
    if stat.S_IMODE(path.stat().st_mode) != 0o755:
        path.chmod(0o755)
