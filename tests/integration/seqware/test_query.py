import asyncio
import concurrent.futures
import json
import pathlib
import sys
import threading
import time
import traceback

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.seqware import answers, identity, query
from tests.integration.seqware import workshop

OWN = identity.Identity("us", own=True)
CANARY = "canary-secret"


def stand_in(shop: workshop.Workshop, code: str) -> list[str]:
    return [str(workshop.write_engine(shop.directory / "stand-in", code)), "settings"]


async def test_settings_arrive_and_stay_out_of_sight(shop: workshop.Workshop) -> None:
    found = await query.settings(identity.argv(OWN, shop.install(), "settings"))
    assert CANARY.encode() in found.content
    assert found.path == str(shop.settings_file)
    assert CANARY not in repr(found)


async def test_texts_arrive_by_accession(shop: workshop.Workshop) -> None:
    directory = shop.directory / "oozie-12345678"
    (directory / "generated-scripts").mkdir(parents=True)
    (directory / "generated-scripts" / "align.o7").write_text("line one\u2028still\x85line one\n", "utf-8")
    asked = {runs.Accession(1): str(directory), runs.Accession(2): str(shop.directory / "oozie-gonegone")}
    found = await query.texts(identity.argv(OWN, shop.install(), "texts"), asked)
    assert found[runs.Accession(2)] is None
    read = found[runs.Accession(1)]
    assert read is not None
    (text,) = read.files
    assert (text.step, text.stream, text.number, text.cut) == ("align", "o", 7, False)
    assert text.text == "line one\u2028still\x85line one\n"


async def test_held_locks_arrive(shop: workshop.Workshop) -> None:
    answer = json.dumps({"record": "lock", "held": [{"name": "seqware-h.lock", "pid": 7, "command": "java ..."}]})
    assert await query.locks(stand_in(shop, f"print({answer!r})")) == (
        answers.HeldLock("seqware-h.lock", 7, "java ..."),
    )
    assert isinstance(await query.locks(identity.argv(OWN, shop.install(), "lock")), tuple)


async def test_a_mediator_that_is_too_old_for_the_question_refuses_it(shop: workshop.Workshop) -> None:
    refused = json.dumps({"record": "refused", "refused": "the verbs are: launch A B C, settings, texts, version"})
    argv = stand_in(shop, f"print({refused!r})\nraise SystemExit(64)")
    with pytest.raises(errors.MediatorRefusedError, match="the verbs are"):
        await query.locks(argv)


async def test_a_refusal_says_what_the_mediator_said(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    shop.settings_file.unlink()
    with pytest.raises(errors.MediatorRefusedError, match=r"settings cannot be read as .*: No such file"):
        await query.settings(identity.argv(OWN, mediator, "settings"))


async def test_a_mediator_that_is_not_there_is_explained() -> None:
    with pytest.raises(errors.SudoRefusedError, match=r"install it with mode 0755.*/nowhere/mediator"):
        await query.ask(["/nowhere/mediator", "settings"])


async def test_an_answer_that_never_comes_is_given_up_and_its_process_ended(shop: workshop.Workshop) -> None:
    trace = shop.directory / "pid"
    code = "import os, time, signal\nsignal.signal(15, signal.SIG_IGN)\n"
    code += f"open({str(trace)!r}, 'w').write(str(os.getpid()))\n"
    argv = stand_in(shop, code + "print('canary-secret', flush=True)\ntime.sleep(600)")
    with pytest.raises(errors.EngineCallError, match="no answer in time") as caught:
        await query.ask(argv, deadline_seconds=5.0)
    assert CANARY not in str(caught.value)
    assert not workshop.lives(int(trace.read_text()))


async def test_an_answer_without_end_is_given_up(shop: workshop.Workshop) -> None:
    argv = stand_in(shop, "while True: print('x' * 1000)")
    with pytest.raises(errors.EngineCallError, match="longer than 1000000 bytes"):
        await query.ask(argv, most_bytes=1_000_000)


async def test_a_large_question_and_a_large_answer_do_not_block_each_other(shop: workshop.Workshop) -> None:
    argv = stand_in(shop, "import sys\nsys.stdout.write('y' * 3000000)\nsys.stdout.write(str(len(sys.stdin.read())))")
    answer = await query.ask(argv, b"x" * 1_000_000)
    assert answer == b"y" * 3_000_000 + b"1000000"


async def test_who_cancels_does_not_wait_for_the_answer(shop: workshop.Workshop) -> None:
    trace = shop.directory / "pid"
    code = f"import os, time\nopen({str(trace)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    asking = asyncio.create_task(query.ask(stand_in(shop, code), deadline_seconds=100))
    await asyncio.to_thread(workshop.until, lambda: workshop.read(trace) != "")
    started = time.monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.to_thread(workshop.until, lambda: not workshop.lives(int(trace.read_text())))
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "not json canary-secret",
        json.dumps({"path": "/x", "content_base64": "canary-secret!"}),
        json.dumps([CANARY]),
        '{"canary-secret": ' + "[" * 50_000,
    ],
)
async def test_a_garbled_answer_appears_nowhere(shop: workshop.Workshop, answer: str) -> None:
    (shop.directory / "answer").write_text(answer)
    argv = stand_in(shop, f"print(open({str(shop.directory / 'answer')!r}).read())")
    with pytest.raises(errors.EngineCallError, match="install the mediator anew") as caught:
        await query.settings(argv)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


async def test_a_mediator_that_fails_shows_its_complaint_but_not_its_answer(shop: workshop.Workshop) -> None:
    argv = stand_in(
        shop, "import sys\nprint('canary-secret')\nprint('it broke', file=sys.stderr)\nraise SystemExit(74)"
    )
    with pytest.raises(errors.EngineCallError, match=r"exit code 74 \(it broke\)") as caught:
        await query.ask(argv)
    assert CANARY not in repr(caught.value)
    assert not isinstance(caught.value, errors.SudoRefusedError | errors.MediatorRefusedError)


async def test_a_real_sudo_that_says_no_is_explained() -> None:
    user = identity.Identity("niorch-nobody-of-this-name")
    with pytest.raises(errors.SudoRefusedError, match="niorch-nobody-of-this-name") as caught:
        await query.ask(identity.argv(user, pathlib.Path(sys.executable), "version"))
    assert "the mediator did not run as" in str(caught.value)


async def test_hanging_questions_take_no_thread_from_anybody(shop: workshop.Workshop) -> None:
    """The event loop's executor looks up host names too: with its threads taken, no account reaches any server."""
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        asyncio.get_running_loop().set_default_executor(executor)
        argv = stand_in(shop, "import time\ntime.sleep(600)")
        asking = [asyncio.create_task(query.ask(argv, deadline_seconds=100)) for _ in range(3)]
        await asyncio.sleep(0)  # each has asked for its thread
        try:
            await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo("localhost", 80), 60)
        finally:
            for task in asking:
                task.cancel()
            assert all(
                isinstance(ended, asyncio.CancelledError)
                for ended in await asyncio.gather(*asking, return_exceptions=True)
            )


async def test_an_answer_is_read_in_the_thread_of_its_question(
    shop: workshop.Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[str] = []

    def read(answer: bytes) -> answers.SettingsFile | None:
        readers.append(threading.current_thread().name)
        return parse(answer)

    parse = answers.parse_settings
    monkeypatch.setattr(answers, "parse_settings", read)
    await query.settings(identity.argv(OWN, shop.install(), "settings"))
    assert readers == ["question-settings"]


async def test_settings_and_texts_that_no_mediator_sends_are_too_long(shop: workshop.Workshop) -> None:
    argv = stand_in(shop, "while True: print('x' * 1000)")
    with pytest.raises(errors.EngineCallError, match="longer than 2097152 bytes"):
        await query.settings(argv)
    with pytest.raises(errors.EngineCallError, match="longer than 8388608 bytes"):
        await query.texts(argv, {runs.Accession(1): "/a/oozie-12345678", runs.Accession(2): "/a/oozie-23456789"})


async def test_texts_and_settings_as_large_as_the_mediator_allows_arrive(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    shop.settings_file.write_bytes(b"#" * (1 << 20))
    assert len((await query.settings(identity.argv(OWN, mediator, "settings"))).content) == 1 << 20
    directory = shop.directory / "oozie-12345678"
    (directory / "generated-scripts").mkdir(parents=True)
    for number in range(1000):
        (directory / "generated-scripts" / f"{'n' * 190}.o{number}").write_bytes(b"\xff" * 1100)
    found = await query.texts(identity.argv(OWN, mediator, "texts"), {runs.Accession(1): str(directory)})
    read = found[runs.Accession(1)]
    assert read is not None
    assert sum(len(file.text) for file in read.files) == 1 << 20


async def test_forged_texts_are_not_understood(shop: workshop.Workshop) -> None:
    forged = json.dumps({"accession": 1, "files": [{"name": "canary-secret", "mtime": "now"}]})
    argv = stand_in(shop, f"print({forged!r})")
    with pytest.raises(errors.EngineCallError, match="answer to texts is not what this version expects") as caught:
        await query.texts(argv, {runs.Accession(1): "/a/oozie-12345678"})
    assert CANARY not in "".join(traceback.format_exception(caught.value))


async def test_who_has_said_all_and_does_not_end_is_ended(shop: workshop.Workshop) -> None:
    trace = shop.directory / "pid"
    code = f"import os, time\nopen({str(trace)!r}, 'w').write(str(os.getpid()))\nos.close(1)\ntime.sleep(600)"
    with pytest.raises(errors.EngineCallError, match="no end in time"):
        await query.ask(stand_in(shop, code), deadline_seconds=5.0)
    assert not workshop.lives(int(trace.read_text()))


async def test_who_ends_by_itself_while_it_is_ended_is_given_up_for_what_it_did(shop: workshop.Workshop) -> None:
    argv = stand_in(shop, "import os\nos.write(1, b'x' * 1001)")
    for _ in range(30):
        with pytest.raises(errors.EngineCallError, match="longer than 1000 bytes"):
            await query.ask(argv, most_bytes=1000)
