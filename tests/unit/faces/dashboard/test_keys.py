import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.faces.dashboard import keys

Key = keys.Key


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\x1b[A\x1bOB", [Key.UP, Key.DOWN]),
        (b"\x1b[5~\x1b[6~", [Key.PAGE_UP, Key.PAGE_DOWN]),
        (
            b"\x1b[H\x1b[F\x1bOH\x1b[1~\x1b[4~\x1b[7~\x1b[8~",
            [Key.HOME, Key.END, *[Key.HOME] * 2, Key.END, Key.HOME, Key.END],
        ),
        (b"\r\n\x7f\x08\x0c", [Key.ENTER, Key.ENTER, Key.BACKSPACE, Key.BACKSPACE, Key.REDRAW]),
        ("q?/é漢".encode(), ["q", "?", "/", "é", "漢"]),
        (b"\x1b[1;5A", [Key.UP]),
        (b"\x1b[200~x", ["x"]),
        (b"\x1b[M\x00", [Key.ENTER]),
        (b"\x1bp", [Key.ESCAPE, "p"]),
        (b"\x1b\x1b[A", [Key.ESCAPE, Key.UP]),
        (b"\x00\x01\xff\xfe", []),
    ],
)
def test_what_terminals_send_are_these_keys(content: bytes, found: list[str]) -> None:
    at_once = keys.Keys()
    assert at_once.feed(content) == found
    assert at_once.settle() == []
    one_by_one = keys.Keys()
    assert [key for byte in content for key in one_by_one.feed(bytes([byte]))] == found


def test_an_escape_that_nothing_follows_is_the_key() -> None:
    pressed = keys.Keys()
    assert pressed.feed(b"\x1b") == []
    assert pressed.is_waiting
    assert pressed.settle() == [Key.ESCAPE]
    assert not pressed.is_waiting


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"\x1b", b"\x1b[", b"\x1bO", b"\x1b[1;", b"~"]), max_size=20))
def test_any_bytes_in_any_pieces_make_keys_and_leave_it_ready_for_more(pieces: list[bytes]) -> None:
    pressed = keys.Keys()
    found = [key for piece in pieces for key in pressed.feed(piece)] + pressed.settle()
    assert all(key in set(Key) or (len(key) == 1 and key.isprintable()) for key in found)
    whole = keys.Keys()
    assert found == whole.feed(b"".join(pieces)) + whole.settle()
    pressed.feed(b"\x80")  # ends a letter that was begun
    assert pressed.feed(b"q")[-1:] == ["q"]


def test_a_sequence_without_an_end_is_given_up() -> None:
    pressed = keys.Keys()
    assert pressed.feed(b"\x1b[" + b"1" * 100) is not None
    pressed.settle()
    assert pressed.feed(b"q") == ["q"]
