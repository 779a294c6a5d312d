"""Engine calls without an engine: transcripts that say what a test wants said, and a mediator that is a tiny script."""

import json
import pathlib
from collections.abc import Sequence

BEGIN = '{"niassa_orch_mediator": 1, "record": "begin", "call": "n0nce", "command": ["/opt/seqware"]}'
END = '{"niassa_orch_mediator": 1, "record": "end", "call": "n0nce", "exit_code": 0, "timed_out": false}'
REFUSED = '{"niassa_orch_mediator": 1, "record": "refused", "refused": "no settings file"}'


_NO_CRONTAB = '{"niassa_orch_mediator": 1, "record": "crontab", "installed": true, "text": "", "scripts": []}'
_ASKED = ("lock", "probe", "texts")


def launching(accession: int, directory: str | None = None, job: str | None = None) -> list[str]:
    """The engine's lines about one run."""
    lines = [f"Working Run: {accession}", f"Launching via new launcher: {accession}"]
    lines += [f"Using working directory: {directory}"] if directory else []
    return lines + ([f"Submitted Oozie job: {job}"] if job else [])


def whole(*lines: str) -> list[str]:
    """The lines of a call that ended as it should."""
    return [BEGIN, *lines, END]


def mediator(path: pathlib.Path, lines: Sequence[str], *, gate: pathlib.Path | None = None) -> pathlib.Path:
    """A program that notes how it was called in ``path.log``, waits at the gate, and says the lines.

    Asked who holds the engine's locks, whether Oozie is well, for texts, and to propagate, it says what ``locks``,
    ``oozie``, ``texts`` and ``propagated`` wrote; without that it does not understand the question. A propagation waits
    at the gate too. Its user has no crontab but what ``crontab`` wrote; looks at that are not noted.

    Args:
        path: Where it goes.
        lines: What it says.
        gate: With ``-`` and the first accession a named pipe; the call waits there until somebody writes a line.
    """
    asked = "".join(f'[ "$1" = {verb} ] && [ -e {path}.{verb} ] && exec cat {path}.{verb}\n' for verb in _ASKED)
    wait = f"read line < {gate}-$2\n" if gate else ""
    moves = f"[ -e {path}.probe-later ] && mv {path}.probe-later {path}.probe"
    asked += wait + f'[ "$1" = propagate ] && [ -e {path}.propagated ] && {{ {moves}; cat {path}.propagated; exit; }}\n'
    said = "\n".join(lines)
    looks = f'[ "$1" = crontab ] && [ -e {path}.crontab ] && exec cat {path}.crontab\n'
    looks += f"[ \"$1\" = crontab ] && echo '{_NO_CRONTAB}' && exit\n"
    path.write_text(f"#!/bin/sh\n{looks}echo \"$@\" >> {path}.log\n{asked}cat <<'END'\n{said}\nEND\n")
    path.chmod(0o755)
    return path


def locks(path: pathlib.Path, *held: tuple[str, int | None, str]) -> None:
    """What the mediator says of the engine's locks from now on: name, holder and command of each."""
    listed = [dict(zip(("name", "pid", "command"), one, strict=True)) for one in held]
    record = {"niassa_orch_mediator": 1, "record": "lock", "held": listed}
    pathlib.Path(f"{path}.lock").write_text(json.dumps(record) + "\n")


def crontab(path: pathlib.Path, text: str | None, *, installed: bool = True) -> None:
    """What the mediator says of the user's crontab from now on; ``None``: nothing that can be understood."""
    record = {"niassa_orch_mediator": 1, "record": "crontab", "installed": installed, "text": text, "scripts": []}
    pathlib.Path(f"{path}.crontab").write_text(json.dumps(record) + "\n" if text is not None else "garbage\n")


def oozie(path: pathlib.Path, error: str = "", *, later: bool = False) -> None:
    """What the mediator says of Oozie from now on, or ``later``, once it has propagated."""
    record: dict[str, object] = {"niassa_orch_mediator": 1, "record": "probe", "status": None}
    record |= {"error": error} if error else {"versions": [0, 1, 2]}
    pathlib.Path(f"{path}.probe-later" if later else f"{path}.probe").write_text(json.dumps(record) + "\n")


def texts(path: pathlib.Path, accession: int, **said: str) -> None:
    """What the mediator says of a run's only step from now on: its texts by stream, ``e`` and ``o``."""
    file = {"step": "a", "number": 1, "mtime": 0, "cut": False}
    files = [file | {"name": f"a.{one}1", "stream": one, "size": 9, "kept": 9, "text": said[one]} for one in said]
    pathlib.Path(f"{path}.texts").write_text(json.dumps({"accession": accession, "files": files}) + "\n")


def propagated(path: pathlib.Path, exit_code: int = 0, *, timed_out: bool = False, locked: bool = False) -> None:
    """What the mediator says of the engine's propagations from now on."""
    record = {"exit_code": exit_code, "timed_out": timed_out, "locked": locked, "seconds": 1.5}
    pathlib.Path(f"{path}.propagated").write_text(json.dumps({"niassa_orch_mediator": 1, **record}) + "\n")


def calls_of(path: pathlib.Path) -> list[str]:
    """How the mediator was called: verb and accessions of each call."""
    log = pathlib.Path(f"{path}.log")
    return log.read_text().splitlines() if log.exists() else []
