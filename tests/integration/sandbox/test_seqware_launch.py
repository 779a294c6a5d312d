"""``workflow-run launch-scheduled`` and ``propagate-statuses`` of the engine stand-in, against the other stand-ins."""

import asyncio
import fcntl
import os
import pathlib
import signal
import socket
from collections.abc import Mapping

import aiohttp
import pytest
import yarl

from niassa_orch.sandbox import users
from tests.integration.sandbox import running


async def launch(
    sandbox: running.Sandbox, *accessions: int, environment: Mapping[str, str] | None = None
) -> running.Call:
    words = [word for accession in accessions for word in ("--accession", str(accession))]
    return await sandbox.seqware("workflow-run", "launch-scheduled", *words, environment=environment)


async def test_a_launch_says_its_lines_in_order_and_records_the_job(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        accession = await sandbox.schedule("steps=align:0")
        call = await launch(sandbox, accession)
        (job,) = await sandbox.jobs()
        run = await sandbox.run(accession)
    folder = run["currentWorkingDir"]
    assert call.exit_code == 0
    assert [line for line in call.lines if not line.startswith("[")] == [
        "Number of submitted workflows: 1",
        f"Working Run: {accession}",
        f"Launching via new launcher: {accession}",
        f"Using working directory: {folder}",
        f"Files copied to {job['appPath'].removeprefix('file://')}",
        f"Submitted Oozie job: {job['id']}",
    ]
    assert any(line.startswith("[SeqWare Pipeline] INFO [") for line in call.lines)
    assert (run["status"], run["statusCmd"]) == ("pending", job["id"])
    assert job["appPath"].rsplit("/", 1)[1] == folder.rsplit("/", 1)[1]


async def test_with_accessions_the_host_is_not_looked_at_and_others_are_passed_over(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path, running.accounts("bob", "ann")) as sandbox:
        elsewhere = await sandbox.schedule("steps=align:0", host="server9", account=1)
        other = await sandbox.schedule("steps=align:0")
        call = await launch(sandbox, elsewhere, 999_999)
        assert call.told("Skipping run due to accession check:") == [str(other)]
        assert [job["accession"] for job in await sandbox.jobs()] == [elsewhere]
        assert (await sandbox.run(other))["status"] == "submitted"


async def test_with_a_host_it_launches_everybodys_runs_of_that_host_and_of_this_machine(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path, running.accounts("bob", "ann")) as sandbox:
        ours = await sandbox.schedule("steps=align:0")
        anns = await sandbox.schedule("steps=align:0", account=1)
        here = await sandbox.schedule("steps=align:0", host=socket.getfqdn())
        elsewhere = await sandbox.schedule("steps=align:0", host="server9")
        call = await sandbox.seqware("workflow-run", "launch-scheduled", "--host", running.HOST)
        assert sorted(call.told("Valid run by host check:")) == [str(ours), str(anns), str(here)]
        assert call.told("Skipping run due to host check:") == [str(elsewhere)]


@pytest.mark.parametrize(
    ("behaviour", "status", "has_folder", "tells_job", "jobs"),
    [
        ("fails", "failed", False, False, 0),
        ("failed_after_submit", "failed", True, True, 1),
        ("silent_after_submit", "submitted", True, True, 1),
        ("lost_answer", "failed", True, False, 1),
    ],
)
async def test_a_launch_that_goes_wrong_ends_with_0_all_the_same(
    tmp_path: pathlib.Path, behaviour: str, status: str, has_folder: bool, tells_job: bool, jobs: int
) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        accession = await sandbox.schedule(f"steps=align:0\nsandbox.launch={behaviour}")
        call = await launch(sandbox, accession)
        run = await sandbox.run(accession)
        assert call.exit_code == 0
        assert (run["status"], run["statusCmd"]) == (status, None)
        assert bool(call.told("Using working directory:")) is has_folder
        assert bool(call.told("Submitted Oozie job:")) is tells_job
        assert len(await sandbox.jobs()) == jobs


@pytest.mark.parametrize(
    ("behaviour", "exit_code", "has_folder", "jobs"),
    [
        ("exits_91", 91, False, 0),
        ("dies_before_submit", 128 + signal.SIGKILL, True, 0),
        ("dies_after_submit", 128 + signal.SIGKILL, True, 1),
    ],
)
async def test_an_engine_that_dies_leaves_the_run_submitted(
    tmp_path: pathlib.Path, behaviour: str, exit_code: int, has_folder: bool, jobs: int
) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        accession = await sandbox.schedule(f"sandbox.launch={behaviour}")
        call = await launch(sandbox, accession)
        assert call.exit_code == exit_code
        assert bool(call.told("Using working directory:")) is has_folder
        assert call.told("Submitted Oozie job:") == []
        assert len(await sandbox.jobs()) == jobs
        assert (await sandbox.run(accession))["status"] == "submitted"


@pytest.mark.parametrize("engine", ["", "oozie ", "Oozie", "nextflow"])
async def test_an_engine_that_it_does_not_know_by_its_exact_name_fails_the_run(
    tmp_path: pathlib.Path, engine: str
) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        accession = await sandbox.schedule("steps=align:0", engine=engine)
        call = await launch(sandbox, accession)
        assert call.exit_code == 0
        assert (await sandbox.run(accession))["status"] == "failed"
        assert await sandbox.jobs() == []


@pytest.mark.parametrize("behaviour", ["hangs", "hangs_after_submit"])
async def test_a_hanging_engine_and_its_child_ignore_sigterm(tmp_path: pathlib.Path, behaviour: str) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        accession = await sandbox.schedule(f"steps=align:0\nsandbox.launch={behaviour}")
        with (tmp_path / "out").open("wb") as out:
            process = await sandbox.start("workflow-run", "launch-scheduled", "--accession", str(accession), out=out)

        async def members() -> list[str] | None:
            found = running.group_of(process.pid)
            return found if any("trap" in one for one in found) else None

        try:
            assert len(await running.until(members)) >= 3  # the wrapper, the JVM and its child
            os.killpg(process.pid, signal.SIGTERM)
            assert await process.wait() == -signal.SIGTERM
            survivors = await members()
            assert survivors is not None
            assert any("launch-scheduled" in one for one in survivors)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
        output = (tmp_path / "out").read_text()
        assert ("Submitted Oozie job" in output) is (behaviour == "hangs_after_submit")
        assert ("Using working directory" in output) is (behaviour == "hangs_after_submit")


async def test_whitestar_lasts_as_long_as_the_workflow_and_swaps_its_outputs(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        good = await sandbox.schedule("steps=align:0.2,sort:0", engine="whitestar")
        bad = await sandbox.schedule("steps=align:0!,sort:0", engine="whitestar-sge")
        call = await launch(sandbox, good, bad)
        ends = [line for line in call.lines if line.startswith("Setting")]
        assert ends == [
            f"Setting workflow-run status to completed for: {good}",
            f"Setting workflow-run status to failed for: {bad}",
        ]
        assert call.told("Submitted Oozie job:") == []
        history = (await sandbox.get(sandbox.addresses.web_service_url, "/sandbox/history"))[str(good)]
        assert [status for _, status, _ in history if status] == ["submitted", "completed", "completed"]
        assert ((await sandbox.run(good))["statusCmd"], (await sandbox.run(bad))["status"]) == (str(good), "failed")
        scripts = pathlib.Path((await sandbox.run(good))["currentWorkingDir"]) / "generated-scripts"
        assert "done" in (scripts / "align.e1").read_text()
        assert "stderr" in (scripts / "align.o1").read_text()


async def test_a_broken_post_is_repeated_once_unless_the_jdk_is_told_not_to(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        oozie_url = sandbox.addresses.oozie_url
        for flag, taken in (("-Dsun.net.http.retryPost=false", 1), ("", 2)):
            before = len(await sandbox.jobs())
            await sandbox.order(oozie_url, method="POST", action="drop_after", times=1)
            call = await launch(
                sandbox, await sandbox.schedule("steps=align:0"), environment={"SEQWARE_JVM_OPTS": flag}
            )
            jobs = (await sandbox.jobs())[before:]
            assert call.exit_code == 0
            assert len(jobs) == taken
            assert len({job["appPath"] for job in jobs}) == 1
            assert len(call.told("Submitted Oozie job:")) == taken - 1


@pytest.mark.parametrize(
    ("moment", "said_last", "jobs", "status"),
    [
        ("0+", "Number of submitted workflows: 1", 0, "submitted"),
        ("1", "Working Run: ", 0, "submitted"),
        ("5", "[SeqWare Pipeline] INFO ", 0, "submitted"),
        ("5+", "[SeqWare Pipeline] INFO ", 1, "submitted"),
        ("6", "Submitted Oozie job: ", 1, "submitted"),
        ("6+", "Submitted Oozie job: ", 1, "pending"),
    ],
)
async def test_a_launch_stops_at_the_moment_that_its_run_names_and_goes_on_when_continued(
    tmp_path: pathlib.Path, moment: str, said_last: str, jobs: int, status: str
) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        accession = await sandbox.schedule(f"steps=align:0\nsandbox.pause={moment}")
        words = ("workflow-run", "launch-scheduled", "--accession", str(accession))
        with (tmp_path / "out").open("wb") as out:
            process = await sandbox.start(*words, out=out)

        async def stopped() -> list[int] | None:
            return [pid for pid in running.members_of(process.pid) if running.is_stopped(pid)] or None

        (engine,) = await running.until(stopped)
        assert (tmp_path / "out").read_text().splitlines()[-1].startswith(said_last)
        assert len(await sandbox.jobs()) == jobs
        assert (await sandbox.run(accession))["status"] == status
        os.kill(engine, signal.SIGCONT)
        assert await process.wait() == 0
        assert len(await sandbox.jobs()) == 1
        assert (await sandbox.run(accession))["status"] == "pending"


async def test_an_engine_that_repeats_a_broken_post_does_so_although_it_was_told_not_to(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        await sandbox.order(sandbox.addresses.oozie_url, method="POST", action="drop_after", times=1)
        accession = await sandbox.schedule("steps=align:0\nsandbox.launch=repeats_post")
        environment = {"SEQWARE_JVM_OPTS": "-Dsun.net.http.retryPost=false"}
        call = await launch(sandbox, accession, environment=environment)
        jobs = await sandbox.jobs()
        assert len(jobs) == 2
        assert call.told("Submitted Oozie job:") == [jobs[1]["id"]]


async def test_a_cancel_between_its_two_gets_is_lost(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        url, who = sandbox.addresses.web_service_url, sandbox.accounts[0]
        accession = await sandbox.schedule("steps=align:0")
        await sandbox.order(url, method="GET", path="workflowruns$", query=None, skip=1, action="delay", seconds=1.0)
        calling = asyncio.create_task(launch(sandbox, accession))

        async def second_get() -> bool | None:
            seen = await sandbox.get(url, "/sandbox/requests")
            return True if any("id" in one["query"] for one in seen) else None

        await running.until(second_get)
        await users.cancel(url, who.web_user, who.password, accession)
        await calling
        history = (await sandbox.get(url, "/sandbox/history"))[str(accession)]
        assert [status for _, status, _ in history if status] == ["submitted", "submitted_cancel", "pending"]


async def test_a_record_that_is_refused_after_the_submission_is_swallowed(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        accession = await sandbox.schedule("steps=align:0")
        await sandbox.order(sandbox.addresses.web_service_url, method="PUT", action="status", status=500)
        call = await launch(sandbox, accession)
        assert (call.exit_code, len(call.told("Submitted Oozie job:"))) == (0, 1)
        assert (await sandbox.run(accession))["status"] == "submitted"


async def test_a_list_that_is_refused_is_91(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        await sandbox.order(sandbox.addresses.web_service_url, action="status", status=401, times=None)
        call = await launch(sandbox, 1)
        assert call.exit_code == 91
        assert running.PASSWORD not in "\n".join(call.lines) + call.errors


async def test_propagating_writes_every_run_and_takes_any_trouble_for_failed(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path, running.accounts("bob", "ann")) as sandbox:
        done, lost = await sandbox.schedule("steps=align:0"), await sandbox.schedule("steps=align:0")
        await launch(sandbox, done, lost)
        ids = {job["accession"]: job["id"] for job in await sandbox.jobs()}
        await sandbox.job_reaches(ids[done], "SUCCEEDED")
        order = {"path": ids[lost], "action": "status", "status": 503, "times": 1}
        await sandbox.order(sandbox.addresses.oozie_url, **order)
        strangers = await sandbox.seqware(
            "workflow-run", "propagate-statuses", "--host", running.HOST, "--threads", "4", account=1
        )
        assert strangers.exit_code == 0
        assert (await sandbox.run(done))["status"] == "pending"
        await sandbox.seqware("workflow-run", "propagate-statuses", "--host", running.HOST, "--threads", "4")
        assert [(await sandbox.run(one))["status"] for one in (done, lost)] == ["completed", "failed"]


async def propagate(sandbox: running.Sandbox, *accessions: int) -> running.Call:
    words = [word for accession in accessions for word in ("--accession", str(accession))]
    return await sandbox.seqware("workflow-run", "propagate-statuses", *words)


async def test_every_run_costs_one_request_to_oozie_and_one_write_changed_or_not(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path, running.accounts("bob", "ann")) as sandbox:
        mine = [await sandbox.schedule("steps=align:60", host=host) for host in (running.HOST, "server9")]
        other = await sandbox.schedule("steps=align:60")
        await launch(sandbox, *mine, other)
        await propagate(sandbox, *mine)
        for url in (sandbox.addresses.web_service_url, sandbox.addresses.oozie_url):
            async with sandbox.session.delete(yarl.URL(url).with_path("/sandbox/requests")) as answer:
                assert answer.status == 204
        call = await propagate(sandbox, *mine, 999_999)
        asked = await sandbox.get(sandbox.addresses.web_service_url, "/sandbox/requests")
        jobs = await sandbox.get(sandbox.addresses.oozie_url, "/sandbox/requests")
        assert (await sandbox.run(other))["status"] == "pending", "with accessions, no other run is touched"
    assert call.lines == ["Propagated workflow engine statuses"]
    lists = [one["query"] for one in asked if one["path"].endswith("/workflowruns")]
    assert lists == [{"status": one} for one in ("running", "pending", "submitted_cancel", "submitted_retry")]
    assert [one["method"] for one in asked].count("PUT") == 2
    assert [one["method"] for one in jobs] == ["GET", "GET"]


async def test_with_accessions_the_host_is_not_looked_at_but_the_owner_is(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path, running.accounts("bob", "ann")) as sandbox:
        anns = await sandbox.schedule("steps=align:60", account=1)
        await launch(sandbox, anns)
        await propagate(sandbox, anns)
        assert (await sandbox.run(anns))["status"] == "pending"


async def test_its_success_line_comes_before_it_starts_and_it_takes_the_lock(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        mine = await sandbox.schedule("steps=align:60")
        await launch(sandbox, mine)
        await sandbox.order(sandbox.addresses.web_service_url, method="PUT", action="status", status=403)
        call = await propagate(sandbox, mine)
        assert (call.exit_code, call.lines[0]) == (91, "Propagated workflow engine statuses")
        file = tmp_path / "locks" / ".junique" / f"seqware-{socket.getfqdn()}.lock"
        with file.open("a") as holder:
            fcntl.lockf(holder, fcntl.LOCK_EX)
            assert (await propagate(sandbox, mine)).exit_code == 91
        assert (await sandbox.run(mine))["status"] == "pending"


async def test_texts_go_with_the_status_and_an_oozie_that_does_not_answer_wipes_them(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        mine = await sandbox.schedule("steps=align:60,sort:0")
        await launch(sandbox, mine)
        who = sandbox.accounts[0]
        login = {"Authorization": aiohttp.encode_basic_auth(who.web_user, who.password)}
        url = f"{sandbox.addresses.web_service_url}/workflowruns/{mine}"

        async def record() -> str:
            async with sandbox.session.get(url, headers=login) as answer:
                return await answer.text()

        async def told() -> bool | None:
            await propagate(sandbox, mine)
            return True if "began as" in await record() else None

        await running.until(told)
        assert "<stdOut>Job Name: align, Job ID: " in await record()
        assert "<sgeNameIdMap>align=" in await record()
        await sandbox.order(sandbox.addresses.oozie_url, path="job/", action="status", status=404, times=1)
        await propagate(sandbox, mine)
        assert "began as" not in await record()
        assert (await sandbox.run(mine))["status"] == "failed"
