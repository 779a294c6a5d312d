"""What the state machine of launches holds against its world: whether a person is asked rightly, and records are true.

It knows what the engine really did and what of that the transcript lost; the product does not. Called by
``test_against_a_model``, whose own rules judge the rest.
"""

from niassa_orch.domain import jobs, runs, settling
from tests.fakes import stage as stages
from tests.unit.core import launch_world

R, J = runs.RunStatus, jobs.JobStatus
#: What a record may say in the end of a job in this status; a job that hangs has failed, to its user.
_TRUE_OF = {
    J.PREP: {R.RUNNING},
    J.RUNNING: {R.RUNNING},
    J.SUCCEEDED: {R.COMPLETED},
    J.FAILED: {R.FAILED},
    J.KILLED: {R.FAILED, R.CANCELLED},
    J.SUSPENDED: {R.FAILED},
}


def assert_asked_rightly(world: launch_world.World) -> None:
    """A launch is held only if its transcript is cut or Oozie has two jobs of it, and set aside only after its tries.

    What asks for everything is no less safe, and of no use.
    """
    engine = world.engine
    for launch in world.stage.journal.unsettled():
        accession = int(launch.accession)
        if launch.outcome is settling.Outcome.HELD:
            is_torn = (launch.transcript, accession) in engine.undecidable
            assert is_torn or accession in engine.doubled, f"held without need: {launch.reason}"
        if launch.outcome is settling.Outcome.SET_ASIDE:
            assert engine.begun[accession] >= stages.TRIES, "set aside too early"
            assert accession not in engine.jobs.values(), "set aside although it was launched"


def assert_true(world: launch_world.World, accession: int) -> None:
    """The record of a run that is settled says what Oozie says."""
    run = world.stage.service.run(accession)
    made = [job for job, of in world.engine.jobs.items() if of == accession]
    if not made:
        assert run.status in (R.FAILED, R.CANCELLED), f"lost: {run}"
        return
    assert run.status_cmd in made, f"a job that the record does not name: {run}"
    job = world.oozie.jobs[run.status_cmd or ""]
    assert job.status is not None
    assert run.status in _TRUE_OF[job.status], f"a lie: {run} of a job that is {job.status}"
