"""What the steps of an oozie-sge run write is in its record while it runs, and whole when it has ended."""

import pathlib
import shutil

from tests.acceptance import books, stages, steps

#: NUL, a byte that is no UTF-8, half of a character, U+FFFE, a C1 control, the ends of lines of three systems.
ODD = b"a\x00b\xff\xed\xa0\x80\xef\xbf\xbec\xc2\x85d\r\ne\rf\n<&]]>"
SHOWN = "ab" + "\N{REPLACEMENT CHARACTER}" * 4 + "c\x85d\r\ne\rf\n<&]]>"


async def shown(stage: stages.Stage, accession: int, text: str) -> dict[str, str]:
    """The record of a run of alice's, once its standard output has this text in it."""

    async def look() -> dict[str, str] | None:
        record = await stage.record("alice", accession)
        return record if text in record.get("stdOut", "") else None

    return await books.until(f"{text!r} in the record of {accession}", look)


async def test_the_texts_of_a_running_run_appear_before_it_ends_and_are_whole_after(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", f"align:0.1,sort:{steps.LONG_SECONDS}", engine="oozie-sge")
    async with stage.service():
        early = await shown(stage, mine, f"align: run {mine} done")
        assert early["status"] in ("pending", "running")
        assert "align=" in early["sgeNameIdMap"]
        assert f"sort: run {mine} done" not in early["stdOut"]
        await steps.end(stage, mine)
        await stage.web.reach("completed", mine)
    whole = await stage.record("alice", mine)
    for step in ("align", "sort"):
        assert f"{step}: run {mine} done" in whole["stdOut"]
        assert f"{step}: reading input, this is stderr" in whole["stdErr"]
    assert [pair.split("=")[0] for pair in whole["sgeNameIdMap"].split(",")][:2] == ["align", "sort"]


async def test_files_are_looked_at_again_after_a_while_and_written_only_when_they_differ(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", f"{steps.LONG}*", engine="oozie-sge")
    async with stage.service(TEXTS__EVERY_SECONDS=0.5, TEXTS__FILE_BYTES=1000):
        [run] = await stage.web.reach("running", mine)
        await shown(stage, mine, "align: run")
        scripts = pathlib.Path(run["currentWorkingDir"], "generated-scripts")
        (scripts / "odd.o1").write_bytes(ODD)
        assert SHOWN in (await shown(stage, mine, "odd.o1"))["stdOut"]
        with (scripts / "odd.o1").open("ab") as file:
            file.write(b"x" * 5000 + b"END")
        record = await shown(stage, mine, "END")
        assert (
            f"odd.o1, {_time_of(record)}, the last 1000 of {len(ODD) + 5003} bytes\n{'x' * 997}END" in record["stdOut"]
        )
        await stage.web.delete("requests")
        await stage.web.polls(more=6)
        assert await stage.web.requests(method="PUT") == []
        await stage.cancel("alice", mine)
        await stage.web.reach("cancelled", mine)


async def test_a_working_directory_that_is_gone_leaves_the_texts_that_are_in_the_record(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", f"{steps.LONG}*", engine="oozie-sge")
    async with stage.service(TEXTS__EVERY_SECONDS=0.5) as service:
        [run] = await stage.web.reach("running", mine)
        await shown(stage, mine, "align: run")
        shutil.rmtree(run["currentWorkingDir"])
        await stage.web.polls(more=4)
        await stage.cancel("alice", mine)
        await stage.web.reach("cancelled", mine)
        assert service.events("texts.unreadable") == []
    assert "align: run" in (await stage.record("alice", mine))["stdOut"]


async def test_a_retried_run_shows_what_its_second_try_wrote(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", "align:0.1,sort:0.1?", engine="oozie-sge")
    async with stage.service():
        await stage.web.reach("failed", mine)
        failed = await stage.record("alice", mine)
        await stage.retry("alice", mine)
        await stage.web.reach("completed", mine)
    whole = await stage.record("alice", mine)
    assert "sort: try again" in failed["stdErr"]
    assert f"sort: run {mine} done" not in failed["stdOut"]
    assert f"sort: run {mine} done" in whole["stdOut"]
    assert failed["sgeNameIdMap"] != whole["sgeNameIdMap"]


def _time_of(record: dict[str, str]) -> str:
    """As the heading of the odd file says."""
    return record["stdOut"].partition("odd.o1, ")[2].partition(",")[0]
