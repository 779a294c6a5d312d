"""Journal, launches and recovery against neighbours that lose any answer, and processes that die at any step.

Whatever happens, in whatever order: no run gets two jobs unless Oozie was asked twice by the JDK, none is lost, and no
record ends as a lie. ``LAUNCH_EXAMPLES=2000`` tries so many histories instead of a few.
"""

import os
import pathlib
import tempfile

import hypothesis
import pytest
from hypothesis import stateful
from hypothesis import strategies as st

from niassa_orch.domain import jobs, runs
from tests.fakes import calls, distance
from tests.fakes.engine_in_memory import Way
from tests.unit.core import launch_judge, launch_world

R, J = runs.RunStatus, jobs.JobStatus
_EXAMPLES = int(os.environ.get("LAUNCH_EXAMPLES") or 40)
#: Enough beats, each followed by hours, for all that waits.
_CALM_BEATS = 25
_ENGINE_LOCKED = "Exception in thread main: AlreadyLockedException"
_SUDO_REFUSED = "sudo: a password is required"
endings = st.sampled_from([True, True, False])
#: Of a transcript's end: nothing, a line break, its last record, its last lines, all.
cuts = st.sampled_from([0, 0, 0, 1, 100, 150, 200, 250, 1000])
numbers = st.integers(0, 100)
fates = st.lists(st.sampled_from(distance.Fate), max_size=6)
ways = st.lists(st.sampled_from(Way), min_size=2, max_size=2)
ends = st.sampled_from([J.SUCCEEDED, J.FAILED, J.KILLED, J.SUSPENDED])


class LaunchMachine(stateful.RuleBasedStateMachine):
    """What users, neighbours, administrators and the machine may do, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.world = launch_world.World(pathlib.Path(self.directory.name))
        self.mine: list[int] = []
        self.foreign: dict[int, dict[str, str]] = {}
        self.cancelled: set[int] = set()

    def teardown(self) -> None:
        try:
            self.ends_well()
        finally:
            self.world.close()
            self.directory.cleanup()

    @stateful.rule()
    def schedule(self) -> None:
        self.mine.append(1 + len(self.mine) + len(self.foreign))
        self.world.stage.service.schedule(self.mine[-1], workflowEngine="oozie")

    @stateful.rule(whose=st.sampled_from([{"ownerUserName": "eve@lab.net"}, {"host": "server3"}]))
    def somebody_else_schedules(self, whose: dict[str, str]) -> None:
        number = 1 + len(self.mine) + len(self.foreign)
        self.world.stage.service.schedule(number, R.SUBMITTED, **whose)
        self.foreign[number] = dict(self.world.stage.service.rows[runs.Accession(number)])

    @stateful.rule(web=fates, oozie=fates)
    def beat(self, web: list[distance.Fate], oozie: list[distance.Fate]) -> None:
        self.world.far_service.fates[:], self.world.far_oozie.fates[:] = web, oozie
        self.world.beat()
        self.world.pass_time(20)

    @stateful.rule(step=st.integers(1, 120))
    def the_process_is_killed_in_a_beat(self, step: int) -> None:
        self.world.beat_and_die(step)

    @stateful.rule()
    def the_process_is_killed(self) -> None:
        self.world.die()

    @stateful.rule(step=st.integers(0, 120), at_once=st.booleans())
    def the_process_is_stopped(self, step: int, *, at_once: bool) -> None:
        if step:
            self.schedule()
            self.world.launcher.forgive()
            self.world.beat_and_stop(step, at_once=at_once)
        self.world.stop(at_once=at_once)

    @stateful.precondition(lambda self: self.world.engine.living)
    @stateful.rule(how=ways, ended=endings, cut_bytes=cuts)
    def the_engine_works(self, how: list[Way], *, ended: bool, cut_bytes: int) -> None:
        (living,) = self.world.engine.living.values()
        self.world.engine.works(living, how, ended=ended, cut_bytes=cut_bytes)
        for accession in living.header.accessions:
            if self.status(int(accession)) is R.FAILED:
                self.cancelled.discard(int(accession))  # the engine overwrote it
        self.world.do(_nothing)

    @stateful.rule(
        how=ways,
        ended=endings,
        web=fates,
        oozie=fates,
        late=st.booleans(),
        cut_bytes=cuts,
        step=st.none() | st.integers(1, 60),
    )
    def a_run_is_launched(
        self,
        how: list[Way],
        web: list[distance.Fate],
        oozie: list[distance.Fate],
        step: int | None,
        cut_bytes: int,
        *,
        ended: bool,
        late: bool,
    ) -> None:
        """A whole launch, so that histories get somewhere; or one whose process dies over its verdict."""
        self.schedule()
        self.all_is_well()
        self.world.oozie.is_late = late
        self.world.launcher.forgive()
        self.world.beat()
        self.world.far_service.fates[:], self.world.far_oozie.fates[:] = web, oozie
        if step is not None:
            self.world.dies_at(step)
        if self.world.engine.living:
            self.the_engine_works(how, ended=ended, cut_bytes=cut_bytes)
        if step is not None:
            self.world.die()

    @stateful.precondition(lambda self: self.world.engine.living)
    @stateful.rule(
        said=st.sampled_from([[calls.REFUSED], [_SUDO_REFUSED], [calls.BEGIN, _ENGINE_LOCKED, calls.END], []])
    )
    def the_engine_is_never_reached(self, said: list[str]) -> None:
        (living,) = self.world.engine.living.values()
        self.world.engine.says(living, said)
        self.world.do(_nothing)

    @stateful.rule(web=st.booleans(), oozie=st.booleans(), late=st.booleans())
    def neighbours_come_and_go(self, *, web: bool, oozie: bool, late: bool) -> None:
        self.world.far_service.down, self.world.far_oozie.down, self.world.oozie.is_late = web, oozie, late

    @stateful.rule(seconds=st.sampled_from([1.0, 10.0, 60.0, 130.0, 3700.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @stateful.precondition(lambda self: self.world.engine.jobs)
    @stateful.rule(number=numbers, status=ends)
    def a_job_moves(self, number: int, status: jobs.JobStatus) -> None:
        job = list(self.world.engine.jobs)[number % len(self.world.engine.jobs)]
        if self.world.oozie.jobs[job].status in (J.RUNNING, J.PREP):
            self.world.oozie.becomes(job, status)

    @stateful.precondition(lambda self: self.mine)
    @stateful.rule(number=numbers)
    def a_user_cancels(self, number: int) -> None:
        accession = self.mine[number % len(self.mine)]
        if self.status(accession) in (R.SUBMITTED, R.PENDING, R.RUNNING):
            self.world.stage.service.sets(accession, status=R.SUBMITTED_CANCEL)()
            self.cancelled.add(accession)

    @stateful.precondition(lambda self: self.mine)
    @stateful.rule(number=numbers)
    def a_user_retries(self, number: int) -> None:
        accession = self.mine[number % len(self.mine)]
        if self.status(accession) in (R.FAILED, R.CANCELLED):
            self.world.stage.service.sets(accession, status=R.SUBMITTED_RETRY)()
            self.cancelled.discard(accession)

    @stateful.rule()
    def an_administrator_resolves_what_is_held(self) -> None:
        for launch in self.world.stage.journal.unsettled():
            if launch.outcome is not None and launch.outcome.needs_person:
                self.world.resolve(launch)

    @stateful.invariant()
    def no_run_has_two_jobs(self) -> None:
        made = list(self.world.engine.jobs.values())
        for accession in set(made):
            assert made.count(accession) <= 1 + (accession in self.world.engine.doubled), "launched twice"

    @stateful.invariant()
    def a_person_is_asked_only_what_nobody_else_can_tell(self) -> None:
        launch_judge.assert_asked_rightly(self.world)

    @stateful.invariant()
    def what_is_not_ours_is_as_it_was(self) -> None:
        rows = self.world.stage.service.rows
        assert {number: rows[runs.Accession(number)] for number in self.foreign} == self.foreign
        assert not set(self.world.engine.jobs.values()) & set(self.foreign)

    @stateful.invariant()
    def a_cancel_of_a_user_stands(self) -> None:
        for accession in self.cancelled:
            assert self.status(accession) not in (R.SUBMITTED, R.PENDING, R.RUNNING, R.SUBMITTED_RETRY)

    def status(self, accession: int) -> runs.RunStatus | None:
        return self.world.stage.service.run(accession).status

    def all_is_well(self) -> None:
        """Every neighbour answers, and at once."""
        for far in (self.world.far_service, self.world.far_oozie):
            far.down = False
            far.fates.clear()
        self.world.oozie.is_late = False

    def ends_well(self) -> None:
        """All is well again, and time passes: every run is launched, was ended for a reason, or a person is asked.

        A person then says what is so; after that nothing is open, for anybody.
        """
        world = self.world
        self.all_is_well()
        self.pass_calmly()
        asked = {int(launch.accession) for launch in world.stage.journal.unsettled()}
        assert asked == {int(accession) for accession in world.stage.line.held}, "neither settled nor told"
        self.an_administrator_resolves_what_is_held()
        self.pass_calmly()
        assert not world.stage.journal.unsettled(), "a person said what is so, in vain"
        for accession in self.mine:
            launch_judge.assert_true(world, accession)

    def pass_calmly(self) -> None:
        """Hours of beats, with an engine that works well."""
        world = self.world
        for _ in range(_CALM_BEATS):
            world.beat()
            for living in list(world.engine.living.values()):
                world.engine.works(living, [Way.WELL] * len(living.header.accessions))
                world.do(_nothing)
            world.pass_time(7200)
        self.no_run_has_two_jobs()
        self.a_person_is_asked_only_what_nobody_else_can_tell()
        self.what_is_not_ours_is_as_it_was()
        self.a_cancel_of_a_user_stands()


async def _nothing() -> None:
    """Only let everything come to rest."""


LaunchMachine.TestCase.settings = hypothesis.settings(max_examples=_EXAMPLES, stateful_step_count=40, deadline=None)
# A history that fails is made shorter for minutes before it is shown.
test_launches_and_recovery_do_what_the_model_allows = pytest.mark.timeout(600 + _EXAMPLES)(LaunchMachine.TestCase)
