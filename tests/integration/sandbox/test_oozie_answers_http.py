"""Oozie's HTTP, with jobs in the books that nobody carries out any more."""

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import test_utils

from niassa_orch.domain.jobs import JobStatus
from niassa_orch.sandbox import oozie, oozie_books

Client = test_utils.TestClient[aiohttp.web.Request, aiohttp.web.Application]
RERUN = b"<configuration><property><name>%s</name><value>true</value></property></configuration>"
XML = {"Content-Type": "application/xml;charset=UTF-8"}


def fill(file: pathlib.Path, *ends: JobStatus) -> list[str]:
    books = oozie_books.Books(file)
    ids = []
    for number, status in enumerate(ends):
        new = oozie_books.NewJob(
            accession=number,
            user="ann" if number % 2 else "bob",
            engine="oozie-sge",
            app_name=f"flow{number}",
            app_path=f"file:///apps/oozie-{number}",
            working_dir="/nowhere",
            conf="<configuration/>",
            steps=("align",),
        )
        ids.append(books.add(new))
        books.set_status(ids[-1], status)
    books.close()
    return ids


@contextlib.asynccontextmanager
async def server(file: pathlib.Path, version: str = "5.3", authorization: bool = False) -> AsyncIterator[Client]:
    app = oozie.build(file, version=version, authorization=authorization)
    jar = aiohttp.DummyCookieJar()
    async with test_utils.TestClient(test_utils.TestServer(app), cookie_jar=jar) as client:
        yield client


async def test_the_versions_are_a_list_of_numbers(tmp_path: pathlib.Path) -> None:
    async with server(tmp_path / "o") as client, client.get("/oozie/versions") as answer:
        assert await answer.json() == [0, 1, 2]


async def test_an_unknown_job_is_400_with_the_code_in_a_header_and_an_html_body(tmp_path: pathlib.Path) -> None:
    async with server(tmp_path / "o") as client:
        async with client.get("/oozie/v1/job/nobody?show=info") as answer:
            assert (answer.status, answer.headers["oozie-error-code"]) == (400, "E0604")
            assert answer.content_type == "text/html"
            assert "nobody" in answer.headers["oozie-error-message"]
        for action in ("kill", "suspend", "resume"):
            async with client.put(f"/oozie/v1/job/nobody?action={action}") as answer:
                assert (answer.status, answer.headers["oozie-error-code"]) == (400, "E0605")


async def test_a_page_of_jobs_is_newest_first_with_total_offset_and_len(tmp_path: pathlib.Path) -> None:
    ids = fill(tmp_path / "o", *[JobStatus.SUCCEEDED] * 60)
    async with server(tmp_path / "o") as client:
        async with client.get("/oozie/v1/jobs?jobtype=wf") as answer:
            page = await answer.json()
        assert (page["total"], page["offset"], page["len"]) == (60, 1, 50)
        assert [row["id"] for row in page["workflows"]] == ids[:9:-1]
        assert not {"appPath", "conf", "actions"} & set(page["workflows"][0])
        async with client.get("/oozie/v1/jobs", params={"offset": "59", "len": "5000", "filter": ""}) as answer:
            rest = await answer.json()
        assert [row["id"] for row in rest["workflows"]] == [ids[1], ids[0]]


async def test_filters_select_and_unknown_ids_just_do_not_come_back(tmp_path: pathlib.Path) -> None:
    ids = fill(tmp_path / "o", JobStatus.SUCCEEDED, JobStatus.KILLED, JobStatus.SUCCEEDED)
    async with server(tmp_path / "o") as client:
        wanted = {
            "user=bob;status=SUCCEEDED": [ids[2], ids[0]],
            f"id={ids[1]};id=nobody": [ids[1]],
            "status=KILLED;status=SUCCEEDED": ids[::-1],
            "text=flow1": [ids[1]],
            "endcreatedtime=-1d": [],
            "name=flow2;startcreatedtime=-1h": [ids[2]],
        }
        for text, expected in wanted.items():
            async with client.get("/oozie/v1/jobs", params={"filter": text}) as answer:
                assert [row["id"] for row in (await answer.json())["workflows"]] == expected, text


async def test_the_last_changed_job_comes_first_where_the_version_knows_it(tmp_path: pathlib.Path) -> None:
    ids = fill(tmp_path / "o", JobStatus.SUCCEEDED, JobStatus.SUCCEEDED)
    books = oozie_books.Books(tmp_path / "o")
    books.set_status(ids[0], JobStatus.KILLED)
    books.close()
    async with (
        server(tmp_path / "o", "4.3") as client,
        client.get("/oozie/v1/jobs?filter=sortby%3DlastModifiedTime&len=1") as answer,
    ):
        assert [row["id"] for row in (await answer.json())["workflows"]] == [ids[0]]
    async with (
        server(tmp_path / "o", "4.2") as client,
        client.get("/oozie/v1/jobs?filter=sortby%3DlastModifiedTime") as answer,
    ):
        assert (answer.status, answer.headers["oozie-error-code"]) == (400, "E0420")


async def test_acting_in_a_wrong_state_is_answered_200_and_does_nothing(tmp_path: pathlib.Path) -> None:
    ids = fill(tmp_path / "o", JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.KILLED)
    async with server(tmp_path / "o") as client:
        for action in ("kill", "suspend", "resume"):
            for job_id in ids:
                async with client.put(f"/oozie/v1/job/{job_id}?action={action}") as answer:
                    assert answer.status == 200
        async with client.get("/oozie/v1/jobs") as answer:
            assert [row["status"] for row in (await answer.json())["workflows"]] == ["KILLED", "FAILED", "SUCCEEDED"]


async def test_a_suspended_job_is_killed_although_nothing_of_it_runs(tmp_path: pathlib.Path) -> None:
    (job_id,) = fill(tmp_path / "o", JobStatus.SUSPENDED)
    async with server(tmp_path / "o") as client:
        async with client.put(f"/oozie/v1/job/{job_id}?action=kill"):
            pass
        async with client.get(f"/oozie/v1/job/{job_id}") as answer:
            assert (await answer.json())["status"] == "KILLED"


async def test_rerunning_a_job_that_has_not_ended_is_e0805(tmp_path: pathlib.Path) -> None:
    (job_id,) = fill(tmp_path / "o", JobStatus.SUSPENDED)
    body = RERUN % b"oozie.wf.rerun.failnodes"
    async with server(tmp_path / "o") as client:
        url = f"/oozie/v1/job/{job_id}?action=rerun&user.name=bob"
        async with client.put(url, data=body, headers=XML) as answer:
            assert (answer.status, answer.headers["oozie-error-code"]) == (400, "E0805")


async def test_a_rerun_wants_xml_and_to_know_which_nodes(tmp_path: pathlib.Path) -> None:
    (job_id,) = fill(tmp_path / "o", JobStatus.KILLED)
    async with server(tmp_path / "o") as client:
        url = f"/oozie/v1/job/{job_id}?action=rerun&user.name=bob"
        async with client.put(url, data=RERUN % b"x", headers=XML) as answer:
            assert answer.headers["oozie-error-code"] == "E0401"
        async with client.put(url, data=RERUN % b"oozie.wf.rerun.failnodes") as answer:
            assert answer.headers["oozie-error-code"] == "E0300"


async def test_a_cookie_of_an_earlier_answer_wins_over_the_name_in_the_query(tmp_path: pathlib.Path) -> None:
    ids = fill(tmp_path / "o", JobStatus.SUSPENDED, JobStatus.SUSPENDED)  # of bob, of ann
    async with server(tmp_path / "o", authorization=True) as client:
        async with client.get("/oozie/versions?user.name=bob") as answer:
            cookie = answer.headers["Set-Cookie"].split(";")[0]
        assert cookie.startswith('hadoop.auth="u%3Dbob')
        url = f"/oozie/v1/job/{ids[1]}?action=kill&user.name=ann"
        async with client.put(url, headers={"Cookie": cookie}) as answer:
            assert (answer.status, answer.headers["oozie-error-code"]) == (401, "E0508")
        async with client.put(url) as answer:
            assert answer.status == 200
        async with client.get("/oozie/versions") as answer:
            assert "Set-Cookie" not in answer.headers


async def test_a_submission_for_a_user_that_it_does_not_serve_is_refused(tmp_path: pathlib.Path) -> None:
    body = (RERUN % b"user.name").replace(b"true", b"daemon")
    async with server(tmp_path / "o") as client:
        async with client.post("/oozie/v1/jobs?action=start", data=body, headers=XML) as answer:
            assert (answer.status, answer.headers["oozie-error-code"]) == (401, "E0501")
        async with client.get("/sandbox/jobs") as answer:
            assert await answer.json() == []


async def test_orders_of_faults_reach_it_and_purged_jobs_are_gone(tmp_path: pathlib.Path) -> None:
    (job_id,) = fill(tmp_path / "o", JobStatus.SUCCEEDED)
    order = {"action": "status", "status": 503, "headers": {"oozie-error-code": "E0002"}, "times": 1}
    async with server(tmp_path / "o") as client:
        async with client.post("/sandbox/faults", json=order):
            pass
        async with client.get(f"/oozie/v1/job/{job_id}") as answer:
            assert (answer.status, answer.headers["oozie-error-code"]) == (503, "E0002")
        async with client.delete(f"/sandbox/jobs/{job_id}"):
            pass
        async with client.get(f"/oozie/v1/job/{job_id}") as answer:
            assert answer.headers["oozie-error-code"] == "E0604"


async def test_a_server_that_ends_leaves_no_task_behind(tmp_path: pathlib.Path) -> None:
    fill(tmp_path / "o", JobStatus.RUNNING, JobStatus.PREP)
    before = asyncio.all_tasks()
    async with server(tmp_path / "o"):
        pass
    assert asyncio.all_tasks() <= before
