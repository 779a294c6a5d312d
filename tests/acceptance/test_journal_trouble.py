"""A journal that cannot be used: nothing is launched, propagation goes on, everybody is told; then all goes on."""

import pathlib

from tests.acceptance import stages

_LONG = "align:4"


async def _launched(stage: stages.Stage, steps: str) -> int:
    """A run that an earlier service launched."""
    accession = await stage.schedule("alice", steps)
    async with stage.service() as service:
        await service.tells("launch.verified", accession=accession)
    return accession


async def test_with_a_damaged_journal_statuses_are_propagated_and_nothing_is_launched(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice") as stage:
        running = await _launched(stage, _LONG)
        journal = stage.place.state_dir / "journal.sqlite"
        journal.write_bytes(b"\xa5" * 8192)
        waiting = await stage.schedule("alice")
        async with stage.service() as service:
            said = await service.tells("journal.unusable")
            assert "is damaged" in said.fields["reason"]
            await stage.web.reach("completed", running)
            assert (await stage.web.runs())[waiting]["status"] == "submitted"
            assert not service.events("launch.called")
            async with stage.service("doubts") as doubts:
                assert await doubts.ended() == 1
                assert "is damaged" in doubts.text
            journal.unlink()
            await service.tells("journal.recovered")
            await stage.web.reach("completed", waiting)
        await stage.launched_once(running, waiting)


async def test_without_its_journal_nothing_is_launched_while_a_transcript_is_open(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice") as stage:
        await _launched(stage, stages.QUICK)
        journal = stage.place.state_dir / "journal.sqlite"
        journal.rename(journal.with_suffix(".away"))
        [settled] = stage.transcripts("settled")
        doubtful = settled.rename(settled.parent.with_name("open") / settled.name)
        waiting = await stage.schedule("alice")
        async with stage.service() as service:
            said = await service.tells("journal.unusable")
            assert "put the journal back" in said.fields["reason"]
            assert not journal.exists()
            doubtful.rename(settled)
            await stage.web.reach("completed", waiting)


async def test_once_fails_while_the_journal_cannot_be_used(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice") as stage:
        await _launched(stage, stages.QUICK)
        (stage.place.state_dir / "journal.sqlite").write_bytes(b"\xa5" * 8192)
        async with stage.service("once") as once:
            assert await once.ended() == 1
            assert "is damaged" in once.text


async def test_a_run_whose_launches_come_to_nothing_is_set_aside_and_a_person_fails_it(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice") as stage:
        accession = await stage.schedule("alice", launch="dies_before_submit")
        async with stage.service(LAUNCHING__TRIES=1, ENGINE__DOUBT_GRACE_SECONDS=0.5) as service:
            said = await service.tells("launch.set_aside", accession=accession)
            assert said.fields["reason"].startswith("1 launch came to nothing: ")
            async with stage.service("resolve", str(accession), "--failed", "--yes") as resolved:
                assert await resolved.ended() == 0
                assert '"working_dir"' in resolved.text
                assert resolved.text.endswith(f"run {accession} of alice: it failed\n")
            await stage.web.reach("failed", accession)
            async with stage.service("doubts") as doubts:
                assert await doubts.ended() == 0
                assert "every launch is settled" in doubts.text
        assert await stage.oozie.jobs() == []
