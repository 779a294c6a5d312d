"""Why a run is where it is, as the command ``explain`` tells it, with a service and without."""

import json

from tests.acceptance import stages


async def told(stage: stages.Stage, accession: int, exit_code: int = 0) -> dict[str, str]:
    """What is said, by who says it; several sentences of one are parted by line ends."""
    asked = await stage.start("explain", str(accession), "--json")
    assert await asked.ended() == exit_code, asked.text
    said: dict[str, str] = {}
    for one in json.loads(asked.text):
        said[one["who"]] = f"{said[one['who']]}\n{one['text']}" if one["who"] in said else one["text"]
    return said


def say(stage: stages.Stage, name: str, text: str) -> None:
    """Add lines to an account's profile."""
    with stage.profile(name).open("a", encoding="utf-8") as profile:
        profile.write(text)


async def test_what_keeps_a_run_from_being_launched_is_told_without_a_service(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice")
    free = await told(stage, mine)
    assert f"submitted, scheduled for {stages.HOST} by alice@lab.net" in free["web service"]
    assert free["account"].startswith("alice serves it, as the Unix user ")
    assert free["journal"] == "there is none yet: no launch was begun here"
    assert "waits" not in free
    assert free["next"] == f"when a service runs: none is seen to use {stage.place.state_dir}"

    say(stage, "alice", '[launching]\npaused = "the disk is replaced"\nhours = ["00:00-00:01", "00:01-00:02"]\n')
    kept = await told(stage, mine)
    assert kept["waits"] == "paused by its profile: the disk is replaced"
    assert kept["next"].startswith("when none of this keeps it any more, and when a service runs: ")

    elsewhere = await told(stage, await stage.schedule("alice", host="server9"))
    assert elsewhere["waits"].startswith("it was scheduled for server9; runs of alice@lab.net are served here for ")
    stage.profile("bob").unlink()
    nobody = await told(stage, await stage.schedule("bob"))
    assert nobody["waits"] == "no enabled profile that can be used has the login bob@lab.net"
    assert "knows no run 99" in (await told(stage, 99, exit_code=1))["web service"]


async def test_a_run_that_was_launched_is_told_with_its_launch_and_its_job(stage: stages.Stage) -> None:
    async with stage.service():
        mine = await stage.schedule("alice")
        await stage.web.reach("completed", mine)
        said = await told(stage, mine)
    assert "completed" in said["web service"]
    assert "launched for alice as " in said["journal"]
    assert said["journal"].count("\n") == 0
    assert " is SUCCEEDED, of the user " in said["oozie"]
    assert "waits" not in said


async def test_limits_are_told_as_the_journal_knows_them(stage: stages.Stage) -> None:
    say(stage, "alice", "[launching]\nan_hour = 1\n")
    async with stage.service():
        await stage.web.reach("completed", await stage.schedule("alice"))
        waiting = await stage.schedule("alice")
        await stage.web.polls()
    said = await told(stage, waiting)
    assert said["waits"].startswith("1 of 1 launches of this account were begun in this hour; more in ")


async def test_what_cannot_be_asked_is_told_and_the_rest_is_told_all_the_same(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice")
    say(stage, "bob", "nonsense = 1\n")
    (stage.place.state_dir / "journal.sqlite").write_bytes(b"no database" * 1000)
    said = await told(stage, mine)
    assert said["account"].startswith("bob cannot be asked: bob.toml")
    assert "journal.sqlite" in said["journal"]
    # Whoever cannot read it does not know whether a launch was begun.
    assert "begun" not in said["journal"]
    assert said["next"].startswith("not known: orders, launches and limits stand in the journal")
    assert f"submitted, scheduled for {stages.HOST}" in said["web service"]
