"""Puts the mediator and its configuration in place.

The administrator (and the sandbox, as root) installs it root-owned at ``DEFAULT_MEDIATOR``; for an account whose Unix
user is our own the service installs it into its own state directory. Whoever can write to that directory decides what
runs as the accounts, so it must belong to root where sudo names the mediator; the mediator checks that itself.
"""

import collections.abc
import dataclasses
import json
import os
import pathlib
import stat
import sys
import tempfile

#: The names of the two files, which belong into one directory.
MEDIATOR, CONFIGURATION = "mediator", "mediator.json"
DEFAULT_MEDIATOR = pathlib.Path("/usr/local/libexec/niassa-orch/mediator")

_INTERPRETER = pathlib.Path("/usr/bin/python3")
_SOURCE = pathlib.Path(__file__).with_name("mediator.py")


@dataclasses.dataclass(frozen=True, slots=True)
class MediatorConfiguration:
    """What ``mediator.json`` holds: what the mediator runs, for whom and for how long. No secrets.

    Args:
        command: The seqware command, absolute path first.
        settings_file: The seqware settings of each Unix user; ``~/`` is that user's home.
        deadline_seconds: After this long a launch is killed, with all its descendants.
        whitestar_deadline_seconds: The same for ``launch-whitestar``, whose calls last as long as the workflow.
        propagate_deadline_seconds: The same for ``propagate``, of which nothing is lost when it is killed.
        kill_grace_seconds: Between SIGTERM and SIGKILL.
        max_accessions: In one call.
        most_transcript_bytes: A launch whose output grows beyond this is ended as at its deadline. A transcript of
            more than ``transcript.MOST_BYTES`` is not read, and its runs wait for a person: stay below.
        path: The engine's ``PATH``.
        java_home: The engine's ``JAVA_HOME``, or ``""`` for none.
        allow_root: Lets the mediator run as root; only for a sandbox in which everything is root's.
        users: By Unix user, what is different for that user: keys as above.
    """

    command: tuple[str, ...]
    settings_file: str = "~/.seqware/settings"
    deadline_seconds: float = 900
    whitestar_deadline_seconds: float = 604_800
    propagate_deadline_seconds: float = 300
    kill_grace_seconds: float = 10
    max_accessions: int = 50
    most_transcript_bytes: int = 268_435_456
    path: str = "/usr/local/bin:/usr/bin:/bin"
    java_home: str = ""
    allow_root: bool = False
    users: collections.abc.Mapping[str, collections.abc.Mapping[str, object]] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """The text of ``mediator.json``."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["command"] = list(self.command)
        fields["users"] = {user: dict(overrides) for user, overrides in self.users.items()}
        return json.dumps(fields, indent=2) + "\n"


def install(directory: pathlib.Path, configuration: MediatorConfiguration) -> pathlib.Path:
    """Write ``mediator`` (0755) and ``mediator.json`` (0644) into ``directory`` (0755); returns the mediator's path.

    Each file appears whole or not at all, so a call that starts meanwhile sees the old one or the new one. What is
    there already is left as it is, so that a full disk does not matter then. Raises OSError when the directory cannot
    be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if stat.S_IMODE(directory.stat().st_mode) != 0o755:
        directory.chmod(0o755)
    put(directory / CONFIGURATION, configuration.to_json(), 0o644)
    mediator = directory / MEDIATOR
    put(mediator, script(), 0o755)
    return mediator


def script() -> str:
    """The mediator's source, with an interpreter that exists here: what ``install`` writes."""
    source = _SOURCE.read_text("utf-8")
    if _INTERPRETER.exists():
        return source
    return f"#!{sys.executable} -I\n" + source.split("\n", 1)[1]


def put(path: pathlib.Path, text: str, mode: int) -> None:
    """Write one file of ours, whole or not at all; one that says just that already is left alone. Raises OSError."""
    if is_written(path, text, mode):
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = pathlib.Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def is_written(path: pathlib.Path, text: str, mode: int) -> bool:
    """Whether a plain file of ours says just that, and only those may run or change it who should."""
    try:
        status = path.lstat()
        plain = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        return plain and stat.S_IMODE(status.st_mode) == mode and path.read_bytes() == text.encode()
    except OSError:
        return False
