import io
import os
import re

from niassa_orch.faces.dashboard import cells, drawing
from niassa_orch.faces.dashboard.cells import Style

SIZE = (20, 3)


def line(text: str) -> cells.Line:
    return ((text, Style.PLAIN),)


def test_only_lines_that_changed_are_written_in_one_piece_and_nothing_when_none_did() -> None:
    drawn = drawing.Drawing(cells.MANY)
    first = drawn.changes([line("one"), line("two"), line("three")], SIZE)
    assert first.count("\x1b[2J") == 1
    assert drawn.changes([line("one"), line("two"), line("three")], SIZE) == ""
    changed = drawn.changes([line("one"), line("2"), line("three")], SIZE)
    assert re.fullmatch(r"\x1b\[\?2026h\x1b\[2;1H2\x1b\[K\x1b\[\?2026l", changed)


def test_another_size_is_drawn_anew_and_so_is_what_somebody_else_overwrote() -> None:
    drawn = drawing.Drawing(cells.MANY)
    drawn.changes([line("one")], SIZE)
    assert "\x1b[2J" in drawn.changes([line("one")], (30, 3))
    drawn.forget()
    assert "one" in drawn.changes([line("one")], (30, 3))


def test_behind_a_full_line_nothing_is_taken_away() -> None:
    drawn = drawing.Drawing(cells.NO_COLOURS)
    assert "\x1b[K" not in drawn.changes([line("漢" * 10)], SIZE)


def test_a_terminal_that_takes_nothing_keeps_nobody_waiting() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as read, os.fdopen(writing, "w", encoding="ascii") as out:
        writer = drawing.Writer(out)
        writer.write("é" * 1_000_000)
        writer.wait(0.01)
        assert writer.is_busy
        writer.close(0.01)
        taken = 0
        while taken < 1_000_000:
            taken += len(read.read1())
        writer.wait(10)
        assert not writer.is_busy


def test_a_terminal_that_is_gone_is_no_trouble() -> None:
    out = io.StringIO()
    out.close()
    writer = drawing.Writer(out)
    writer.write("x")
    writer.wait(10)
    assert not writer.is_busy
    writer.close(10)
