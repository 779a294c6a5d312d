"""The audit trail, read back."""

import gzip
import io
import os
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.core import audit, audit_reading, plain_files
from niassa_orch.domain import runs


async def written(directory: pathlib.Path, *entries: audit.Entry) -> None:
    trail = audit.Trail(directory)
    for entry in entries:
        await trail.begin(entry)
    trail.close()


def of_run(accession: int, account: str = "bob") -> audit.Entry:
    return audit.Entry(
        "kill", account, "niassa-bob", accession=runs.Accession(accession), details={"job": f"{accession}-W"}
    )


def read(directory: pathlib.Path, account: str = "bob", words: tuple[bytes, ...] = ()) -> list[audit.Entry]:
    found = list(audit_reading.entries(directory, account, words))
    assert not [one for one in found if isinstance(one, audit_reading.Trouble)]
    return [one.entry for one in found if isinstance(one, audit_reading.Told)]


async def test_what_was_written_is_read_newest_first(tmp_path: pathlib.Path) -> None:
    await written(tmp_path, of_run(1), of_run(2), of_run(3, "carol"), audit.Entry("reload", operator="root (uid 0)"))
    assert read(tmp_path) == [of_run(2), of_run(1)]
    assert read(tmp_path, words=(b"no", b"1-W")) == [of_run(1)]
    assert [entry.what for entry in read(tmp_path, "")] == ["reload"]
    assert audit_reading.accounts(tmp_path) == ["", "bob", "carol"]


async def test_files_that_were_moved_aside_are_read_too_newest_first(tmp_path: pathlib.Path) -> None:
    await written(tmp_path, of_run(1))
    packed = tmp_path / "bob.jsonl-20261101.gz"
    packed.write_bytes(gzip.compress((tmp_path / "bob.jsonl").read_bytes()))
    (tmp_path / "bob.jsonl").unlink()
    await written(tmp_path, of_run(2))
    (tmp_path / "bob.jsonl").rename(tmp_path / "bob.jsonl.1")
    os.utime(packed, (1, 1))
    await written(tmp_path, of_run(3))
    assert read(tmp_path) == [of_run(3), of_run(2), of_run(1)]


async def test_lines_that_are_none_of_ours_are_left_out(tmp_path: pathlib.Path) -> None:
    (tmp_path / "bob.jsonl").write_bytes(b'{"time": "cut\n[]\n7\n\xff\xfe\n{"time":"x"}\n' + b"[" * 100_000 + b"\n")
    await written(tmp_path, of_run(1))
    assert read(tmp_path) == [of_run(1)]


@pytest.mark.parametrize("kind", ["symlink", "fifo", "directory", "broken.gz"])
async def test_nothing_but_a_plain_file_is_read_and_the_rest_is_told(tmp_path: pathlib.Path, kind: str) -> None:
    secret, directory = tmp_path / "secret", tmp_path / "audit"
    await written(tmp_path / "elsewhere", of_run(7))
    (tmp_path / "elsewhere" / "bob.jsonl").rename(secret)
    directory.mkdir()
    odd = directory / "bob.jsonl"
    if kind == "symlink":
        odd.symlink_to(secret)
    elif kind == "fifo":
        os.mkfifo(odd)
    elif kind == "directory":
        odd.mkdir()
    else:
        odd = directory / "bob.jsonl.1.gz"
        odd.write_bytes(gzip.compress(b"x" * 100)[:-12])
    (told,) = audit_reading.entries(directory, "bob")
    assert isinstance(told, audit_reading.Trouble)
    assert str(odd) in told.text


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line)), st.integers(1, 50))
def test_lines_backwards_are_the_lines(lines: list[bytes], block: int) -> None:
    stream = io.BytesIO(b"\n".join(lines))
    assert list(plain_files.backwards(stream, block)) == (list(reversed(lines)) or [b""])
