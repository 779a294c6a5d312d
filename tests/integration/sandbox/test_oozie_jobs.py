"""Jobs that Oozie really carries out: processes, files, kills, reruns, restarts."""

import asyncio
import os
import pathlib
import signal

import pytest

from niassa_orch.sandbox import layout, unix_users, up
from tests.integration.sandbox import running

RERUN = (
    b"<configuration><property><name>oozie.wf.rerun.failnodes</name><value>true</value></property>"
    b"<property><name>user.name</name><value>niassa</value></property></configuration>"
)


async def launched(sandbox: running.Sandbox, steps: str, engine: str = "oozie-sge", account: int = 0) -> str:
    """The id of a job with these steps."""
    accession = await sandbox.schedule(f"steps={steps}", engine=engine, account=account)
    call = await sandbox.seqware("workflow-run", "launch-scheduled", "--accession", str(accession), account=account)
    return call.told("Submitted Oozie job:")[0]


async def act(sandbox: running.Sandbox, job_id: str, action: str, body: bytes | None = None) -> int:
    url = f"{sandbox.addresses.oozie_url}/v1/job/{job_id}?action={action}"
    headers = {"Content-Type": "application/xml;charset=UTF-8"} if body else {}
    async with sandbox.session.put(url, data=body, headers=headers) as answer:
        return answer.status


def processes_of(folder: pathlib.Path) -> list[int]:
    """Processes that work below a folder."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            cwd = (entry / "cwd").readlink()
        except OSError:
            continue  # no process, or gone
        if entry.name.isdigit() and cwd.is_relative_to(folder):
            found.append(int(entry.name))
    return found


async def running_step(sandbox: running.Sandbox, name: str) -> pathlib.Path:
    """The output of a step that has begun to write."""

    async def look() -> pathlib.Path | None:
        outputs = sandbox.place.work_dir("bob").glob(f"oozie-*/generated-scripts/{name}.o*")
        return next((one for one in outputs if one.stat().st_size), None)

    return await running.until(look)


async def test_steps_on_the_grid_leave_their_texts_and_numbers(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        job = await sandbox.job_reaches(await launched(sandbox, "align:0.1,sort:0"), "SUCCEEDED", "KILLED", "FAILED")
        assert running.statuses(job["actions"]) == {"align": "OK", "sort": "OK"}
        assert job["endTime"].endswith("GMT")
        scripts = sandbox.place.work_dir("bob") / job["appPath"].rsplit("/", 1)[1] / "generated-scripts"
        for action in job["actions"]:
            if action["type"] != "sge":
                assert action["externalId"] == "-"
                continue
            name, number = action["name"], action["externalId"]
            assert "done" in (scripts / f"{name}.o{number}").read_text()
            assert "stderr" in (scripts / f"{name}.e{number}").read_text()
        (taken,) = await sandbox.jobs()
        assert (taken["uid"], taken["user"], taken["run"]) == (os.geteuid(), job["user"], 0)


async def test_steps_of_plain_oozie_leave_no_output_files(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        job = await sandbox.job_reaches(await launched(sandbox, "align:0", "oozie"), "SUCCEEDED")
        names = [file.name for file in sandbox.place.work_dir("bob").glob("oozie-*/generated-scripts/*")]
        assert names == ["align.sh"]
        (align,) = [one for one in job["actions"] if one["name"] == "align"]
        assert align["externalId"].startswith("job_")


async def test_a_failing_step_makes_the_job_killed_and_is_told(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        job = await sandbox.job_reaches(await launched(sandbox, "align:0,sort:0!,report:0"), "KILLED", "SUCCEEDED")
        assert running.statuses(job["actions"]) == {"align": "OK", "sort": "ERROR"}
        (sort,) = [one for one in job["actions"] if one["name"] == "sort"]
        assert "exit code [1]" in sort["errorMessage"]


async def test_a_rerun_of_failed_nodes_keeps_what_succeeded_and_counts(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        job_id = await launched(sandbox, "align:0,sort:0?")
        first = await sandbox.job_reaches(job_id, "KILLED")
        assert await act(sandbox, job_id, "rerun", RERUN) == 200
        second = await sandbox.job_reaches(job_id, "SUCCEEDED")
        assert second["run"] == 1
        assert running.statuses(second["actions"]) == {"align": "OK", "sort": "OK"}
        ids = [{one["name"]: one["externalId"] for one in job["actions"]} for job in (first, second)]
        assert ids[0]["align"] == ids[1]["align"]
        assert ids[0]["sort"] != ids[1]["sort"]


async def test_a_kill_ends_the_step_with_its_group_also_when_it_ignores_sigterm(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        job_id = await launched(sandbox, "align:600*,sort:0")
        await running_step(sandbox, "align")
        assert await act(sandbox, job_id, "kill") == 200
        job = await sandbox.job_reaches(job_id, "KILLED")
        assert running.statuses(job["actions"]) == {"align": "KILLED"}
        assert processes_of(tmp_path) == []


async def test_a_queued_kill_is_answered_before_it_works(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path, behaviour=up.Behaviour(kill_delay_seconds=0.5)) as sandbox:
        job_id = await launched(sandbox, "align:600")
        await running_step(sandbox, "align")
        assert await act(sandbox, job_id, "kill") == 200
        assert (await sandbox.job(job_id))["status"] == "RUNNING"
        await sandbox.job_reaches(job_id, "KILLED")


async def test_a_suspended_job_ends_its_step_and_waits_for_the_resume(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        job_id = await launched(sandbox, "align:0.3,sort:0")
        await running_step(sandbox, "align")
        await act(sandbox, job_id, "suspend")

        async def aligned() -> dict[str, str] | None:
            found = running.statuses((await sandbox.job(job_id))["actions"])
            return found if found["align"] == "OK" else None

        assert await running.until(aligned) == {"align": "OK"}
        assert (await sandbox.job(job_id))["status"] == "SUSPENDED"
        await act(sandbox, job_id, "resume")
        job = await sandbox.job_reaches(job_id, "SUCCEEDED")
        assert running.statuses(job["actions"]) == {"align": "OK", "sort": "OK"}


async def test_a_stopped_sandbox_leaves_no_process_and_goes_on_where_it_was(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        job_id = await launched(sandbox, "align:0,sort:0.4")
        await running_step(sandbox, "sort")
        (before,) = await sandbox.jobs()
    assert processes_of(tmp_path) == []
    async with running.sandbox(tmp_path) as sandbox:
        (after,) = await sandbox.jobs()
        assert (after["id"], after["created"]) == (before["id"], before["created"])
        job = await sandbox.job_reaches(job_id, "SUCCEEDED")
        assert running.statuses(job["actions"]) == {"align": "OK", "sort": "OK"}
        assert len(list(sandbox.place.work_dir("bob").glob("oozie-*/generated-scripts/sort.o*"))) == 2
        assert len(list(sandbox.place.work_dir("bob").glob("oozie-*/generated-scripts/align.o*"))) == 1


async def test_a_job_whose_working_directory_is_gone_fails_and_says_so(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        job_id = await launched(sandbox, "align:0.5,sort:0")
        folder = (await running_step(sandbox, "align")).parents[1]
        folder.rename(folder.with_name("elsewhere"))
        job = await sandbox.job_reaches(job_id, "FAILED", "KILLED", "SUCCEEDED")
        assert job["status"] == "FAILED"
        assert running.statuses(job["actions"]) == {"align": "OK", "sort": "FAILED"}


async def test_a_step_that_somebody_else_kills_is_an_error(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        job_id = await launched(sandbox, "align:600")
        output = await running_step(sandbox, "align")
        for process in processes_of(output.parents[1]):
            os.kill(process, signal.SIGKILL)
        job = await sandbox.job_reaches(job_id, "KILLED")
        assert running.statuses(job["actions"]) == {"align": "ERROR"}


async def test_many_jobs_run_side_by_side(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        accessions = [await sandbox.schedule("steps=align:0") for _ in range(10)]
        arguments = [word for accession in accessions for word in ("--accession", str(accession))]
        call = await sandbox.seqware("workflow-run", "launch-scheduled", *arguments)
        ids = call.told("Submitted Oozie job:")
        await asyncio.gather(*(sandbox.job_reaches(job_id, "SUCCEEDED") for job_id in ids))
        assert [job["accession"] for job in await sandbox.jobs()] == accessions


_REASON = unix_users.skip_reason()


@pytest.mark.real_users
@pytest.mark.skipif(_REASON is not None, reason=str(_REASON))
async def test_steps_and_files_belong_to_the_users_of_their_accounts() -> None:
    with unix_users.unix_users("bob", "ann") as made:
        who = [
            layout.SandboxAccount(name, made[name].name, f"{name}@lab.net", running.PASSWORD, running.HOST)
            for name in ("bob", "ann")
        ]
        async with running.sandbox(made.root / "sandbox", who, home_settings=True) as sandbox:
            for number, account in enumerate(who):
                accession = await sandbox.schedule("steps=align:0", account=number)
                process = await asyncio.create_subprocess_exec(
                    *("sudo", "-n", "-H", "-u", account.unix_user, "--", str(sandbox.place.engine)),
                    *("workflow-run", "launch-scheduled", "--accession", str(accession)),
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,
                )
                output, _ = await process.communicate()
                job_id = output.decode().split("Submitted Oozie job: ")[1].split()[0]
                await sandbox.job_reaches(job_id, "SUCCEEDED")
                files = list(sandbox.place.work_dir(account.name).rglob("*"))
                assert {file.stat().st_uid for file in files} == {made[account.name].uid}
                assert any(file.name.startswith("align.o") for file in files)
            uids = [job["uid"] for job in await sandbox.jobs()]
            assert uids == [made["bob"].uid, made["ann"].uid]
            secret = pathlib.Path(made["bob"].home) / ".seqware" / "settings"
            assert (secret.stat().st_mode & 0o777, secret.stat().st_uid) == (0o600, made["bob"].uid)
            stranger = pathlib.Path(sandbox.place.settings_file("bob"))
            denied = await asyncio.create_subprocess_exec(
                "sudo", "-n", "-u", who[1].unix_user, "--", "cat", str(stranger), stderr=asyncio.subprocess.DEVNULL
            )
            assert await denied.wait() == 1
