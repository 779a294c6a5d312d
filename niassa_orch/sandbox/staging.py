"""An installation that every Unix user of the host may run: this package and what it needs, copied to a root-owned
place.

A virtual environment in somebody's home is closed to other users; the demo with real users, and tests, need the service
to run as a user of its own. Called by ``demo_users`` and by tests.
"""

import dataclasses
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys

import niassa_orch
from niassa_orch import errors

_DISTRIBUTION = "niassa-orch"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class StagingError(errors.NiassaOrchError):
    """Other users cannot run the interpreter; the message says which would do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Staged:
    """How any user starts the staged ``niassa-orch``: ``argv``, and ``environment`` to be added."""

    argv: tuple[str, ...]
    environment: dict[str, str]


def stage(directory: pathlib.Path, uid: int) -> Staged:
    """Copy the package and its dependencies.

    Args:
        directory: A new folder below one that every user may enter.
        uid: A user who must be able to run it.

    Raises:
        StagingError: The user cannot run this interpreter.
    """
    directory.mkdir(mode=0o755)
    shutil.copytree(
        pathlib.Path(niassa_orch.__file__).parent,
        directory / "niassa_orch",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name in _needed():
        _copy(importlib.metadata.distribution(name), directory)
    interpreter = os.path.realpath(sys.executable)
    staged = Staged((interpreter, "-B", "-m", "niassa_orch"), {"PYTHONPATH": str(directory)})
    _compile(interpreter, staged.environment)
    probe = subprocess.run(
        [*staged.argv, "version"],
        user=uid,
        group=uid,
        extra_groups=[],
        cwd="/",
        env=staged.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode != 0:
        message = (
            f"other users cannot run {interpreter}: {probe.stderr.strip() or probe.returncode}; "
            "make the virtual environment with a system interpreter: make clean demo-users PYTHON=/usr/bin/python3.11"
        )
        raise StagingError(message)
    return staged


def _compile(interpreter: str, environment: dict[str, str]) -> None:
    """Compile once, as who owns it, what every start would otherwise compile anew: no other user may write there."""
    argv = [interpreter, "-m", "niassa_orch", "version"]
    subprocess.run(argv, cwd="/", env=environment, capture_output=True, umask=0o022, check=False)


def _needed() -> set[str]:
    """Names of the distributions that ours needs, directly or not, without extras."""
    found: set[str] = set()
    rest = [_DISTRIBUTION]
    while rest:
        for requirement in importlib.metadata.requires(rest.pop()) or ():
            match = _NAME.match(requirement)
            if match is None or "extra ==" in requirement or match[0].lower() in found or not _is_installed(match[0]):
                continue
            found.add(match[0].lower())
            rest.append(match[0])
    return found


def _is_installed(name: str) -> bool:
    """A requirement with a marker for other systems is not there."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _copy(distribution: importlib.metadata.Distribution, directory: pathlib.Path) -> None:
    for file in distribution.files or ():
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        target = directory / file
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copy(pathlib.Path(str(distribution.locate_file(file))), target)
        target.chmod(0o644)
