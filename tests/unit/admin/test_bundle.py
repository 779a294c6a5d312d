"""How a support bundle is written: by whom it may be read, under which names, and what is left when that fails."""

import pathlib
import resource
import secrets
import signal
import stat
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch import errors, redaction
from niassa_orch.admin import bundle


def part(name: str, text: str = "text") -> bundle.Part:
    return bundle.Part(name, "something", text)


def names(file: pathlib.Path) -> list[str]:
    with tarfile.open(file) as archive:
        return archive.getnames()


def test_names_are_safe_and_each_another_one(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "-..help.tar.gz"
    odd = ("audit/../x", "audit/../../x", "/etc/passwd", "..", "a\nb", "a b", "audit/bob", "audit/bob", "\u00e4" * 900)
    bundle.pack(file, [part(name) for name in odd], [], str)
    found = names(file)
    assert len(set(found)) == len(odd) + 1
    for name in found:
        assert name.startswith("help/")
        assert not {"", ".", ".."} & set(name.split("/"))
        assert name.isascii()
        assert name.isprintable()
    assert "help/audit/bob" in found
    assert "help/audit/2-bob" in found


@pytest.mark.parametrize("kind", ["file", "link to a file", "link to nothing", "folder"])
def test_what_is_there_is_never_written_over(tmp_path: pathlib.Path, kind: str) -> None:
    file, other = tmp_path / "help.tar.gz", tmp_path / "other"
    if kind == "folder":
        file.mkdir()
    elif kind == "file":
        file.write_text("mine", "utf-8")
    else:
        file.symlink_to(other)
    if kind == "link to a file":
        other.write_text("mine", "utf-8")
    for work in (lambda: bundle.pack(file, [part("a")], [], str), lambda: bundle.check_new(file)):
        with pytest.raises(errors.SupportError, match="exists already"):
            work()
    assert [one.read_text("utf-8") for one in (file, other) if one.is_file() and not one.is_symlink()] in ([], ["mine"])
    assert other.exists() == (kind == "link to a file")


def test_nothing_is_left_of_a_bundle_that_could_not_be_written_whole(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "help.tar.gz"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(errors.SupportError, match="File too large"):
            bundle.pack(file, [part("a", secrets.token_hex(100_000))], [], str)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not file.exists()


def test_only_its_writer_may_read_it_whatever_the_umask_is(tmp_path: pathlib.Path) -> None:
    packed = bundle.pack(tmp_path / "help.tar.gz", [part("a")], [bundle.Absent("b", "why not")], str)
    assert stat.S_IMODE(packed.file.stat().st_mode) == 0o600
    assert "b: why not" in packed.manifest


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("http://bob:s3cret@there/x", "http://[redacted]@there/x"),
        ("https://s3cret@there", "https://[redacted]@there"),
        ("Authorization: Basic s3cret==", "Authorization: Basic [redacted]"),
        ('"authorization": "Bearer s3cret"', '"authorization": "Bearer [redacted]"'),
        ("SW_REST_PASS = s3cret", "SW_REST_PASS = [redacted]"),
        ('password="s3cret", user', 'password="[redacted]", user'),
        ('{"said": "password=\\"s3cret\\""}', '{"said": "password=\\"[redacted]\\""}'),
        ("password_file = /etc/x, http://there:80/a@b", "password_file = /etc/x, http://there:80/a@b"),
    ],
)
def test_what_looks_like_a_secret_is_masked_though_nobody_registered_it(text: str, left: str) -> None:
    assert redaction.masked(text) == left


@given(st.text(alphabet="/:@=pas\" '\\", max_size=200))
def test_masking_any_text_ends(text: str) -> None:
    assert redaction.masked(text) is not None
