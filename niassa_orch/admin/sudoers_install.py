"""Puts the mediator and the rules of sudo in place, as root: all of it or nothing.

What can be refused is refused before anything is written. The rules come last, read by visudo beside their place under
a name that sudo skips, so that sudo never meets a file that is half written or that it cannot read. Called by the
command ``sudoers --install``.
"""

import contextlib
import os
import pathlib
import stat
from collections.abc import Sequence

from niassa_orch import errors
from niassa_orch.admin import asking_sudo, findings, people, placing, replacing, trust
from niassa_orch.seqware import installation


def install(place: placing.Placing, configuration: installation.MediatorConfiguration) -> tuple[str, ...]:
    """Install or renew the mediator, ``mediator.json`` where there is none, and the fragment; what was done, in lines.

    What is as it should be is not touched. What was there and said something else is kept beside, and the lines tell
    where, and what differs.

    Args:
        place: Names and places.
        configuration: What a ``mediator.json`` that is not there yet shall say; one that is there is never touched.

    Raises:
        InstallationError: Not as root, or somebody else could change what is installed, or something is in the way, or
            visudo refuses the rules, or a file cannot be written; nothing was changed.
    """
    if os.geteuid() != 0:
        message = f"only root can install what sudo trusts: sudo {place.command('--install')}"
        raise errors.InstallationError(message)
    try:
        _refuse(place)
        return _install(place, configuration)
    except OSError as exc:
        ours = {str(place.mediator), str(place.configuration), str(place.fragment)}
        named = [str(name) for name in (exc.filename2, exc.filename) if name is not None]
        where = next((name for name in named if name in ours), named[0] if named else place.mediator)
        message = f"nothing was installed, all is as it was: {where}: {exc.strerror or exc}"
        raise errors.InstallationError(message) from exc


def _install(place: placing.Placing, configuration: installation.MediatorConfiguration) -> tuple[str, ...]:
    kept = os.path.lexists(place.configuration)
    rules = replacing.File(place.fragment, place.rules.text(), 0o440)
    files = [
        # Each needs the one before it.
        *([] if kept else [replacing.File(place.configuration, configuration.to_json(), 0o644)]),
        replacing.File(place.mediator, installation.script(), 0o755),
        rules,
    ]

    def approve(file: replacing.File, draft: pathlib.Path) -> None:
        if file is rules:
            _let_visudo_read(draft)

    to_write = [file for file in files if not file.is_there]
    if rules not in to_write:
        _let_visudo_read(place.fragment)  # that of a sudo which may be older than what they were installed for
    with contextlib.ExitStack() as unless_whole:
        opened = _folder(place.mediator.parent, unless_whole)
        told = replacing.replace(to_write, approve)
        unless_whole.pop_all()
    lines = [f"{place.configuration}: kept as it was"] if kept else []
    for file in files:
        lines += [_line(place, file, is_new=file in to_write), *told.get(file.path, [])]
    return (*opened, *lines, *([] if to_write or opened else ["nothing differed, and nothing was changed"]))


def _line(place: placing.Placing, file: replacing.File, *, is_new: bool) -> str:
    if not is_new:
        return f"{file.path}: is as it should be, left alone"
    if file.path == place.configuration:
        return f"{file.path}: written; look whether command is your seqware"
    return f"{file.path}: installed" + (", visudo has read it" if file.path == place.fragment else "")


def _refuse(place: placing.Placing) -> None:
    """All that can be seen to be wrong before anything is written."""
    _refuse_for("since it could not be installed whole", _in_the_way(place))
    found = people.powerful_members(place.rules)
    for folder in (place.mediator.parent, place.fragment.parent):
        found += [one for one in trust.look(folder / "x") if one not in found]
    _refuse_for("since others than root would decide what runs as the accounts", found)


def _in_the_way(place: placing.Placing) -> list[findings.Finding]:
    """What is no folder where there should be one, or neither a file nor a link where a file belongs."""
    folder = place.mediator.parent
    above = [part for part in (*reversed(folder.parents), folder) if os.path.lexists(part) and not part.is_dir()]
    found = [findings.Finding(str(part), "is no folder", place.aside(part)) for part in above[:1]]
    if not place.fragment.parent.is_dir():
        wrong = "is no folder: sudo is not installed, or reads its rules elsewhere"
        found.append(findings.Finding(str(place.fragment.parent), wrong, "install sudo, or name the file: --fragment"))
    if not found:
        files = [path for path in (place.mediator, place.configuration, place.fragment) if _is_odd(path)]
        found = [findings.Finding(str(path), "is not a plain file", place.aside(path)) for path in files]
    return found


def _refuse_for(why: str, found: Sequence[findings.Finding]) -> None:
    if found:
        lines = "".join(f"\n  {one}" for one in found)
        message = f"nothing was installed, {why}:{lines}"
        raise errors.InstallationError(message)


def _is_odd(path: pathlib.Path) -> bool:
    """Whether what is there is neither a file nor a link, so that no file can take its place, or should."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))


def _let_visudo_read(draft: pathlib.Path) -> None:
    complaint = asking_sudo.complaint(draft)
    if complaint is not None:
        message = f"nothing was installed: visudo refuses the rules for this sudo: {complaint}"
        raise errors.InstallationError(message)


def _folder(path: pathlib.Path, unless_whole: contextlib.ExitStack) -> list[str]:
    """The mediator's folder, and those above that are missing: everybody may enter, whatever our umask."""
    for folder in (*reversed(path.parents), path):
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            unless_whole.callback(folder.rmdir)
            folder.chmod(0o755)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode == 0o755:
        return []
    path.chmod(0o755)
    unless_whole.callback(path.chmod, mode)
    return [f"{path}: had mode {mode:04o}, has 0755"]
