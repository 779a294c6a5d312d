import json
import math
import typing

import hypothesis
import pytest
from hypothesis import strategies

from niassa_orch.domain import runs
from niassa_orch.domain import texts as domain_texts
from niassa_orch.seqware import answers

FILE = {
    "name": "align.o7",
    "step": "align",
    "stream": "o",
    "number": 7,
    "mtime": 1.5,
    "size": 9,
    "kept": 4,
    "cut": True,
    "text": "text",
}


def texts(**fields: object) -> domain_texts.StepFile | None:
    answer = json.dumps({"accession": 1, "files": [{**FILE, **fields}]}).encode()
    found = answers.parse_texts(answer)
    read = found[runs.Accession(1)] if found else None
    return read.files[0] if read else None


def test_a_good_file_is_taken_as_it_is() -> None:
    assert texts() == domain_texts.StepFile("align.o7", "align", "o", 7, 1.5, 9, 4, True, "text", "")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": 1},
        {"name": None},
        {"step": ["align"]},
        {"stream": "x"},
        {"stream": ["o"]},
        {"number": "7"},
        {"number": True},
        {"number": 7.0},
        {"number": -1},
        {"number": 10**18},
        {"size": None},
        {"size": -1},
        {"size": 1e3},
        {"size": 1 << 63},
        {"kept": "4"},
        {"kept": -1},
        {"error": 1},
        {"error": None},
        {"cut": 1},
        {"cut": "false"},
        {"text": None},
        {"text": {"a": 1}},
    ],
)
def test_a_field_of_another_kind_makes_the_answer_not_understood(fields: dict[str, object]) -> None:
    assert texts(**fields) is None


def test_an_earlier_mediator_that_does_not_say_how_much_it_kept_is_understood() -> None:
    file = {key: value for key, value in FILE.items() if key != "kept"}
    found = answers.parse_texts(json.dumps({"accession": 1, "files": [file | {"text": "ä€"}]}).encode())
    assert found is not None
    read = found[runs.Accession(1)]
    assert read is not None
    assert read.files == (texts(kept=5, text="ä€"),)


@pytest.mark.parametrize("left_out", [-1, "3", None, 2.0])
def test_a_number_of_files_left_out_that_is_none_makes_the_answer_not_understood(left_out: object) -> None:
    assert answers.parse_texts(json.dumps({"accession": 1, "files": [], "left_out": left_out}).encode()) is None


@pytest.mark.parametrize("mtime", [math.nan, math.inf, -math.inf, -1, 253402300800, 1e300, 10**400, "1.5", None, [1]])
def test_a_time_that_no_file_can_have_is_the_epoch(mtime: object) -> None:
    found = texts(mtime=mtime)
    assert found is not None
    assert found.mtime == 0.0


def test_halves_of_characters_do_not_get_through() -> None:
    found = texts(text="a\ud800b", name="\udfff", step="\udfff")
    assert found is not None
    assert (found.text, found.name, found.step) == ("a?b", "?", "?")


@pytest.mark.parametrize("accession", [True, "1", 1.0, [1], None, -1, 10**18])
def test_an_accession_of_another_kind_makes_the_answer_not_understood(accession: object) -> None:
    assert answers.parse_texts(json.dumps({"accession": accession, "gone": True}).encode()) is None


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b'"mode": 384', b'"mode": Infinity'),
        (b'"mode": 384', b'"mode": "384"'),
        (b'"owner_uid": 0', b'"owner_uid": 1.5'),
        (b'"owner_uid": 0', b'"owner_uid": ' + b"9" * 5000),
        (b'"path": "/x"', b'"path": 7'),
        (b'"content_base64": "YQ=="', b'"content_base64": ["YQ=="]'),
    ],
)
def test_settings_with_a_field_of_another_kind_are_not_understood(good: bytes, bad: bytes) -> None:
    answer = b'{"path": "/x", "mode": 384, "owner_uid": 0, "content_base64": "YQ=="}'
    assert answers.parse_settings(answer) == answers.SettingsFile("/x", 0o600, 0, b"a")
    assert good in answer
    assert answers.parse_settings(answer.replace(good, bad)) is None


CRONTAB = {"installed": True, "text": "", "scripts": []}


@pytest.mark.parametrize(
    "fields",
    [
        {"scripts": [{"path": f"/{number}/b", "text": "b"} for number in range(101)]},
        {"scripts": [{"path": "/a", "text": "b" * (1 << 19)}, {"path": "/c", "text": "b" * ((1 << 19) + 1)}]},
        {"text": "b" * ((1 << 20) + 1)},
    ],
)
def test_a_crontab_larger_than_the_mediator_tells_is_not_looked_through(fields: dict[str, object]) -> None:
    assert answers.parse_crontab(json.dumps(CRONTAB).encode()) is not None
    assert answers.parse_crontab(json.dumps({**CRONTAB, **fields}).encode()) is None


def test_a_version_without_any_command_is_not_understood() -> None:
    version = {"version": 1, "user": "bob", "command": [], "engine_runs": True, "engine_version": None}
    assert answers.parse_version(json.dumps(version).encode()) is None


def test_a_refusal_is_short_whatever_is_said() -> None:
    assert answers.parse_refusal(json.dumps({"refused": "no" * 9000}).encode()) == "no" * 250
    for nonsense in (b"", b"[" * 100_000, b"7", b'{"refused": 7}', b"\xff"):
        assert answers.parse_refusal(nonsense) is None


JSON: strategies.SearchStrategy[typing.Any] = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.sampled_from([*FILE, "files"]), inner),
    max_leaves=20,
)


@hypothesis.given(JSON | strategies.dictionaries(strategies.sampled_from(["accession", "files"]), JSON))
def test_no_answer_raises_anything(value: object) -> None:
    answer = json.dumps(value).encode()
    for parse in (answers.parse_settings, answers.parse_texts, answers.parse_refusal):
        parse(answer)


HELD = {"name": "seqware-host.lock", "pid": 7, "command": "java ... workflow-run launch-scheduled"}


def locks(*held: object) -> tuple[answers.HeldLock, ...] | None:
    return answers.parse_locks(json.dumps({"record": "lock", "held": held}).encode())


def test_held_locks_are_taken_as_they_are() -> None:
    assert locks() == ()
    assert locks(HELD, {**HELD, "pid": None, "command": ""}) == (
        answers.HeldLock("seqware-host.lock", 7, "java ... workflow-run launch-scheduled"),
        answers.HeldLock("seqware-host.lock", None, ""),
    )


def test_a_held_lock_cannot_move_a_cursor_or_fill_a_screen() -> None:
    (found,) = locks({**HELD, "name": "\x1b[2J\u202e\n\ud800" + "n" * 1000, "command": "c\t" + "c" * 1000}) or ()
    assert found.name.startswith("?[2J???n")
    assert found.command.startswith("c?c")
    assert len(found.name) == len(found.command) == 255


@pytest.mark.parametrize(
    "held",
    [
        7,
        "held",
        [],
        {},
        {**HELD, "name": None},
        {**HELD, "name": ["x"]},
        {**HELD, "pid": "7"},
        {**HELD, "pid": True},
        {**HELD, "pid": -1},
        {**HELD, "pid": 1 << 31},
        {**HELD, "pid": 7.0},
        {**HELD, "command": None},
        {**HELD, "command": {"a": 1}},
    ],
)
def test_a_held_lock_of_another_kind_makes_the_answer_not_understood(held: object) -> None:
    assert locks(held) is None


@pytest.mark.parametrize("answer", [b"", b"null", b"[]", b'{"held": null}', b'{"held": {}}', b'{"held": "x"}', b"{}"])
def test_an_answer_that_says_nothing_of_locks_is_not_understood(answer: bytes) -> None:
    assert answers.parse_locks(answer) is None
