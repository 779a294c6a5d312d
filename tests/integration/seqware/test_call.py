import asyncio
import fcntl
import functools
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading
import types

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.seqware import call, transcript
from tests.integration.seqware import workshop

#: Starts a call and then waits for somebody to kill it.
CALLER = """
import asyncio, pathlib, sys
from niassa_orch.seqware import call
from tests.integration.seqware import workshop
async def main():
    await call.start(sys.argv[2:], pathlib.Path(sys.argv[1]), workshop.header(1))
    print("STARTED", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_a_call_leaves_header_records_and_the_engines_words(shop: workshop.Workshop) -> None:
    path = shop.directory / "transcript"
    header = workshop.header(1234)
    started = await call.start([str(shop.install()), "launch", "1234"], path, header)
    assert await started.wait() == 0
    assert call.read_header(path) == header
    assert path.stat().st_mode & 0o777 == 0o600
    found = transcript.parse(path.read_bytes(), header.accessions)
    assert (found.begun, found.ended, found.exit_code, found.preamble) == (True, True, 0, "")
    assert "SEEN" in found.tail


async def test_who_looks_at_the_moment_of_the_start_whether_a_call_lives_does_not_keep_it_from_starting(
    shop: workshop.Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shop.directory / "transcript"

    def looked_at(descriptor: int, how: int) -> None:
        with path.open("rb") as looker:
            fcntl.flock(looker, fcntl.LOCK_SH)
            looks = threading.Timer(0.1, os.close, [os.dup(looker.fileno())])
            looks.start()
        fcntl.flock(descriptor, how)
        looks.join()

    locks = types.SimpleNamespace(LOCK_EX=fcntl.LOCK_EX, LOCK_NB=fcntl.LOCK_NB, LOCK_SH=fcntl.LOCK_SH, flock=looked_at)
    with monkeypatch.context() as patched:
        patched.setattr(call, "fcntl", locks)
        started = await call.start([str(shop.install()), "launch", "1"], path, workshop.header(1))
    assert await started.wait() == 0


async def test_a_call_can_be_waited_for_by_several_and_again(shop: workshop.Workshop) -> None:
    started = await call.start([str(shop.install()), "launch", "1"], shop.directory / "t", workshop.header(1))
    assert list(await asyncio.gather(started.wait(), started.wait())) == [0, 0]
    assert await started.wait() == 0


async def test_the_child_gets_the_transcript_and_nothing_else_of_ours(
    shop: workshop.Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "canary")
    engine = workshop.write_engine(shop.directory / "show", workshop.SHOW)
    path = shop.directory / "transcript"
    started = await call.start([str(engine)], path, workshop.header(1))
    await started.wait()
    text = workshop.read(path)
    seen = json.loads(text.splitlines()[1].removeprefix("SEEN "))
    assert "canary" not in text
    assert (seen["stdin"], seen["cwd"], seen["sid"]) == ("/dev/null", "/", started.pid)
    assert seen["fds"] == ["0", "1", "2", "3"]


async def test_nobody_is_left_unreaped(shop: workshop.Workshop) -> None:
    started = await call.start([str(shop.install()), "launch", "1"], shop.directory / "t", workshop.header(1))
    await started.wait()
    assert not await asyncio.to_thread(pathlib.Path(f"/proc/{started.pid}").exists)


async def test_a_transcript_that_exists_is_never_written_again(shop: workshop.Workshop) -> None:
    path = shop.directory / "transcript"
    path.write_text("evidence of another call")
    trace = shop.directory / "launched"
    with pytest.raises(errors.EngineCallError, match="File exists"):
        await call.start([str(shop.install(f"open({str(trace)!r}, 'w')")), "launch", "1"], path, workshop.header(1))
    assert path.read_text() == "evidence of another call"
    assert not trace.exists()


async def test_a_program_that_is_not_there_leaves_the_intent_and_the_reason(shop: workshop.Workshop) -> None:
    path = shop.directory / "transcript"
    with pytest.raises(errors.EngineCallError, match=r"of bob as niassa-bob: .*No such file"):
        await call.start(["/nowhere/mediator", "launch", "1"], path, workshop.header(1))
    assert call.read_header(path).account == "bob"
    found = transcript.parse(path.read_bytes(), [runs.Accession(1)])
    assert not found.begun
    assert "/nowhere/mediator could not be started" in found.preamble
    assert not call.is_held(path)


async def test_without_a_directory_nothing_is_started(shop: workshop.Workshop) -> None:
    path = shop.directory / "missing" / "transcript"
    with pytest.raises(errors.EngineCallError):
        await call.start([str(shop.install()), "launch", "1"], path, workshop.header(1))
    assert not path.exists()


async def test_a_full_disk_at_the_header_starts_nothing(shop: workshop.Workshop) -> None:
    trace = shop.directory / "launched"
    mediator = shop.install(f"open({str(trace)!r}, 'w')")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(errors.EngineCallError):
            await call.start([str(mediator), "launch", "1"], shop.directory / "t", workshop.header(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert not (shop.directory / "t").exists(), "a transcript would say that something may have been started"
    assert not trace.exists()


async def test_the_lock_is_held_as_long_as_a_grandchild_lives(shop: workshop.Workshop) -> None:
    gate = shop.directory / "gate"
    os.mkfifo(gate)
    code = "import os\nif os.fork() == 0:\n    os.setsid()\n    print('WAITING', flush=True)\n"
    code += f"    open({str(gate)!r}).read()\n"
    engine = workshop.write_engine(shop.directory / "engine", code)
    path = shop.directory / "transcript"
    started = await call.start([str(engine)], path, workshop.header(1))
    waiting = asyncio.create_task(started.wait())
    workshop.until(lambda: "WAITING" in workshop.read(path))
    await asyncio.to_thread(workshop.until, lambda: not pathlib.Path(f"/proc/{started.pid}").exists())
    assert call.is_held(path)
    assert not waiting.done()
    gate.write_text("go")
    assert await asyncio.wait_for(waiting, 60) == 0
    assert not call.is_held(path)


async def test_cancelling_who_waits_leaves_the_call_alone(shop: workshop.Workshop) -> None:
    gate = shop.directory / "gate"
    os.mkfifo(gate)
    path = shop.directory / "transcript"
    mediator = shop.install(f"open({str(gate)!r}).read()\nprint('DONE')")
    started = await call.start([str(mediator), "launch", "1"], path, workshop.header(1))
    waiting = asyncio.create_task(started.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.to_thread(gate.write_text, "go")
    assert await started.wait() == 0
    assert "DONE\n" in workshop.read(path)


def has_ended(path: pathlib.Path) -> bool:
    return '"end"' in workshop.read(path)


async def test_cancelling_the_start_loses_nothing(shop: workshop.Workshop) -> None:
    mediator = shop.install("print('DONE')")
    for number in range(10):
        path = shop.directory / f"transcript-{number}"
        starting = asyncio.create_task(call.start([str(mediator), "launch", "1"], path, workshop.header(1)))
        for _ in range(number % 3):
            await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    begun = []
    for path in shop.directory.glob("transcript-*"):
        await asyncio.to_thread(workshop.until, functools.partial(has_ended, path))
        await call.wait_until_free(path)
        begun.append(transcript.parse(path.read_bytes(), [runs.Accession(1)]).ended)
    assert all(begun)
    assert begun


def test_calls_work_in_any_event_loop_one_after_another(shop: workshop.Workshop) -> None:
    mediator = shop.install()

    async def one(name: str) -> int:
        started = await call.start([str(mediator), "launch", "1"], shop.directory / name, workshop.header(1))
        return await started.wait()

    assert asyncio.run(one("first")) == 0
    assert asyncio.run(one("second")) == 0


def test_a_call_outlives_the_loop_that_started_it(shop: workshop.Workshop) -> None:
    gate = shop.directory / "gate"
    os.mkfifo(gate)
    mediator = shop.install(f"open({str(gate)!r}).read()\nprint('DONE')")
    path = shop.directory / "transcript"

    async def start() -> int:
        return (await call.start([str(mediator), "launch", "1"], path, workshop.header(1))).pid

    pid = asyncio.run(start())
    assert call.is_held(path)
    gate.write_text("go")
    asyncio.run(call.wait_until_free(path))
    assert "DONE\n" in workshop.read(path)
    workshop.until(lambda: not pathlib.Path(f"/proc/{pid}").exists())


def test_a_call_outlives_a_caller_that_is_killed_and_its_lock_tells(shop: workshop.Workshop) -> None:
    gate = shop.directory / "gate"
    os.mkfifo(gate)
    mediator = shop.install(f"open({str(gate)!r}).read()\nfor n in range(1000): print('LINE', n, flush=True)")
    path = shop.directory / "transcript"
    words = [sys.executable, "-c", CALLER, str(path), str(mediator), "launch", "1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=pathlib.Path(__file__).parents[3]) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"STARTED\n"
        caller.kill()
    assert call.is_held(path)
    assert call.read_header(path).accessions == (1,)
    gate.write_text("go")
    asyncio.run(call.wait_until_free(path))
    found = transcript.parse(path.read_bytes(), [runs.Accession(1)])
    assert (found.ended, found.exit_code) == (True, 0)
    assert "LINE 999" in found.tail


@pytest.mark.parametrize(
    "code",
    [
        "open('/dev/stderr', 'w').write('x')",
        "import os; os.ftruncate(1, 0); print('x' * 9000)",
        "import os; os.ftruncate(1, HEADER)  # just our first line is left",
    ],
)
async def test_a_transcript_that_the_engine_cuts_is_not_taken_for_one_of_a_call_that_never_began(
    shop: workshop.Workshop, code: str
) -> None:
    path = shop.directory / "transcript"
    header = workshop.header(1234)
    mediator = shop.install(code.replace("HEADER", str(len(header.to_line()))))
    await (await call.start([str(mediator), "launch", "1234"], path, header)).wait()
    found = transcript.parse(path.read_bytes(), header.accessions)
    assert (found.begun, found.intact) == (False, False)


def test_looking_at_the_lock_never_takes_it_from_anybody(shop: workshop.Workshop) -> None:
    path = shop.directory / "transcript"
    path.write_text("")
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not call.is_held(path)
    with path.open("ab") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        assert call.is_held(path)
    assert not call.is_held(path)


def test_a_lock_without_a_transcript_is_an_error_and_not_free(shop: workshop.Workshop) -> None:
    with pytest.raises(FileNotFoundError):
        call.is_held(shop.directory / "missing")
