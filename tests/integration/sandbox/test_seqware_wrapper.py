"""The wrapper, the settings, the lock and the command line of the engine stand-in."""

import ast
import asyncio
import fcntl
import json
import os
import pathlib
import signal

import pytest

from niassa_orch.sandbox import layout, seqware, up
from tests.integration.sandbox import running

SOURCE = pathlib.Path(seqware.__file__)


def test_it_is_one_file_for_python_3_6() -> None:
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 6))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [node.module for node in imported] == ["typing"]


def test_a_properties_file_is_read_as_java_reads_it(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "settings"
    file.write_bytes(
        b"# no\n ! neither\nsw_rest_url=http\\://h\\:1/x\nSW_REST_USER : b\\u00f6b@lab.net\nSW_REST_PASS=a\\\\b = c \n"
        b"OOZIE_URL=http://h/\\\n   oozie\r\nSW_LOCK_ID\nODD\\=KEY\\ X value\nUMLAUT=\xfc\n"
    )
    assert seqware.read_settings(str(file)) == {
        "SW_REST_URL": "http://h:1/x",
        "SW_REST_USER": "b\u00f6b@lab.net",
        "SW_REST_PASS": "a\\b = c ",
        "OOZIE_URL": "http://h/oozie",
        "SW_LOCK_ID": "",
        "ODD=KEY X": "value",
        "UMLAUT": "\u00fc",
    }


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("workflow-run",),
        ("workflow-run", "launch-scheduled", "--host", "h", "--accession", "1"),
        ("workflow-run", "launch-scheduled", "--accession"),
        ("workflow-run", "launch-scheduled", "--accession", "x"),
        ("workflow-run", "launch-scheduled", "--threads", "2"),
        ("workflow-run", "propagate-statuses", "--threads", "many"),
    ],
)
async def test_a_usage_error_is_1_and_goes_to_stderr(tmp_path: pathlib.Path, words: tuple[str, ...]) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        call = await sandbox.seqware(*words)
        assert (call.exit_code, call.lines) == (1, [])
        assert "Usage" in call.errors


async def test_it_tells_its_version(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        assert (await sandbox.seqware("--version")).told("SeqWare version")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can see how root is refused")
async def test_as_root_it_stops_unless_it_is_told_that_root_is_meant(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        options = sandbox.place.engine.with_name("seqware.json")
        options.write_text(json.dumps(json.loads(options.read_text()) | {"seqware_root": False}))
        words = ("workflow-run", "launch-scheduled", "--accession", "1")
        assert (await sandbox.seqware(*words)).exit_code == 1
        assert (await sandbox.seqware(*words, environment={"SEQWARE_ROOT": "1"})).exit_code == 0


async def test_without_settings_it_creates_crippled_ones(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        home = tmp_path / "empty"
        call = await sandbox.seqware(
            "workflow-run",
            "launch-scheduled",
            "--accession",
            "1",
            environment={"HOME": str(home), "SEQWARE_SETTINGS": ""},
        )
        assert call.exit_code == 15
        assert "SW_REST_PASS=\n" in (home / ".seqware" / "settings").read_text()


async def test_the_lock_is_a_posix_lock_of_the_unix_user_and_ends_with_91(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        file = tmp_path / "locks" / ".junique" / f"seqware-{running.HOST}.lock"
        file.parent.mkdir()
        words = ("workflow-run", "launch-scheduled", "--host", running.HOST)
        with file.open("a") as holder:
            fcntl.lockf(holder, fcntl.LOCK_EX)
            call = await sandbox.seqware(*words)
            assert call.exit_code == 91
            assert any("AlreadyLockedException" in line for line in call.lines)
            other = await sandbox.seqware("workflow-run", "launch-scheduled", "--host", "server9")
            assert other.exit_code == 0
        assert (await sandbox.seqware(*words)).exit_code == 0


async def test_two_calls_of_one_user_wait_for_each_other(tmp_path: pathlib.Path) -> None:
    engine = layout.EngineOptions(jvm_seconds=0.0, lock_tries=100, lock_pause_seconds=0.05)
    behaviour = up.Behaviour(engine=engine)
    async with running.sandbox(tmp_path, running.accounts("bob", "ann"), behaviour) as sandbox:
        runs = [await sandbox.schedule("steps=align:0.5", engine="whitestar", account=number) for number in (0, 1)]
        calls = await asyncio.gather(
            *(
                sandbox.seqware("workflow-run", "launch-scheduled", "--accession", str(run), account=number)
                for number, run in enumerate(runs)
            )
        )
        assert [call.exit_code for call in calls] == [0, 0]
        assert sum(any("Could not acquire lock" in line for line in call.lines) for call in calls) == 1


async def test_a_signal_to_the_wrapper_alone_leaves_the_jvm_at_work(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        run = await sandbox.schedule("steps=align:1.0", engine="whitestar")
        with (tmp_path / "out").open("wb") as out:
            process = await sandbox.start("workflow-run", "launch-scheduled", "--accession", str(run), out=out)

        async def begun() -> bool | None:
            return True if "Running step" in (tmp_path / "out").read_text() else None

        async def completed() -> bool | None:
            return True if (await sandbox.run(run))["status"] == "completed" else None

        assert await running.until(begun)
        os.kill(process.pid, signal.SIGTERM)
        assert await process.wait() == -signal.SIGTERM
        assert (await sandbox.run(run))["status"] == "submitted"
        assert await running.until(completed)


async def test_a_full_standard_output_is_not_noticed(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        run = await sandbox.schedule("steps=align:0")
        with (pathlib.Path("/dev") / "full").open("wb") as full:
            process = await sandbox.start("workflow-run", "launch-scheduled", "--accession", str(run), out=full)
        assert await process.wait() == 0
        assert (await sandbox.run(run))["status"] == "pending"
