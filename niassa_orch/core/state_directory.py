"""The state directory: the journal, the transcripts of engine calls, and the lock that keeps a second instance off.

A transcript lies in ``calls/open`` until every accession of its call is settled; then it moves to ``calls/settled``.
The journal, not the folder, says what is settled. Only the service reads here: mode 0700.
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import stat
import time

from niassa_orch import errors

LEAST_FREE_BYTES = 32 << 20
_SETTLED_KEPT_SECONDS = 30 * 24 * 3600


class StateDirectory:
    """Folders and names below ``state_dir``; open it once, before anything is launched.

    Args:
        path: ``state_dir`` of the settings.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._open = path / "calls" / "open"
        self._settled = path / "calls" / "settled"
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folders and take the lock, which lasts as long as this process.

        A directory that is whole already may be read-only: launches wait until the journal can be written, and
        propagation needs nothing here.

        Raises:
            SettingsError: The directory cannot be used, or another instance uses it.
        """
        try:
            for folder in (self.path, self._open.parent, self._open, self._settled):
                _make_private(folder)
            lock = _open_lock(self.path / "lock")
        except OSError as exc:
            message = (
                f"state_dir {self.path} cannot be used: {exc.strerror}; make it a directory that this user can write to"
            )
            raise errors.SettingsError(message) from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(lock)
            message = f"another niassa-orch uses state_dir {self.path}; stop it, or give this one its own state_dir"
            raise errors.SettingsError(message) from exc
        self._lock = lock
        self._prune()

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def transcript(self, account: str, call_id: str) -> pathlib.Path:
        """Where the transcript of a new call goes."""
        return self._open / f"{account}--{call_id}.transcript"

    def check_room(self) -> None:
        """Look at the room for transcripts and the journal, before a call that must be able to write its last line.

        Raises:
            JournalError: There is too little, or it cannot be known.
        """
        try:
            room = os.statvfs(self.path)
        except OSError as exc:
            message = f"state_dir {self.path} cannot be looked at: {exc.strerror}; nothing is launched until it can"
            raise errors.JournalError(message) from exc
        free_bytes = room.f_bavail * room.f_frsize
        if free_bytes < LEAST_FREE_BYTES:
            least = f"nothing is launched below {LEAST_FREE_BYTES >> 20} MiB"
            message = f"state_dir {self.path} has {free_bytes >> 20} MiB left; {least}"
            raise errors.JournalError(message)

    def why_no_new_journal(self) -> str:
        """Why a journal that is absent must not be begun anew; ``""`` when nothing speaks against it."""
        if not self.open_transcripts():
            return ""
        return (
            f"{self._open} has transcripts of launches that it would know: put the journal back; or look what became "
            f"of each, and move it to {self._settled}"
        )

    def open_transcripts(self) -> tuple[pathlib.Path, ...]:
        """All transcripts that were not put away."""
        return tuple(sorted(self._open.glob("*.transcript")))

    def open_names(self) -> tuple[str, ...]:
        """The names of all transcripts that were not put away."""
        return tuple(transcript.name for transcript in self.open_transcripts())

    def open_transcript(self, name: str) -> pathlib.Path:
        """Where the transcript of a call lies that is not settled."""
        return self._open / name

    def settle(self, transcript: pathlib.Path) -> None:
        """Put a transcript away, all of whose accessions are settled; one that cannot be moved stays where it is."""
        with contextlib.suppress(OSError):
            transcript.rename(put_away(transcript))

    @property
    def journal(self) -> pathlib.Path:
        """The journal's file."""
        return self.path / "journal.sqlite"

    def mediator(self, account: str) -> pathlib.Path:
        """Where the mediator of an account of our own Unix user is installed."""
        return self.path / "mediators" / account

    def _prune(self) -> None:
        ages = {transcript: transcript.stat().st_mtime for transcript in self._settled.glob("*.transcript")}
        # A clock that is far ahead must not remove everything: nothing is older than the newest file says.
        oldest = min(time.time(), max(ages.values(), default=0)) - _SETTLED_KEPT_SECONDS
        for transcript, written in ages.items():
            if written < oldest:
                with contextlib.suppress(OSError):
                    transcript.unlink()


def put_away(transcript: pathlib.Path) -> pathlib.Path:
    """Where a transcript goes, or went, once its call is settled."""
    return transcript.parents[1] / "settled" / transcript.name


def is_used(path: pathlib.Path) -> bool:
    """Whether an instance holds the lock, as the kernel lists it: taking it, though for a moment, would disturb one."""
    with contextlib.suppress(OSError):
        status = (path / "lock").stat()
        name = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        held = pathlib.Path("/proc/locks").read_text("ascii").splitlines()
        return any("FLOCK" in (words := line.split()) and name in words for line in held)
    return False


def _make_private(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Whatever the umask is, and also when somebody made it before us.
    if stat.S_IMODE(folder.stat().st_mode) != stat.S_IRWXU:
        folder.chmod(stat.S_IRWXU)


def _open_lock(file: pathlib.Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        if exc.errno != errno.EROFS or not file.exists():
            raise
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
