import asyncio
import datetime
import json
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs
from niassa_orch.oozie import client
from niassa_orch.wire import pacing, sessions
from tests.fakes import neighbours

JOB_ID = "0000001-210203040506789-oozie-oozi-W"
JOB: dict[str, Any] = {"id": JOB_ID, "status": "RUNNING", "user": "niassa-bob", "appPath": "/x/oozie-6b2c", "run": 0}
SINCE = datetime.datetime(2026, 1, 2, 10, 30, 59, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
HTML = b"<html>login</html>"

Action = Callable[[client.Oozie], Awaitable[object]]
ACTIONS: list[Action] = [
    lambda oozie: oozie.kill(JOB_ID, "niassa-bob"),
    lambda oozie: oozie.resume(JOB_ID, "niassa-bob"),
    lambda oozie: oozie.rerun(JOB_ID, "niassa-bob"),
]


def told(value: object) -> bytes:
    return neighbours.reply(200, json.dumps(value).encode(), "application/json;charset=UTF-8")


def complaint(code: str, status: int = 400) -> bytes:
    return neighbours.reply(status, HTML, "text/html", oozie_error_code=code, oozie_error_message=f"{code}: no")


@pytest.fixture
async def session() -> AsyncIterator[sessions.Session]:
    async with sessions.open_session() as opened:
        yield opened


def oozie(session: sessions.Session, url: str, *, timeout_seconds: float = 30, attempts: int = 2) -> client.Oozie:
    return client.Oozie(
        session,
        url + "/oozie",
        budget=pacing.Budget(4),
        timeout_seconds=timeout_seconds,
        list_timeout_seconds=60,
        attempts=attempts,
    )


def query(target: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(target.partition("?")[2], strict_parsing=True))


async def test_versions_are_asked_for(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.saying(told([0, 1, 2]))) as there:
        assert await oozie(session, there.url).versions() == (0, 1, 2)
        assert there.targets == ["GET /oozie/versions"]


@pytest.mark.parametrize(
    ("said", "clock"),
    [
        ({"Date": "Fri, 02 Jan 2026 10:30:59 GMT"}, datetime.datetime(2026, 1, 2, 10, 30, 59, tzinfo=datetime.UTC)),
        ({"Date": "yesterday"}, None),
        ({}, None),
    ],
)
async def test_the_servers_clock_is_the_date_of_its_answer(
    session: sessions.Session, said: dict[str, str], clock: datetime.datetime | None
) -> None:
    answer = neighbours.reply(200, b"[0,1,2]", "application/json", **said)
    async with neighbours.neighbour(neighbours.saying(answer)) as there:
        assert await oozie(session, there.url).clock() == clock


async def test_what_is_no_oozie_has_no_clock(session: sessions.Session) -> None:
    answer = neighbours.reply(200, HTML, "text/html", Date="Fri, 02 Jan 2026 10:30:59 GMT")
    async with neighbours.neighbour(neighbours.saying(answer)) as there:
        with pytest.raises(errors.OozieUnavailableError):
            await oozie(session, there.url).clock()


async def test_a_job_is_asked_for_in_gmt(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.saying(told(JOB))) as there:
        job = await oozie(session, there.url).job(JOB_ID)
        assert there.targets == [f"GET /oozie/v1/job/{JOB_ID}?show=info&timezone=GMT&user.name=niassa-orch"]
    assert job == jobs.Job(JOB_ID, jobs.JobStatus.RUNNING, "niassa-bob", "/x/oozie-6b2c")


async def test_only_oozies_own_word_means_that_a_job_is_gone(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.saying(complaint("E0604"))) as there:
        with pytest.raises(errors.JobUnknownError, match="E0604"):
            await oozie(session, there.url).job(JOB_ID)
        assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        (neighbours.reply(404, HTML, "text/html"), 1),
        (complaint("E0604", 404), 1),
        (complaint("E0604", 500), 1),
        (complaint("E0508", 401), 1),
        (neighbours.reply(400, HTML, "text/html"), 1),
        (neighbours.reply(302, Location="http://127.0.0.1:1/"), 1),
        (neighbours.reply(200, HTML, "text/html"), 1),
        (neighbours.reply(200, HTML, "application/json"), 1),
        (told({}), 1),
        (told(JOB | {"id": "0000002-210203040506789-oozie-oozi-W"}), 1),
        (told(JOB)[:-5], 2),
        (complaint("E0002", 503), 2),
        (neighbours.reply(502), 2),
        (b"", 2),
    ],
    ids=range(14),
)
async def test_anything_else_says_nothing_about_the_job(session: sessions.Session, said: bytes, asked: int) -> None:
    async with neighbours.neighbour(neighbours.saying(said, keep=False)) as there:
        with pytest.raises(errors.OozieUnavailableError, match="/oozie/v1/job/"):
            await oozie(session, there.url).job(JOB_ID)
        assert len(there.asked) == asked


async def test_a_large_job_is_read_and_one_beyond_4_mebibytes_is_not(session: sessions.Session) -> None:
    action = {"name": "bash", "status": "OK", "externalId": "4711", "conf": "<sge/>" * 50}
    large, beyond = JOB | {"actions": [action] * 3000}, JOB | {"actions": [action] * 12_000}
    async with neighbours.neighbour(neighbours.saying(told(large), told(beyond))) as there:
        here = oozie(session, there.url)
        assert (await here.job(JOB_ID)).actions == (jobs.Action("bash", "OK", "4711"),) * 3000
        with pytest.raises(errors.OozieUnavailableError, match="larger than 4194304 bytes"):
            await here.job(JOB_ID)


async def test_a_job_of_very_many_values_is_garbage(session: sessions.Session) -> None:
    attack = neighbours.reply(200, b"[" + b"[]," * 1_300_000 + b"[]]", "application/json")
    async with neighbours.neighbour(neighbours.saying(attack)) as there:
        with pytest.raises(errors.OozieUnavailableError, match=r"/oozie/v1/job/.* values"):
            await oozie(session, there.url).job(JOB_ID)


async def test_a_large_page_may_take_longer_than_one_job_and_a_small_one_may_not(session: sessions.Session) -> None:
    released = asyncio.Event()
    no_jobs = told({"total": 0, "workflows": []})
    async with neighbours.neighbour(neighbours.slow_for("len=2000", released, no_jobs)) as there:
        here = oozie(session, there.url, timeout_seconds=0.3)
        [listing] = here.alive_jobs(["niassa-bob"])
        large = asyncio.create_task(listing.page())
        await there.was_asked.wait()
        for small in (here.job(JOB_ID), here.changed_since(None, lambda *_: None)):
            with pytest.raises(errors.OozieUnavailableError):
                await small
        released.set()
        assert (await large).rows == ()


async def test_another_code_is_a_refusal(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.saying(complaint("E0602"))) as there:
        with pytest.raises(errors.OozieRefusedError) as caught:
            await oozie(session, there.url).job(JOB_ID)
    assert caught.value.code == "E0602"


@pytest.mark.parametrize("job_id", ["", ".", "..", "../admin", "a/b", "a?action=kill", "a b", "a\n", "x" * 129, "1;2"])
async def test_what_cannot_be_a_job_id_is_never_sent(session: sessions.Session, job_id: str) -> None:
    async with neighbours.neighbour(neighbours.saying(told(JOB))) as there:
        here = oozie(session, there.url)
        for act in (here.job, lambda job_id: here.kill(job_id, "u"), lambda job_id: here.rerun(job_id, "u")):
            with pytest.raises(errors.OozieRefusedError, match="cannot be the id"):
                await act(job_id)
        assert there.asked == []


@pytest.mark.parametrize("action", ["kill", "resume"])
async def test_an_action_names_itself_and_the_user(session: sessions.Session, action: str) -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200, b"", ""))) as there:
        here = oozie(session, there.url)
        await {"kill": here.kill, "resume": here.resume}[action](JOB_ID, "niassa-bob")
        assert there.targets == [f"PUT /oozie/v1/job/{JOB_ID}?action={action}&user.name=niassa-bob"]


async def test_a_rerun_sends_a_configuration_for_the_failed_nodes(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200, b"", ""))) as there:
        await oozie(session, there.url).rerun(JOB_ID, "niassa-bob")
    (asked,) = there.asked
    assert asked.target == f"/oozie/v1/job/{JOB_ID}?action=rerun&user.name=niassa-bob"
    assert asked.headers["content-type"] == "application/xml;charset=UTF-8"
    assert b"<name>oozie.wf.rerun.failnodes</name><value>true</value>" in asked.body
    assert b"<name>user.name</name><value>niassa-bob</value>" in asked.body


@pytest.mark.parametrize("act", ACTIONS, ids=["kill", "resume", "rerun"])
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (complaint("E0605"), errors.JobUnknownError),
        (complaint("E0604"), errors.JobUnknownError),
        (complaint("E0805"), errors.OozieRefusedError),
        (complaint("E0508", 401), errors.OozieUnavailableError),
        (neighbours.reply(404), errors.OozieUnavailableError),
        (neighbours.reply(500), errors.OozieUnavailableError),
        (neighbours.reply(503), errors.OozieUnavailableError),
        (neighbours.reply(307, Location="http://127.0.0.1:1/"), errors.OozieUnavailableError),
        (b"", errors.OozieUnavailableError),
    ],
    ids=range(9),
)
async def test_an_action_is_sent_once_and_its_refusal_is_told(
    session: sessions.Session, act: Action, said: bytes, kind: type[errors.OozieError]
) -> None:
    async with neighbours.neighbour(neighbours.saying(said, keep=False)) as there:
        with pytest.raises(errors.OozieError) as caught:
            await act(oozie(session, there.url, attempts=9))
        assert len(there.asked) == 1
    assert type(caught.value) is kind


async def test_an_action_without_an_answer_in_time_is_sent_once(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.silence) as there:
        with pytest.raises(errors.OozieUnavailableError):
            await oozie(session, there.url, timeout_seconds=1.5, attempts=9).kill(JOB_ID, "niassa-bob")
        assert len(there.asked) == 1


class JobList:
    """A list of jobs as Oozie pages it; an old one knows no ``startcreatedtime``."""

    def __init__(self, total: int, *, is_old: bool = False, page_rows: int = 10_000) -> None:
        begun = datetime.datetime(2026, 1, 2, 9, 0, tzinfo=datetime.UTC)
        self.is_old = is_old
        self.page_rows = page_rows
        self.filters: list[str] = []
        self.rows = [
            {
                "id": f"{number:07d}-210203040506789-oozie-oozi-W",
                "status": "SUCCEEDED",
                "user": "niassa-bob",
                "run": 0,
                "createdTime": f"{begun + datetime.timedelta(minutes=number):%a, %d %b %Y %H:%M:%S} GMT",
            }
            for number in reversed(range(total))
        ]

    async def answer(self, _there: object, asked: neighbours.Asked, writer: Any) -> bool:
        asks = query(asked.target)
        assert (asks["jobtype"], asks["timezone"]) == ("wf", "GMT")
        self.filters.append(asks["filter"])
        offset, length = int(asks["offset"]) - 1, min(int(asks["len"]), self.page_rows)
        if self.is_old and "startcreatedtime" in asks["filter"]:
            writer.write(complaint("E0420"))
        else:
            page = self.rows[offset : offset + length]
            writer.write(told({"total": len(self.rows), "offset": offset + 1, "len": length, "workflows": page}))
        return True


async def found_by(
    session: sessions.Session, there: JobList, since: datetime.datetime | None = SINCE
) -> list[jobs.JobRow]:
    async with neighbours.neighbour(there.answer) as server:
        return await oozie(session, server.url).jobs_of("niassa-bob", since)


async def test_the_jobs_of_a_user_are_asked_for_by_user_and_whole_minute_in_gmt(session: sessions.Session) -> None:
    there = JobList(3)
    there.rows = [row | {"createdTime": "Fri, 02 Jan 2026 10:00:00 GMT"} for row in there.rows]
    assert len(await found_by(session, there)) == 3
    assert there.filters == ["user=niassa-bob;startcreatedtime=2026-01-02T09:30Z"]


@pytest.mark.parametrize("total", [0, 1, 199, 200, 201, 400, 450])
@pytest.mark.parametrize("page_rows", [10_000, 37])
async def test_every_page_is_read(session: sessions.Session, total: int, page_rows: int) -> None:
    there = JobList(total, page_rows=page_rows)
    there.rows = [row | {"createdTime": None} for row in there.rows]
    found = await found_by(session, there)
    assert [row.id for row in found] == [row["id"] for row in there.rows]


async def test_an_old_server_is_asked_without_the_time_and_read_back_to_it(session: sessions.Session) -> None:
    there = JobList(1000, is_old=True)
    found = await found_by(session, there)
    assert len(found) == 1000 - 30
    assert there.filters == ["user=niassa-bob;startcreatedtime=2026-01-02T09:30Z", *["user=niassa-bob"] * 5]


async def test_all_jobs_of_a_user_are_asked_for_without_a_time_and_read_to_the_end(session: sessions.Session) -> None:
    there = JobList(1000)
    assert len(await found_by(session, there, None)) == 1000
    assert set(there.filters) == {"user=niassa-bob"}


async def test_a_list_that_ends_before_its_total_is_not_taken_for_all(session: sessions.Session) -> None:
    answers = neighbours.saying(told({"total": 5, "workflows": []}))
    async with neighbours.neighbour(answers) as there:
        with pytest.raises(errors.OozieUnavailableError, match="no end"):
            await oozie(session, there.url).jobs_of("niassa-bob", SINCE)


async def test_a_filter_that_is_refused_for_another_reason_is_an_error(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.saying(complaint("E0401"))) as there:
        with pytest.raises(errors.OozieRefusedError):
            await oozie(session, there.url).jobs_of("niassa-bob", SINCE)
        assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("user", "since"), [("a;b", SINCE), ("a=b", SINCE), ("", SINCE), ("a", SINCE.replace(tzinfo=None))]
)
async def test_what_would_change_the_filter_is_refused(
    session: sessions.Session, user: str, since: datetime.datetime
) -> None:
    async with neighbours.neighbour(neighbours.saying(told({}))) as there:
        with pytest.raises(ValueError, match=r"zone|plain"):
            await oozie(session, there.url).jobs_of(user, since)
        assert there.asked == []


async def test_a_cookie_of_oozie_is_not_sent_back(session: sessions.Session) -> None:
    answer = neighbours.reply(200, b"[0,1,2]", "application/json", Set_Cookie="hadoop.auth=u=eve; Path=/")
    async with neighbours.neighbour(neighbours.saying(answer)) as there:
        for _ in range(2):
            await oozie(session, there.url).versions()
        assert not any("cookie" in asked.headers for asked in there.asked)
