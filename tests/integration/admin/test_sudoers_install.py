"""The administrator's installation on real files, read by the real visudo: all or nothing, and nothing gets lost."""

import os
import pathlib
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable

import pytest

from niassa_orch import errors
from niassa_orch.admin import placing, sudoers_install
from niassa_orch.seqware import installation, sudo_rules

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("visudo") is None, reason="root installs what visudo has read"
)


@pytest.fixture
def place(tmp_path: pathlib.Path) -> placing.Placing:
    (tmp_path / "sudoers.d").mkdir()
    return place_in(tmp_path)


def place_in(directory: pathlib.Path) -> placing.Placing:
    """Of rules for a user and a group that are not there."""
    rules = sudo_rules.Rules("niorch-nobody", "niorch-none", directory / "libexec" / "orch" / "mediator")
    return placing.Placing(rules, directory / "sudoers.d" / "niorch-rules")


def install(place: placing.Placing) -> list[str]:
    return list(sudoers_install.install(place, installation.MediatorConfiguration(("/bin/true",))))


def everything(place: placing.Placing) -> dict[str, tuple[int, ...]]:
    """All that lies where something is installed, with what any change of it would change but for times of folders."""
    found: dict[str, tuple[int, ...]] = {}
    for path in place.fragment.parent.parent.rglob("*"):
        status = path.lstat()
        written_ns = 0 if path.is_dir() else status.st_mtime_ns
        found[str(path)] = (status.st_ino, status.st_mode, status.st_uid, status.st_size, written_ns)
    return found


def kept(path: pathlib.Path) -> list[pathlib.Path]:
    """Copies of what was there before."""
    return sorted(path.parent.glob(f"{path.name}.replaced-*"))


def test_what_is_as_it_should_be_is_left_alone_and_that_is_said(place: placing.Placing) -> None:
    assert "nothing differed" not in str(install(place))
    folders = [place.fragment.parent, place.mediator.parent]
    before = (everything(place), [folder.stat().st_mtime_ns for folder in folders])
    assert install(place) == [
        f"{place.configuration}: kept as it was",
        f"{place.mediator}: is as it should be, left alone",
        f"{place.fragment}: is as it should be, left alone",
        "nothing differed, and nothing was changed",
    ]
    assert (everything(place), [folder.stat().st_mtime_ns for folder in folders]) == before


def test_rules_that_were_edited_by_hand_are_kept_and_what_differs_is_told(place: placing.Placing) -> None:
    install(place)
    rules = place.fragment.read_text()
    edited = rules.replace("closefrom = 3", "closefrom = 4") + "# by \x1b[31mhand\n"
    place.fragment.write_text(edited)
    os.utime(place.fragment, (1, 1))
    before = everything(place)[str(place.mediator)]
    said = install(place)
    (copy,) = kept(place.fragment)
    assert said[2:] == [
        f"{place.fragment}: installed, visudo has read it",
        f"{place.fragment}: what was there differed and is kept: diff {copy} {place.fragment}",
        "  - Defaults!" + str(place.mediator) + " closefrom = 4",
        "  + Defaults!" + str(place.mediator) + " closefrom = 3",
        "  - # by ?[31mhand",
    ]
    status = copy.stat()
    assert (copy.read_text(), stat.S_IMODE(status.st_mode), status.st_mtime) == (edited, 0o400, 1)
    assert (place.fragment.read_text(), everything(place)[str(place.mediator)]) == (rules, before)
    place.fragment.write_text(edited)
    install(place)
    assert kept(place.fragment) == [copy], "what is there twice is kept once"
    place.fragment.write_text(f"{edited}#\n")
    install(place)
    assert len(kept(place.fragment)) == 2


def test_a_mediator_that_differs_is_kept_and_nobody_can_run_the_copy(place: placing.Placing) -> None:
    install(place)
    place.mediator.write_text("#!/bin/sh\necho mine\n")
    said = install(place)
    (copy,) = kept(place.mediator)
    assert f"{place.mediator}: what was there differed and is kept: diff {copy} {place.mediator}" in said
    assert "  - echo mine" in said
    assert said[-2].startswith("  and ")
    assert (copy.read_text(), stat.S_IMODE(copy.stat().st_mode)) == ("#!/bin/sh\necho mine\n", 0o400)
    assert place.mediator.read_text() == installation.script()


def test_a_link_gives_way_and_what_it_points_to_stays(place: placing.Placing) -> None:
    install(place)
    elsewhere = place.fragment.parent.parent / "elsewhere"
    place.fragment.rename(elsewhere)
    elsewhere.write_text("mine")
    place.fragment.symlink_to(elsewhere)
    assert f"{place.fragment}: was a link to {elsewhere}, which is as it was" in install(place)
    assert (place.fragment.is_symlink(), elsewhere.read_text(), kept(place.fragment)) == (False, "mine", [])


def test_a_copy_that_was_changed_is_not_written_over(place: placing.Placing) -> None:
    install(place)
    place.fragment.write_text("# mine\n")
    install(place)
    (copy,) = kept(place.fragment)
    copy.write_text("# a note")
    place.fragment.write_text("# mine\n")
    before = everything(place)
    with pytest.raises(errors.InstallationError, match=f"all is as it was: {copy}: File exists"):
        install(place)
    assert everything(place) == before


_OTHERS: dict[str, Callable[[pathlib.Path], object]] = {"folder": pathlib.Path.mkdir, "pipe": os.mkfifo}


@pytest.mark.parametrize("what", _OTHERS)
@pytest.mark.parametrize("which", ["mediator", "configuration", "fragment"])
def test_what_is_no_file_is_found_before_anything_is_written_and_the_mend_helps(
    place: placing.Placing, which: str, what: str
) -> None:
    install(place)
    place.mediator.write_text("older")
    path: pathlib.Path = getattr(place, which)
    path.unlink()
    _OTHERS[what](path)
    before = everything(place)
    with pytest.raises(errors.InstallationError, match="could not be installed whole") as caught:
        install(place)
    assert everything(place) == before
    said = str(caught.value)
    assert f"\n  {path}: is not a plain file; mend: mv -nT -- {path} {path}.old && niassa-orch sudoers" in said
    subprocess.run(["sh", "-c", said.rpartition("mend: ")[2].partition(" && ")[0]], check=True)
    install(place)
    assert path.is_file()
    assert path.with_name(f"{path.name}.old").exists()


def test_a_file_where_a_folder_belongs_is_named_and_nothing_is_written(place: placing.Placing) -> None:
    place.mediator.parent.parent.write_text("a file")
    before = everything(place)
    with pytest.raises(errors.InstallationError, match=f"{place.mediator.parent.parent}: is no folder; mend: mv"):
        install(place)
    assert everything(place) == before


_ROOT = pathlib.Path(__file__).parents[3]
#: ``install`` in a process of its own.
_INSTALL = """
import pathlib, sys
from tests.integration.admin import test_sudoers_install as tests
tests.install(tests.place_in(pathlib.Path(sys.argv[1])))
"""
#: In a mount namespace of its own; what is installed is the same outside. $0: the rules. What then cannot be done.
TROUBLE = {
    "rules cannot be renamed over": 'mount --bind "$0" "$0"',
    "no room beside the rules": 'd=$(dirname "$0"); mount --bind "$d" "$d" && mount -o remount,bind,ro "$d"',
}


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("was_there", [True, False])
def test_what_cannot_be_installed_whole_is_not_installed_at_all(
    place: placing.Placing, trouble: str, was_there: bool
) -> None:
    install(place)
    place.mediator.write_text("older")
    place.fragment.write_text("# older\n")
    place.mediator.parent.chmod(0o711)
    if not was_there:
        shutil.rmtree(place.mediator.parent.parent)
    before = everything(place)
    unshared = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'{TROUBLE[trouble]} && exec "$@"']
    argv = [sys.executable, "-c", _INSTALL, str(place.fragment.parent.parent)]
    done = subprocess.run(
        [*unshared, str(place.fragment), *argv], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    if done.stderr.startswith(("unshare: ", "mount: ")):
        pytest.skip(f"needs a mount namespace of its own: {done.stderr.strip()}")
    assert (done.returncode, done.stdout) == (1, ""), done
    assert f"InstallationError: nothing was installed, all is as it was: {place.fragment.parent}" in done.stderr
    assert everything(place) == before
