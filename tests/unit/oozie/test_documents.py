import datetime
import email.utils
import json
import tracemalloc
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs
from niassa_orch.oozie import documents

JOB: dict[str, Any] = {
    "id": "0000001-21-oozie-W",
    "appPath": "hdfs://nn/user/niassa-bob/seqware_workflow/oozie-6b2c",
    "user": "niassa-bob",
    "status": "RUNNING",
    "run": 1,
    "lastModTime": "Fri, 02 Jan 2026 10:00:09 GMT",
    "conf": "<configuration/>",
    "externalId": None,
    "actions": [
        {"name": "start", "status": "OK", "externalId": "-", "errorMessage": None},
        {"name": "bash_1", "status": "RUNNING", "externalId": "4711"},
        {"name": "bash_2", "status": "PREP", "externalId": ""},
        {"name": "bash_3", "status": "ERROR", "externalId": None, "errorMessage": "exit 1"},
    ],
}
ROW: dict[str, Any] = {
    "id": "0000001-21-oozie-W",
    "user": "niassa-bob",
    "status": "KILLED",
    "run": 0,
    "createdTime": "Fri, 02 Jan 2026 10:00:07 GMT",
}


def told(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_job_is_read_with_its_actions() -> None:
    assert documents.parse_job(told(JOB)) == jobs.Job(
        id="0000001-21-oozie-W",
        status=jobs.JobStatus.RUNNING,
        user="niassa-bob",
        app_path="hdfs://nn/user/niassa-bob/seqware_workflow/oozie-6b2c",
        run=1,
        actions=(
            jobs.Action("start", "OK"),
            jobs.Action("bash_1", "RUNNING", "4711"),
            jobs.Action("bash_2", "PREP"),
            jobs.Action("bash_3", "ERROR", None, "exit 1"),
        ),
        modified=datetime.datetime(2026, 1, 2, 10, 0, 9, tzinfo=datetime.UTC),
    )


@pytest.mark.parametrize("said", [None, "", "yesterday", "Fri, 99 Jan 2026 10:00:09 GMT"])
def test_a_job_that_does_not_tell_when_it_changed_is_a_job_all_the_same(said: str | None) -> None:
    assert documents.parse_job(told(JOB | {"lastModTime": said})).modified is None


def test_a_status_that_is_none_of_the_six_is_unknown() -> None:
    assert documents.parse_job(told(JOB | {"status": "PAUSED"})).status is None


def test_rows_are_read_with_the_time_of_their_creation() -> None:
    page = documents.parse_rows(
        told({"total": 7, "offset": 1, "len": 2, "workflows": [ROW, ROW | {"createdTime": None}]})
    )
    row = jobs.JobRow("0000001-21-oozie-W", jobs.JobStatus.KILLED, "niassa-bob", 0)
    created = datetime.datetime(2026, 1, 2, 10, 0, 7, tzinfo=datetime.UTC)
    assert page == documents.JobPage(7, ((row, created), (row, None)))


def test_versions_are_numbers() -> None:
    assert documents.parse_versions(b"[0,1,2]") == (0, 1, 2)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b"<html>Sign in</html>",
        b"\xff",
        json.dumps(JOB).encode("utf-16"),
        told(JOB)[:-1],
        b"[" * 1_000_000,
        b'{"a":' * 1_000_000,
        b'{"run": ' + b"9" * 10_000 + b"}",
        told(JOB | {"id": None}),
        told(JOB | {"id": ""}),
        told(JOB | {"id": 1}),
        told(JOB | {"status": None}),
        told(JOB | {"status": ["RUNNING"]}),
        told(JOB | {"user": 3}),
        told(JOB | {"appPath": {}}),
        told(JOB | {"run": "1"}),
        told(JOB | {"run": True}),
        told(JOB | {"run": 1.5}),
        told(JOB | {"actions": {}}),
        told(JOB | {"actions": ["start"]}),
        told(JOB | {"actions": [{"status": "OK"}]}),
        told(JOB | {"actions": [{"name": "a", "externalId": 4711}]}),
        b'{"run": ' + b"9" * 21 + b"}",
        b"[" + b"[]," * 200_000 + b"[]]",
        b"[" + b"{}," * 150_000 + b"{}]",
    ],
    ids=range(29),
)
def test_garbage_says_nothing_about_a_job(garbage: bytes) -> None:
    with pytest.raises(errors.OozieUnavailableError, match="not Oozie's"):
        documents.parse_job(garbage)


@pytest.mark.parametrize(
    "garbage", [b"{}", b"[]", b'{"workflows": {}}', b'{"workflows": [1]}', b'{"workflows": [], "total": "0"}']
)
def test_a_list_that_is_none_does_not_read_as_no_jobs(garbage: bytes) -> None:
    with pytest.raises(errors.OozieUnavailableError):
        documents.parse_rows(garbage)


@pytest.mark.parametrize("garbage", [b"{}", b"[true]", b'["1"]', b"1"])
def test_versions_that_are_none_are_refused(garbage: bytes) -> None:
    with pytest.raises(errors.OozieUnavailableError):
        documents.parse_versions(garbage)


def test_garbage_is_not_quoted() -> None:
    with pytest.raises(errors.OozieUnavailableError) as caught:
        documents.parse_job(b'{"conf": "hunter2"')
    assert "hunter2" not in repr(caught.value) + str(caught.value)
    assert caught.value.__context__ is None


def test_an_answer_of_very_many_values_is_refused_before_they_are_made() -> None:
    attack = b"[" + b"[]," * 1_000_000 + b"[]]"
    tracemalloc.start()
    try:
        with pytest.raises(errors.OozieUnavailableError, match="values"):
            documents.parse_job(attack)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000


def test_a_job_of_some_thousand_actions_is_read() -> None:
    action = JOB["actions"][1] | {"conf": "<sge/>, ", "startTime": ROW["createdTime"]} | dict.fromkeys("abcdefghij")
    assert len(documents.parse_job(told(JOB | {"actions": [action] * 5000})).actions) == 5000


def test_a_page_of_more_rows_than_asked_for_is_garbage() -> None:
    assert len(documents.parse_rows(told({"total": 200, "workflows": [ROW] * 200})).rows) == 200
    with pytest.raises(errors.OozieUnavailableError, match="more than the 200 rows"):
        documents.parse_rows(told({"total": 201, "workflows": [ROW] * 201}))


@pytest.mark.parametrize("key", ["id", "user"])
def test_a_row_with_a_text_longer_than_any_real_one_is_garbage(key: str) -> None:
    with pytest.raises(errors.OozieUnavailableError, match="256 characters"):
        documents.parse_rows(told({"total": 1, "workflows": [ROW | {key: "x" * 257}]}))


@pytest.mark.parametrize(
    "told_time",
    [
        "",
        " ",
        "yesterday",
        "Fri, 02 Jan 2026 10:00:07 +99999999999999999999",
        "Fri, 02 Jan 99999999999999999999 10:00:07 GMT",
        "Jan 99999999999999999999 10:00:07 x +9999999999999999999 : 0",
        "Fri, 02 Jan 2026 10:00:07 " + "-" * 100_000,
    ],
)
def test_a_time_that_is_none_is_unknown(told_time: str) -> None:
    created = time_of(told_time)
    assert created is None or created.year == 2026


def time_of(text: str) -> datetime.datetime | None:
    """What becomes of the text in a row."""
    ((_, created),) = documents.parse_rows(told({"total": 1, "workflows": [ROW | {"createdTime": text}]})).rows
    return created


@hypothesis.given(
    st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(9999, 12, 31)).map(
        lambda moment: moment.replace(microsecond=0, tzinfo=datetime.UTC)
    )
)
def test_a_time_as_servers_write_it_is_read_as_the_standard_library_reads_it(moment: datetime.datetime) -> None:
    text = email.utils.format_datetime(moment, usegmt=True)
    assert time_of(text) == moment == email.utils.parsedate_to_datetime(text)
    other = text.replace(" GMT", " +0200")
    assert time_of(other) == email.utils.parsedate_to_datetime(other)


@pytest.mark.parametrize("text", ["Sun, 31 Feb 2026 10:00:07 GMT", "Sun, 01 Foo 2026 10:00:07 GMT", "Sun, 01 Feb"])
def test_a_time_that_does_not_exist_is_unknown(text: str) -> None:
    assert time_of(text) is None


def test_a_complaint_is_cut_to_one_short_line() -> None:
    headers = {"oozie-error-code": " E0604 ", "oozie-error-message": "E0604: Job\x1b[31m does not exist " + "x" * 900}
    complaint = documents.parse_error(headers)
    assert complaint.code == "E0604"
    assert "\x1b" not in complaint.message
    assert len(complaint.message) == 300
    assert documents.parse_error({}) == documents.Complaint("", "")


def test_a_configuration_escapes_its_values() -> None:
    assert documents.configuration({"user.name": "a<b&c"}) == (
        b'<?xml version="1.0" encoding="UTF-8"?><configuration>'
        b"<property><name>user.name</name><value>a&lt;b&amp;c</value></property></configuration>"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*JOB, "workflows", "total", "name"]) | st.text(max_size=4), inner, max_size=6
        )
    ),
    max_leaves=20,
)


@hypothesis.given(JSON)
def test_any_json_is_read_or_is_garbage_and_nothing_else(value: Any) -> None:
    for parse in (documents.parse_job, documents.parse_rows, documents.parse_versions):
        try:
            parse(told(value))
        except errors.OozieUnavailableError:
            continue
