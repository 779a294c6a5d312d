"""What ``history`` tells of a real journal and a real audit trail."""

import asyncio
import contextlib
import dataclasses
import datetime
import json
import pathlib
import sqlite3

from niassa_orch.core import audit, state_directory
from niassa_orch.domain import orders, runs, settling, transitions
from niassa_orch.journal import moments, records, store
from tests.fakes import launches
from tests.integration.cli import commands

ROOT = orders.Operator(0, "root")
VERDICT = records.Settled(settling.Outcome.LAUNCHED, "the record names the job", "7-W")


def place(tmp_path: pathlib.Path) -> tuple[pathlib.Path, state_directory.StateDirectory]:
    """Settings, and the state directory that they name."""
    directory = state_directory.StateDirectory(tmp_path / "state")
    directory.open()
    directory.close()
    config = tmp_path / "niassa-orch.toml"
    config.write_text(f'state_dir = "{directory.path}"\naccounts_dir = "{tmp_path}"\n', "utf-8")
    return config, directory


async def play(directory: state_directory.StateDirectory) -> None:
    """Run 7 of bob is launched, killed and written; run 8 is held; bob is paused, all are stopped; carol is another."""
    trail = audit.Trail(directory.path / "audit")
    begun = [launches.launch(number, f"call{number}", created=moments.ago(60)) for number in (7, 8)]
    with contextlib.closing(store.Journal(directory.journal)) as journal, contextlib.closing(trail):
        await trail.begin(audit.Entry("start", details={"host": "server2", "version": "9"}))
        await trail.begin(*map(audit.of_launch, begun))
        await journal.intend([*begun, launches.launch(9, "hers", account="carol", created=moments.now())])
        await journal.settle(begun[0], VERDICT)
        trail.note(audit.of_launch(begun[0], f"{VERDICT.outcome}: {VERDICT.reason}", "7-W"))
        await journal.note(begun[1], settling.Outcome.HELD, "two jobs of it")
        kill = audit.Entry("kill", "bob", "niassa-bob", accession=runs.Accession(7), details={"job": "7-W"})
        await trail.begin(kill)
        await journal.acts.intend(launches.act("7-W", transitions.Act.KILL, 0))
        trail.note(dataclasses.replace(kill, result="KILLED, run 0"))
        ini = {"from": "running", "status": "cancelled", "stdOut": "..."}
        await trail.begin(audit.Entry("write", "bob", "niassa-bob", accession=runs.Accession(7), details=ini))
        now = datetime.datetime.now(datetime.UTC)
        await journal.orders.give(orders.Order(orders.Kind.PAUSE, "bob", ROOT, now, "repair"))
        await journal.orders.give(
            orders.Order(orders.Kind.STOP, "", ROOT, now + datetime.timedelta(seconds=1), "flood")
        )


def told(config: pathlib.Path, *words: str) -> list[dict[str, object]]:
    said = commands.done("--config", str(config), "history", *words, "--json")
    assert (said.returncode, said.stderr) == (0, "")
    return list(json.loads(said.stdout)["steps"])


async def test_the_history_of_a_run_and_of_an_account(tmp_path: pathlib.Path) -> None:
    config, directory = place(tmp_path)
    await play(directory)
    before = {file.name: file.read_bytes() for file in directory.path.glob("journal.sqlite")}
    of_run = await asyncio.to_thread(told, config, "7")
    whats = [step["what"] for step in of_run]
    assert whats == ["launch", "start", "verdict", "kill", "write", "pause", "stop-launching"]
    assert [step["result"] for step in of_run][2:4] == ["launched, job 7-W: the record names the job", "KILLED, run 0"]
    of_account = await asyncio.to_thread(told, config, "bob")
    assert {step["accession"] for step in of_account} == {7, 8, None}
    assert of_account[-1]["time"] is None
    assert "held: two jobs of it" in str(of_account[-1]["result"])
    said = commands.done("--config", str(config), "history", "bob")
    assert len(said.stdout.splitlines()) == len(of_account)
    assert {file.name: file.read_bytes() for file in directory.path.glob("journal.sqlite")} == before


async def test_a_running_service_is_not_disturbed_nor_waited_for(tmp_path: pathlib.Path) -> None:
    config, directory = place(tmp_path)
    await play(directory)
    with contextlib.closing(sqlite3.connect(directory.journal, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert await asyncio.to_thread(told, config, "7")
        writer.execute("ROLLBACK")


async def test_pages_lead_back_to_the_first_step(tmp_path: pathlib.Path) -> None:
    config, directory = place(tmp_path)
    await play(directory)
    whole = [step for step in told(config, "bob") if step["time"]]
    page = commands.done("--config", str(config), "history", "bob", "--limit", "3").stdout.splitlines()
    assert len(page) == 4
    assert page[0].startswith("... there is more before these")
    until = str(whole[-2]["time"])
    earlier = told(config, "bob", "--until", until)
    assert earlier == [step for step in whole if str(step["time"]) < until]


def test_what_nobody_knows_is_a_failure_in_words(tmp_path: pathlib.Path) -> None:
    config, directory = place(tmp_path)
    nothing = commands.done("--config", str(config), "history", "7")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert f"there is no journal {directory.journal}" in nothing.stderr
    assert "knows anything of '7'" in nothing.stderr
    for odd in (("7", "--since", "soon"), ("0",), ("9" * 30,), ("7", "--limit", "0")):
        assert commands.done("--config", str(config), "history", *odd).returncode == 2
    assert commands.done("--config", str(config), "history", "../state/lock").returncode == 1


def test_what_came_of_something_is_told_though_it_came_after_the_time_that_is_asked_for(tmp_path: pathlib.Path) -> None:
    config, directory = place(tmp_path)
    entry = {"what": "kill", "account": "bob", "unix_user": "niassa-bob", "operator": "service", "accession": 7}
    entry |= {"details": {"job": "7-W"}}
    begun = entry | {"time": "2026-01-01T00:00:00.000+00:00", "result": ""}
    ended = entry | {"time": "2026-01-01T00:00:05.000+00:00", "result": "KILLED, run 0"}
    (directory.path / "audit").mkdir()
    text = "".join(json.dumps(one) + "\n" for one in (begun, ended))
    (directory.path / "audit" / "bob.jsonl").write_text(text, "utf-8")
    said = commands.done("--config", str(config), "history", "bob", "--until", "2026-01-01T00:00:02", "--json")
    assert [step["result"] for step in json.loads(said.stdout)["steps"]] == ["KILLED, run 0"]


async def test_what_a_service_that_was_killed_left_beside_the_journal_stays(tmp_path: pathlib.Path) -> None:
    config, directory = place(tmp_path)
    await play(directory)
    with contextlib.closing(sqlite3.connect(directory.journal)) as living:
        living.execute("UPDATE launches SET reason = 'only in the log'")
        living.commit()
        files = {name: directory.journal.with_name(name) for name in ("journal.sqlite", "journal.sqlite-wal")}
        left = {name: file.read_bytes() for name, file in files.items()}
    for name, content in left.items():
        files[name].write_bytes(content)
    of_run = await asyncio.to_thread(told, config, "7")
    assert "only in the log" in json.dumps(of_run)
    assert {name: file.read_bytes() for name, file in files.items()} == left
