"""A truthful administrator: looks at what the service shows to a person, looks into Oozie's books, and says how it is.

What he is asked about must be a case that only a person can know: a call whose guardian was killed, a whitestar call of
which a process died, a run whose launches came to nothing three times. Anything else is a finding. Used by ``crashes``.
"""

import asyncio
import collections
import contextlib
import json
import pathlib

from tests.acceptance import books, crash_books, crash_calls, crash_users, stages

_ROUND_SECONDS = 15.0
_ATTEMPTS_BEFORE_SET_ASIDE = 3
#: Outcomes that wait for a person.
_FOR_A_PERSON = ("held", "set aside")
_COMMAND_SECONDS = 60
#: Whose death leaves a call without its last line.
_CUTTING = ("guardian", crash_calls.ALL)


class Administrator:
    """The administrator of one stage.

    Args:
        stage: That is up.
        asked: The users there.
        reaper: What was killed of engine calls.
    """

    def __init__(self, stage: stages.Stage, asked: crash_users.Users, reaper: crash_calls.Reaper) -> None:
        self.findings: dict[tuple[int, str], crash_books.Finding] = {}
        self.said: collections.Counter[str] = collections.Counter()
        self._stage = stage
        self._users = asked
        self._reaper = reaper

    async def live(self, stopped: asyncio.Event) -> None:
        """Make a round now and then until stopped."""
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ROUND_SECONDS):
                    await stopped.wait()
                    return
            await self.make_round()

    async def make_round(self) -> list[books.Record]:
        """Say what is known of each launch that waits for a person; returns what the service showed."""
        doubts = await self._doubts()
        for doubt in doubts:
            if doubt["outcome"] in _FOR_A_PERSON:
                self._judge(doubt)
                await self._resolve(doubt)
        return doubts

    async def _doubts(self) -> list[books.Record]:
        output, code = await self._command("doubts", "--json")
        assert code == 0, output
        doubts: list[books.Record] = json.loads(output)
        return doubts

    async def _resolve(self, doubt: books.Record) -> None:
        accession = doubt["accession"]
        jobs = await self._stage.oozie.jobs(accession)
        if self._is_half_done(accession):
            self._users.left_to_a_person.add(accession)
        elif len(jobs) < 2:  # two are a finding of the judge's
            word = ("--launched", jobs[0]["id"]) if jobs else ("--relaunch",)
            _, code = await self._command("resolve", str(accession), *word, "--yes")
            # A user, or the service, may have settled it since it was shown; it is looked at again.
            self.said[f"resolved {word[0]}"] += code == 0

    def _is_half_done(self, accession: int) -> bool:
        """Whether whitestar began it and will not end it, however often it is launched, or has done a part of it."""
        plan = self._users.scheduled[accession][1]
        return plan.is_for_a_person or bool(crash_books.executions(self._stage).get(accession))

    async def _command(self, *words: str) -> tuple[str, int]:
        asked = await self._stage.start(*words)
        try:
            code = await asked.ended(_COMMAND_SECONDS)
            return asked.text, code
        finally:
            await asked.kill()

    def _judge(self, doubt: books.Record) -> None:
        if not self.is_right(doubt):
            accession = doubt["accession"]
            what = f"{self._users.scheduled[accession][1]}: {doubt['outcome']}: {doubt['reason']}"
            self.findings[accession, what] = crash_books.Finding("held", accession, what)

    def is_right(self, doubt: books.Record) -> bool:
        """Whether a launch is one that only a person can know."""
        struck = self._reaper.struck.get(pathlib.Path(doubt["transcript"]).name)
        reason, plan = doubt["reason"], self._users.scheduled[doubt["accession"]][1]
        if doubt["outcome"] == "set aside":
            return bool(reason) and self._calls_for(doubt["accession"]) >= _ATTEMPTS_BEFORE_SET_ASIDE
        if plan.engine == "whitestar":
            return reason.startswith("whitestar began it") and (plan.is_for_a_person or struck is not None)
        return reason.startswith("the transcript is cut") and struck in _CUTTING

    def _calls_for(self, accession: int) -> int:
        return sum(accession in _accessions(one) for one in self._stage.transcripts())


def _accessions(transcript: pathlib.Path) -> list[int]:
    with contextlib.suppress(FileNotFoundError), transcript.open("rb") as stream:  # put away meanwhile
        accessions: list[int] = json.loads(stream.readline() or b"{}").get("accessions", [])
        return accessions
    return []
