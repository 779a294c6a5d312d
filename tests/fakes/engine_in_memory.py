"""An engine without processes: it stands where the core calls ``seqware.call``, and writes real transcripts.

A call that was started lives until ``works`` says what it comes to. As with real ones, a start that was begun goes on
when who waits for it is cancelled, takes a while until there is a transcript, and dies with the process that makes it;
a call that lives does not. What the engine does to the web service and to Oozie, it does to their books.
"""

import asyncio
import collections
import dataclasses
import enum
import pathlib
from collections.abc import Sequence

from niassa_orch.domain import runs
from niassa_orch.seqware import call
from tests.fakes import calls, neighbours_in_memory

R = runs.RunStatus
#: So often others get a turn between the wish to start a call and its transcript, and again until it is started.
_TURNS = 60


class Way(enum.Enum):
    """What becomes of one run of a call, as the real engine has it."""

    WELL = "well"
    FAILS = "fails before a job exists"
    DIES_BEFORE = "dies before the submission"
    DIES_AFTER = "dies after the submission, without a word"
    DIES_SAYING = "dies right after it said the job"
    FAILED_OVER_JOB = "writes failed over a job that runs"
    NOTHING_OVER_JOB = "writes nothing although the job runs"
    LOSES_ANSWER = "loses Oozie's answer, and writes failed"
    DOUBLES = "the JDK repeats the submission"


#: After these, nothing of the call works any more.
_DEADLY = frozenset({Way.DIES_BEFORE, Way.DIES_AFTER, Way.DIES_SAYING})
_REACH_OOZIE = frozenset(Way) - {Way.FAILS, Way.DIES_BEFORE}
_SAY_JOB = frozenset({Way.WELL, Way.DIES_SAYING, Way.FAILED_OVER_JOB, Way.NOTHING_OVER_JOB})
_WRITE_FAILED = frozenset({Way.FAILS, Way.FAILED_OVER_JOB, Way.LOSES_ANSWER})


@dataclasses.dataclass(slots=True)
class LivingCall:
    """A call that lives: what was asked for, and where it writes. Speaks as ``call.EngineCall``."""

    transcript: pathlib.Path
    header: call.CallHeader
    over: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    #: Beyond any that the kernel gives.
    pid: int = 1 << 30

    async def wait(self) -> None:
        """Wait until it is over."""
        await self.over.wait()


class EngineInMemory:
    """Speaks as the module ``seqware.call``.

    Args:
        service: Whose runs it launches.
        oozie: Where it submits jobs.
    """

    def __init__(
        self, service: neighbours_in_memory.WebServiceInMemory, oozie: neighbours_in_memory.OozieInMemory
    ) -> None:
        self._service = service
        self._oozie = oozie
        self._process = 0
        self._made: dict[pathlib.Path, LivingCall] = {}
        self.starting = 0
        self.clashes: list[call.CallHeader] = []
        self.living: dict[pathlib.Path, LivingCall] = {}
        self.jobs: dict[str, int] = {}
        self.doubled: set[int] = set()
        #: Transcript and run, where nobody can tell from the transcript how far the engine came.
        self.undecidable: set[tuple[str, int]] = set()
        #: How often the engine began each run.
        self.begun: collections.Counter[int] = collections.Counter()

    async def start(self, _argv: Sequence[str], transcript: pathlib.Path, header: call.CallHeader) -> LivingCall:
        """Start a call; the start goes on whatever becomes of who waits for it, but dies with its process."""
        loop = asyncio.get_running_loop()
        started: asyncio.Future[None] = loop.create_future()
        process = self._process

        def go_on(turns: int) -> None:
            if process != self._process:
                return
            if turns == 0:
                self.clashes += [one.header for one in self.living.values() if one.header.unix_user == header.unix_user]
                transcript.write_bytes(header.to_line())
                self.living[transcript] = self._made[transcript] = LivingCall(transcript, header)
            if turns > -_TURNS:
                loop.call_soon(go_on, turns - 1)
            else:
                self.starting -= 1
                if not started.done():
                    started.set_result(None)

        self.starting += 1
        go_on(_TURNS)
        await started
        return self._made[transcript]

    def is_held(self, transcript: pathlib.Path) -> bool:
        """Whether the call lives."""
        transcript.stat()
        return transcript in self.living

    async def wait_until_free(self, transcript: pathlib.Path) -> None:
        """Wait until the call is over."""
        if self.is_held(transcript):
            await self.living[transcript].over.wait()

    def lose_starts(self) -> None:
        """The process that starts calls dies."""
        self._process += 1
        self.starting = 0

    def works(self, living: LivingCall, ways: Sequence[Way], *, ended: bool = True, cut_bytes: int = 0) -> None:
        """Let a call come to its end: one way a run, in their order.

        Args:
            living: The call.
            ways: What becomes of each of its runs; after a deadly one there is nothing more.
            ended: Whether the mediator lives to write its last record.
            cut_bytes: So much of the end of the transcript is lost; the mediator's first record is there before the
                engine is called.
        """
        lines = [calls.BEGIN]
        # The engine lists once, and passes over without a word what is not submitted then.
        listed = [one for one in living.header.accessions if self._service.run(one).status is R.SUBMITTED]
        for accession, way in zip(listed, ways, strict=False):
            lines += self._launch(int(accession), way)
            if way in _DEADLY:
                break
        self.says(living, [*lines, calls.END] if ended else lines, cut_bytes=cut_bytes)

    def says(self, living: LivingCall, lines: Sequence[str], *, cut_bytes: int = 0) -> None:
        """Let a call say just this, and end."""
        said = "".join(f"{line}\n" for line in lines).encode()
        whole = len(lines[0]) + 1 if lines else 0
        with living.transcript.open("ab") as stream:
            kept = said[: max(whole, len(said) - cut_bytes)]
            stream.write(kept)
        self._remember(living, lines, kept.decode())
        del self.living[living.transcript]
        living.over.set()

    def _remember(self, living: LivingCall, lines: Sequence[str], kept: str) -> None:
        """What a cut transcript leaves open: whatever had not come to a working directory by its last whole line."""
        whole = kept[: kept.rfind("\n") + 1].splitlines()
        if not lines or lines[0] != calls.BEGIN or calls.END in whole:
            return
        told = {one for one in living.header.accessions if any(_names_place(line, one) for line in whole)}
        self.undecidable |= {(living.transcript.name, int(one)) for one in set(living.header.accessions) - told}

    def _launch(self, accession: int, way: Way) -> list[str]:
        directory = f"/scratch/oozie-{len(self.jobs)}-{accession}"
        self.begun[accession] += 1
        job = None
        if way in _REACH_OOZIE:
            job = self._submit(accession, directory)
        if way is Way.DOUBLES:
            self.doubled.add(accession)
            self._submit(accession, directory)
        self._write(accession, way, directory, job)
        if way is Way.FAILS:
            return calls.launching(accession)
        return calls.launching(accession, directory, job if way in _SAY_JOB else None)

    def _submit(self, accession: int, directory: str) -> str:
        job = f"{len(self.jobs)}-oozie-W"
        self.jobs[job] = accession
        self._oozie.start(job, app_path=f"hdfs://nn/apps/{pathlib.PurePath(directory).name}")
        return job

    def _write(self, accession: int, way: Way, directory: str, job: str | None) -> None:
        row = self._service.rows[runs.Accession(accession)]
        if way is Way.WELL and job is not None:
            row |= {"statusCmd": job, "currentWorkingDir": directory, "status": R.PENDING}
        elif way in _WRITE_FAILED:
            row["status"] = R.FAILED


def _names_place(line: str, accession: runs.Accession) -> bool:
    return line.startswith("Using working directory: ") and line.endswith(f"-{accession}")
