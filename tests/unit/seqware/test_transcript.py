import io
import json
import sys
import tracemalloc

import hypothesis
import pytest
from hypothesis import strategies

from niassa_orch.domain import evidence, runs
from niassa_orch.seqware import transcript

A, B, FOREIGN = runs.Accession(1234), runs.Accession(1235), 99
NONCE = "0123456789abcdef"
HEADER = b'{"niassa_orch_call": 1, "call_id": "x"}\n'


def record(kind: str, **fields: object) -> bytes:
    return json.dumps({"niassa_orch_mediator": 1, "record": kind, **fields}).encode() + b"\n"


BEGIN = record("begin", call=NONCE, command=["/opt/seqware", "workflow-run"], accessions=[A, B])
END = record("end", call=NONCE, exit_code=0, timed_out=False, signalled=None, seconds=1.5)


def launched(accession: int, job: str = "0000001-261123150405678-oozie-oozi-W") -> bytes:
    return (
        f"Working Run: {accession}\nValid run by host check: {accession}\nLaunching via new launcher: {accession}\n"
        f"Using working directory: /runs/oozie-{accession}-abcdef\nFiles copied to /runs/oozie-{accession}-abcdef\n"
        f"Submitted Oozie job: {job}\n"
    ).encode()


def parse(*parts: bytes) -> evidence.CallEvidence:
    return transcript.parse(b"".join(parts), [A, B])


def test_a_whole_call_proves_directory_and_job_of_each_run() -> None:
    found = parse(HEADER, BEGIN, b"Number of submitted workflows: 2\n", launched(A, "job-a"), launched(B, "job-b"), END)
    assert (found.begun, found.ended, found.exit_code, found.timed_out) == (True, True, 0, False)
    assert found.command == ("/opt/seqware", "workflow-run")
    assert found.runs == {
        A: evidence.RunEvidence(A, True, f"/runs/oozie-{A}-abcdef", "job-a"),
        B: evidence.RunEvidence(B, True, f"/runs/oozie-{B}-abcdef", "job-b"),
    }
    assert found.preamble == ""


def test_every_accession_is_there_also_when_nothing_was_written() -> None:
    assert parse().runs == {A: evidence.RunEvidence(A), B: evidence.RunEvidence(B)}
    assert not parse().begun


def test_a_foreign_runs_directory_and_job_are_nobodys() -> None:
    found = parse(BEGIN, b"Launching via new launcher: 1234\n", launched(FOREIGN), END)
    assert found.runs[A] == evidence.RunEvidence(A, launching=True)


def test_a_run_that_is_passed_over_ends_what_belongs_to_the_one_before() -> None:
    found = parse(BEGIN, b"Launching via new launcher: 1234\nWorking Run: 5\nSubmitted Oozie job: x\n", END)
    assert found.runs[A].job_id is None


def test_the_old_launcher_counts_as_launching() -> None:
    assert parse(BEGIN, b"Launching via old launcher: 1235\n").runs[B].launching


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_whitestars_last_words_carry_their_accession(status: str) -> None:
    found = parse(BEGIN, f"Setting workflow-run status to {status} for: 1235\n".encode(), END)
    assert found.runs[B].ended == runs.RunStatus(status)
    assert found.runs[A].ended is None


def test_a_cut_last_line_proves_nothing() -> None:
    cut = BEGIN + launched(A)
    assert parse(cut).runs[A].job_id is not None
    assert parse(cut[:-1]).runs[A].job_id is None
    assert not parse(BEGIN, END[:-1]).ended
    assert not parse(BEGIN[:-1]).begun


def test_lines_may_end_as_on_windows() -> None:
    found = parse(BEGIN, launched(A, "job-a").replace(b"\n", b"\r\n"), END)
    assert found.runs[A].job_id == "job-a"
    assert found.runs[A].working_dir == f"/runs/oozie-{A}-abcdef"


def test_log4j_and_unfinished_lines_around_a_line_do_no_harm() -> None:
    noise = b"[SeqWare Pipeline] WARN [main] | text"
    mixed = b"unfinished... Launching via new launcher: 1234" + noise + b"\n\xff\xfe\x00" + noise + b"\n"
    mixed += noise + b"Submitted Oozie job: 0000001-2-oozie-W" + noise + b"\n"
    assert parse(BEGIN, mixed).runs[A].job_id == "0000001-2-oozie-W"


def test_what_says_it_again_does_not_replace_what_was_said_first() -> None:
    found = parse(BEGIN, launched(A, "job-a"), b"Submitted Oozie job: job-x\nUsing working directory: /x\n")
    assert found.runs[A].job_id == "job-a"
    assert found.runs[A].working_dir == f"/runs/oozie-{A}-abcdef"


def test_longer_numbers_are_other_runs() -> None:
    assert not parse(BEGIN, b"Launching via new launcher: 12345\nLaunching via new launcher: 123\n").runs[A].launching
    assert not parse(BEGIN, b"Launching via new launcher: 1234" + b"0" * 40 + b"\n").runs[A].launching


@pytest.mark.parametrize(
    "forged",
    [
        record("end", call="other", exit_code=0, timed_out=False),
        record("end", exit_code=0),
        record("end", call=NONCE, exit_code="0"),
        record("end", call=NONCE),
        record("refused", refused="forged"),
        record("begin", call="other", command=["/evil"]),
        b'{"niassa_orch_mediator": 1, "record": "end"\n',
        b'{"niassa_orch_mediator"' + b"[" * 50_000 + b"\n",
        b'{"niassa_orch_mediator": 1, "record": "end", "call": "\xff"}\n',
        b"x" + END,
    ],
)
def test_a_record_without_the_nonce_or_in_a_wrong_place_counts_for_nothing(forged: bytes) -> None:
    found = parse(BEGIN, forged, b"Launching via new launcher: 1234\n")
    assert (found.begun, found.ended, found.refused, found.command[0]) == (True, False, None, "/opt/seqware")
    assert found.runs[A].launching


def test_an_end_before_any_beginning_is_none() -> None:
    assert not parse(END, END).ended


def test_a_refusal_and_sudos_words_are_kept() -> None:
    found = parse(HEADER, b"sudo: a password is required\n")
    assert (found.begun, found.preamble) == (False, "sudo: a password is required")
    found = parse(HEADER, b"sudo: warning\n", record("refused", refused="no settings"))
    assert (found.refused, found.preamble) == ("no settings", "sudo: warning")


def test_the_engines_lock_and_a_deadline_are_seen() -> None:
    end = record("end", call=NONCE, exit_code=137, timed_out=True, signalled=None)
    found = parse(BEGIN, b"it.sauronsoftware.junique.AlreadyLockedException: x\n\tat y\n", end)
    assert (found.lock_held, found.timed_out, found.exit_code) == (True, True, 137)
    assert found.tail.startswith("it.sauronsoftware")
    assert not parse(b"AlreadyLockedException\n", BEGIN).lock_held


def test_preamble_and_tail_are_short_however_much_was_written() -> None:
    found = parse(b"a" * 100_000 + b"\n" + b"b" * 9000 + b"\n", BEGIN, b"c" * 300_000 + b"\n" + b"d" * 3000 + b"end\n")
    assert len(found.preamble) == 2048
    assert len(found.tail) <= 2048
    assert found.tail.endswith("dend")


class Endless(io.RawIOBase):
    """A file of one line without end, of which somebody counts how much is asked for at once."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.largest = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        self.largest = max(self.largest, len(view))
        size = min(len(view), self.left)
        view[:size] = b"x" * size
        self.left -= size
        return size


def test_a_line_of_many_megabytes_is_never_held_whole() -> None:
    raw = Endless(64 << 20)
    found = transcript.parse(io.BufferedReader(raw), [A])
    assert raw.left == 0
    assert raw.largest <= 1 << 20
    assert len(found.preamble) <= 2048


def test_a_transcript_of_nonsense_is_read_block_by_block_and_not_line_by_line() -> None:
    """No time is asserted: a reader that runs Python code for every line calls thousands of times as many functions."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        found = parse(BEGIN, b"\n" * (8 << 20), END)
    finally:
        sys.setprofile(None)
    assert found.ended
    assert calls < 2000


def test_a_transcript_that_is_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "MOST_BYTES", 4 << 20)
    assert not transcript.parse(io.BufferedReader(Endless(4 << 20)), [A]).begun
    raw = Endless(64 << 20)
    with pytest.raises(ValueError, match="too long"):
        transcript.parse(io.BufferedReader(raw), [A])
    assert raw.left > 50 << 20


def test_more_lines_of_the_engine_than_any_call_has_are_too_long() -> None:
    assert parse(BEGIN, b"Working Run: 5\n" * 150_000, END).ended
    with pytest.raises(ValueError, match="too long"):
        parse(BEGIN, b"Working Run: 5\n" * 250_000, END)


@pytest.mark.parametrize("shift", [*range(-400, 400, 7), -1, 0, 1])
def test_nothing_is_lost_where_one_block_ends_and_the_next_begins(shift: int) -> None:
    noise = b"noise " * 20 + b"\n"
    filler = (noise * ((2 << 20) // len(noise)))[: (2 << 20) - len(HEADER) - len(BEGIN) - 200 + shift] + b"\n"
    found = parse(HEADER, BEGIN, filler, launched(A, "job-a"), launched(B, "job-b"), END)
    assert (found.runs[A].job_id, found.runs[B].job_id, found.ended) == ("job-a", "job-b", True)
    assert found.runs[B].working_dir == f"/runs/oozie-{B}-abcdef"
    assert found.tail.endswith("Submitted Oozie job: job-b")


@pytest.mark.parametrize("length", [70_000, (1 << 20) - 100, 1 << 20, (1 << 21) - 65_000, 3_000_001])
def test_an_unfinished_line_of_any_length_hides_no_line_of_the_engine(length: int) -> None:
    found = parse(BEGIN, b"." * length, launched(A, "job-a"), b"." * length, launched(B, "job-b"), END)
    assert (found.runs[A].job_id, found.runs[B].job_id) == ("job-a", "job-b")
    assert found.runs[A].working_dir == f"/runs/oozie-{A}-abcdef"


@pytest.mark.parametrize("before", [0, 1, 10, 25, 30])
def test_a_job_is_found_where_two_pieces_of_a_long_line_meet(before: int) -> None:
    start = BEGIN + b"Launching via new launcher: 1234\n"
    dots = b"." * ((3 << 20) - len(start) - before)
    assert parse(start, dots, b"Submitted Oozie job: job-a\n", END).runs[A].job_id == "job-a"


def test_what_is_held_of_a_line_without_end_is_a_few_megabytes() -> None:
    tracemalloc.start()
    try:
        transcript.parse(io.BufferedReader(Endless(64 << 20)), [A])
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


#: The third begins where the reader takes up a long line again.
@pytest.mark.parametrize("length", [100, 70_000, (3 << 20) - (64 << 10) - len(BEGIN), 3_000_001])
def test_a_record_in_the_middle_of_a_long_line_is_none(length: int) -> None:
    assert not parse(BEGIN, b"x" * length + END).ended
    assert not parse(BEGIN, b"x" * length + END[:-2] + b" " * 66_000 + b"}\n").ended
    assert parse(BEGIN, b"x" * length + b"\n" + END).ended


def test_a_value_that_no_path_or_job_can_have_is_none() -> None:
    lines = b"Launching via new launcher: 1234\nUsing working directory: /" + b"x" * 5000 + b"\n"
    found = parse(BEGIN, lines, b"Submitted Oozie job: " + b"y" * 5000 + b"\n", END)
    assert found.runs[A] == evidence.RunEvidence(A, launching=True)


def test_a_transcript_with_our_first_line_is_intact() -> None:
    assert transcript.parse(HEADER + BEGIN + launched(A, "job-a") + END, [A]).intact
    assert transcript.parse(HEADER, [A]).intact


def test_a_last_record_without_the_first_or_of_a_cut_file_is_not_intact() -> None:
    assert not transcript.parse(HEADER + END, [A]).intact
    cut = record("end", call=NONCE, exit_code=0, timed_out=False, too_long=False, cut=True)
    assert not parse(HEADER, BEGIN, cut).intact
    assert parse(HEADER, BEGIN, record("end", call="other", exit_code=0, cut=True), END).intact


def test_what_a_refusal_or_a_command_says_is_short_and_can_be_written() -> None:
    found = parse(record("refused", refused="\ud800" + "x" * 9000))
    assert found.refused is not None
    assert len(found.refused.encode()) <= 2048
    begun = parse(record("begin", call=NONCE, command=["\ud800"]))
    assert begun.command[0].encode() == b"?"


CHUNKS = strategies.sampled_from(
    [
        HEADER,
        BEGIN,
        END,
        END[:-1],
        launched(A, "job-a"),
        launched(B, "job-b"),
        launched(FOREIGN, "job-x"),
        b"Setting workflow-run status to failed for: 1234\n",
        record("end", call="forged", exit_code=0),
        b'{"niassa_orch_mediator": 1',
        b"\r\n",
    ]
)


@hypothesis.given(strategies.lists(strategies.one_of(CHUNKS, strategies.binary(max_size=60)), max_size=12))
def test_any_bytes_give_an_evidence_that_never_mixes_runs(parts: list[bytes]) -> None:
    found = parse(*parts)
    assert set(found.runs) == {A, B}
    assert found.runs[A].job_id in (None, "job-a")
    assert found.runs[B].job_id in (None, "job-b")
    assert not (found.ended and not found.begun)


@hypothesis.given(strategies.integers(0, 2000), strategies.booleans())
def test_a_longer_transcript_never_proves_less_and_a_cut_one_never_something_else(cut: int, windows: bool) -> None:
    content = HEADER + BEGIN + launched(A, "job-a") + launched(B, "job-b") + END
    content = content.replace(b"\n", b"\r\n") if windows else content
    whole, part = parse(content), parse(content[:cut])
    for accession in (A, B):
        for field in ("working_dir", "job_id"):
            value = getattr(part.runs[accession], field)
            assert value is None or value == getattr(whole.runs[accession], field)
    assert part.ended == (cut >= len(content))
