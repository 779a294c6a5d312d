"""What happened, step by step: each thing once, in the order of time, in words."""

import dataclasses
import datetime
import json
import os
import random
import typing

from niassa_orch.core import audit, audit_reading, history
from niassa_orch.domain import orders, runs, settling
from niassa_orch.journal import reading
from tests.fakes import launches

ROOT = orders.Operator(0, "root")
BOB = ("bob", "niassa-bob")


def at(second: float) -> str:
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=second)
    return moment.isoformat(timespec="milliseconds")


def told(second: float, entry: audit.Entry) -> audit_reading.Told:
    return audit_reading.Told(at(second), entry)


def settled(second: float = 60, **changes: typing.Any) -> reading.PastLaunch:
    fields = {"outcome": settling.Outcome.LAUNCHED, "reason": "the record names the job", "job_id": "7-W"} | changes
    return reading.PastLaunch(launches.launch(7, **fields), at(second))


def lines(**found: typing.Any) -> list[str]:
    return [step.line for step in history.steps(history.Found(**found))]


def test_a_launch_is_told_by_its_moments_with_what_its_verdict_goes_by() -> None:
    ticks = int(102.5 * os.sysconf("SC_CLK_TCK"))
    evidence = json.dumps({"call": {"exit_code": 0, "refused": None}, "transcript": {"job_id": "7-W"}})
    seen = json.dumps({"status": "submitted", "statusCmd": "private"})
    past = settled(started=True, pid=4711, pid_started=ticks, begun=100.0, seen=seen, evidence=evidence)
    assert lines(launches=[past]) == [
        "2026-01-01 00:00:00.000  run 7        bob          launch intended, of bob@lab.net for server2 (launch, "
        "oozie); its record said submitted; call call (as niassa-bob)",
        "2026-01-01 00:00:02.500  run 7        bob          engine call begun: transcript bob--call.transcript, "
        "sudo has pid 4711 (as niassa-bob)",
        "2026-01-01 00:01:00.000  run 7        bob          settled (as niassa-bob) -> launched, job 7-W: the record "
        "names the job [call: exit_code 0; transcript: job_id 7-W]",
    ]


def test_a_launch_that_is_not_settled_is_told_last_and_as_of_now() -> None:
    held = reading.PastLaunch(launches.launch(7, outcome=settling.Outcome.HELD, reason="two jobs"))
    later = audit_reading.Told("2027-01-01T00:00:00.000+00:00", audit.Entry("reload", operator="root (uid 0)"))
    assert [line[:3] for line in lines(launches=[held], entries=[later])] == ["202", "202", "now"]
    assert lines(launches=[held])[-1].endswith("not settled (as niassa-bob) -> held: two jobs")
    under_way = reading.PastLaunch(launches.launch(7))
    assert "under way" in lines(launches=[under_way])[-1]


def test_what_journal_and_audit_trail_both_know_is_told_once() -> None:
    past = settled()
    intent = audit.of_launch(past.launch)
    verdict = audit.of_launch(past.launch, "launched: the record names the job", "7-W")
    kill = audit.Entry("kill", *BOB, accession=runs.Accession(7), details={"job": "7-W"})
    killed = dataclasses.replace(kill, result="KILLED, run 0")
    pause = orders.Order(orders.Kind.PAUSE, "bob", ROOT, datetime.datetime.fromisoformat(at(80)), "repair")
    ordered = audit.Entry("pause", "bob", operator="root (uid 0)", details={"until": None, "reason": "repair"})
    lifted = audit.Entry("resume-orders", "bob", operator="root (uid 0)")
    entries = [
        told(0.01, intent),
        told(60.01, verdict),
        told(70, kill),
        told(71, killed),
        told(80.01, ordered),
        told(80.02, dataclasses.replace(ordered, result="paused")),
        told(90, lifted),
    ]
    random.shuffle(entries)
    found: dict[str, typing.Any] = {
        "launches": [past],
        "acts": [reading.PastAct("kill", "7-W", runs.Accession(7), *BOB, at(70.1), "KILLED, run 0")],
        "ordered": [reading.PastOrder(pause, at(90.2), "root")],
    }
    both = lines(**found, entries=entries)
    assert [line[11:19] for line in both] == ["00:00:00", "00:01:00", "00:01:10", "00:01:20", "00:01:30"]
    assert both[2].endswith("job 7-W killed (as niassa-bob) -> KILLED, run 0")
    assert both[3].endswith("pause: reason repair (by root (uid 0)) -> paused")
    alone = lines(**found)
    assert [line[11:19] for line in alone] == [line[11:19] for line in both]
    assert alone[4].endswith("lifted: pause: reason repair (by root)")


def test_the_same_thing_done_again_is_told_again() -> None:
    kill = audit.Entry("kill", *BOB, accession=runs.Accession(7), details={"job": "7-W"})
    acts = [reading.PastAct("kill", "7-W", runs.Accession(7), *BOB, at(second), "KILLED, run 0") for second in (0, 60)]
    assert len(lines(acts=acts, entries=[told(0, kill)])) == 2


def test_of_what_was_begun_and_did_not_end_nobody_knows_the_result() -> None:
    write = audit.Entry("write", *BOB, accession=runs.Accession(7), details={"from": "running", "status": "completed"})
    first, second = lines(entries=[told(0, write), told(1, write), told(2, dataclasses.replace(write, result="taken"))])
    assert "record written, which said running: status = completed (as niassa-bob) -> not known" in first
    assert second.endswith("-> taken")


def test_a_verdict_before_the_last_is_told_with_its_own_time() -> None:
    past = settled(90, told="launched")
    held = audit.of_launch(past.launch, "held: two jobs")
    assert [line[11:19] for line in lines(launches=[past], entries=[told(60, held)])] == [
        "00:00:00",
        "00:01:00",
        "00:01:30",
    ]
