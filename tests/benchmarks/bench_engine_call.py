"""What one engine call of ours costs beside a bare ``sudo -n -H -u USER -- /bin/true``, in turns, and which part does.

With real sudo to a Unix user that is made for it and removed: needs root, else it says that it skipped. The engine is
``/bin/true``. Prints, asserts nothing.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_engine_call``.
"""

import asyncio
import collections
import dataclasses
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.core import calling, enrolling
from niassa_orch.domain import runs, settling
from niassa_orch.journal import records
from niassa_orch.sandbox import unix_users
from niassa_orch.seqware import identity, installation, transcript
from tests.fakes import stage as stages

ROUNDS = 60
PYTHON = "/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists() else sys.executable
PARTS = ("intent in the journal", "transcript, fork of sudo", "sudo, mediator, engine", "verdict read and written")


@dataclasses.dataclass(frozen=True, slots=True)
class Bench:
    """A stage whose one account is a real Unix user, and all times in seconds, by what was done."""

    stage: stages.Stage
    known: enrolling.Enrolled
    times: collections.defaultdict[str, list[float]]

    def bare(self, name: str, *words: str) -> None:
        """One call of sudo without us."""
        argv = [*identity.SUDO, self.known.identity.unix_user, "--", *words]
        self.timed(name, argv)

    def timed(self, name: str, argv: Sequence[str]) -> None:
        """One process from its start to its end."""
        began = time.perf_counter()
        subprocess.run(
            argv, check=True, stdin=subprocess.DEVNULL, capture_output=True, cwd="/", env={"PATH": os.defpath}
        )
        self.times[name].append(time.perf_counter() - began)

    async def call(self, accession: int) -> None:
        """One engine call as the core makes it, from the intent to the verdict."""
        run = self.stage.service.schedule(accession)
        moments = [time.perf_counter()]
        attempt = await self.stage.intents.intend(self.known, "launch", [run])
        moments.append(time.perf_counter())
        await calling.make(attempt, "launch", self.stage.journal)
        moments.append(time.perf_counter())
        await calling.wait_until_over(attempt)
        moments.append(time.perf_counter())
        with attempt.transcript.open("rb") as stream:
            seen = transcript.parse(stream, attempt.header.accessions)
        launch = attempt.launches[runs.Accession(accession)]
        await self.stage.journal.settle(launch, records.Settled(settling.Outcome.CLEAN, "a benchmark"))
        self.stage.state.settle(attempt.transcript)
        moments.append(time.perf_counter())
        if not seen.ended:
            message = f"the call did not work: {seen}"
            raise RuntimeError(message)
        for part, began, ended in zip(PARTS, moments, moments[1:], strict=False):
            self.times[part].append(ended - began)
        self.times["whole call"].append(moments[-1] - moments[0])


async def measure(stage: stages.Stage, users: unix_users.UnixUsers) -> None:
    """All rounds, each with everything once, so that the machine's moods meet all."""
    who = identity.Identity(users["bench"].name)
    mediator = installation.install(users.owned, installation.MediatorConfiguration(("/bin/true",)))
    known = dataclasses.replace(stage.known, identity=who, mediator=mediator)
    bench = Bench(stage, known, collections.defaultdict(list))
    for number in range(1, ROUNDS + 1):
        bench.bare("sudo /bin/true", "/bin/true")
        bench.bare("sudo python3 -I -c pass", PYTHON, "-I", "-c", "pass")
        bench.bare("sudo mediator version", str(mediator), "version")
        bench.bare("sudo mediator launch", str(mediator), "launch", str(number))
        bench.timed("python3 -I -c pass", [PYTHON, "-I", "-c", "pass"])
        bench.timed("python3 -I -S -c pass", [PYTHON, "-I", "-S", "-c", "pass"])
        bench.timed("python3 -I, mediator's imports", [PYTHON, "-I", "-c", _imports(mediator)])
        bench.timed(
            "python3 -I, mediator compiled",
            [PYTHON, "-I", "-c", f"compile(open({str(mediator)!r}).read(), 'm', 'exec')"],
        )
        await bench.call(number)
    tell(bench.times)


def _imports(mediator: pathlib.Path) -> str:
    lines = mediator.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line.startswith("import "))


def tell(times: dict[str, list[float]]) -> None:
    """The figures, and the ratio."""
    print(f"medians of {ROUNDS} rounds, everything once in each")
    for name, taken in times.items():
        ordered = sorted(taken)
        print(f"  {name:32}{statistics.median(ordered) * 1e3:8.1f} ms   (best {ordered[0] * 1e3:.1f})")
    bare, ours = statistics.median(times["sudo /bin/true"]), statistics.median(times["whole call"])
    print(f"  ratio of a whole call to a bare sudo call {ours / bare:.1f}, overhead {(ours - bare) * 1e3:.1f} ms")


def main() -> None:
    """Make the user, measure, remove the user."""
    if (reason := unix_users.skip_reason()) is not None:
        print(f"skipped: {reason}")
        return
    with unix_users.unix_users("bench") as users, tempfile.TemporaryDirectory(prefix="niassa-orch-bench-") as directory:
        user = users["bench"]
        file = user.home / ".seqware" / "settings"
        file.parent.mkdir()
        file.write_text("SW_REST_USER=bench@lab.net\n", "utf-8")
        for path in (file, file.parent):
            os.chown(path, user.uid, user.gid)
        stage = stages.Stage(pathlib.Path(directory))
        try:
            asyncio.run(measure(stage, users))
        finally:
            stage.close()


if __name__ == "__main__":
    main()
