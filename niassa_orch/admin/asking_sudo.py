"""What sudo and visudo say of rules: asked as whoever we are, in the C locale, with an end to every wait.

Nothing here changes a rule, or runs what it asks about. Called by the looks and by the installation of the rules.
"""

import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Sequence

from niassa_orch.seqware import sudo_rules

# Where an administrator's PATH may lack the sbin folders.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Twenty of them may be a DNS server that is silent.
_PATIENCE_SECONDS = 60
_NEVER_ENDED = 124  # as ``timeout`` says it
_LISTED = re.compile(r"^ {4}(\(.*)$", re.MULTILINE)


def is_there(command: str) -> bool:
    """Whether this host has ``sudo`` or ``visudo``."""
    return shutil.which(command, path=_PATH) is not None


def knows_intercept() -> bool:
    """Whether this host's sudo knows the option ``intercept``; where there is no sudo, a new one is supposed."""
    return not is_there("sudo") or sudo_rules.knows_intercept(_run("sudo", "-V")[1])


def version() -> str:
    """What sudo says of itself, in a line; why not, where it cannot be asked."""
    return (_run("sudo", "-V")[1].splitlines() or ["says nothing"])[0]


def complaint(file: pathlib.Path | None = None) -> str | None:
    """What visudo has against one file, or against all that sudo reads; None when nothing."""
    words = ["-c"] if file is None else ["-cf", str(file)]
    code, said = _run("visudo", *words)
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.endswith("parsed OK")]
    return None if code == 0 else " / ".join(lines)[:500] or f"exit code {code}"


def files_read() -> frozenset[str]:
    """The files of rules that sudo reads, as visudo lists them; for root alone."""
    return frozenset(re.findall(r"^(/.*): parsed OK$", _run("visudo", "-c")[1], re.MULTILINE))


def granted(user: str) -> list[str]:
    """What ``user`` may do by all rules together, one line a rule; for root alone."""
    return _LISTED.findall(_run("sudo", "-n", "-l", "-U", user)[1])


def granted_to_us(seconds: float) -> list[str]:
    """What we may do without a password, one line a rule; nothing where sudo does not say it within ``seconds``."""
    return _LISTED.findall(_run("sudo", "-n", "-l", seconds=seconds)[1])


def refusal(user: str, argv: Sequence[str], seconds: float) -> str | None:
    """What sudo says when we ask whether we may run this as ``user``; ``None`` when we may.

    Raises:
        TimeoutError: It did not end within ``seconds``, and was ended.
    """
    code, said = _run("sudo", "-n", "-l", "-u", user, "--", *argv, seconds=seconds)
    if code == _NEVER_ENDED:
        raise TimeoutError
    return None if code == 0 else " / ".join(said.strip().splitlines())[:500]


def _run(*words: str, seconds: float = _PATIENCE_SECONDS) -> tuple[int, str]:
    """Exit code and words; 127 and why where the command could not be run, 124 where it did not end."""
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": _PATH, "LC_ALL": "C"},
            cwd="/",
            timeout=seconds,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as exc:
        return 127, f"{words[0]}: {os.strerror(exc.errno or 0)}"
    except subprocess.TimeoutExpired:
        return _NEVER_ENDED, f"{words[0]} did not end within {seconds:.0f} s"
    return done.returncode, done.stdout
