import io

import pytest
import rich.cells
import rich.console

from niassa_orch.sandbox import demo_report, demo_table

STATUSES = ("submitted", "pending", "running", "submitted_cancel", "cancelled")
TITLES = "run what account|Unix user|host engine statuses seconds expected seen"


def row(accession: int, unix_user: str, **changed: str) -> demo_report.Row:
    return demo_report.Row(
        accession=accession,
        name="the engine writes failed over its job",
        account="alice@lab.net",
        unix_user=unix_user,
        host="elsewhere.lab.net",
        engine="oozie-sge",
        statuses=STATUSES,
        seconds=12.3,
        expected="cancelled",
        seen=changed.get("seen", "cancelled"),
        files_of=unix_user,
        remarks=(),
    )


def drawn(width: int, unix_user: str = "niorch-1a2b3c4d-alice", *, with_users: bool = True) -> list[str]:
    console = rich.console.Console(width=width, file=io.StringIO(), record=True)
    console.print(demo_table.render([row(1001, unix_user), row(1002, unix_user)], width, with_users=with_users))
    lines = console.export_text().splitlines()
    assert max(map(rich.cells.cell_len, lines)) <= width
    return [line for line in lines if line.strip()]


@pytest.mark.parametrize("width", [80, 100, 120, 139, 160, 220, 400])
@pytest.mark.parametrize("with_users", [False, True])
def test_no_word_is_cut_at_any_width(width: int, with_users: bool) -> None:
    words = {word for line in drawn(width, with_users=with_users) for word in line.split()}
    assert {"1001", "engine", "writes", "failed", *STATUSES, "seen"} <= words
    assert "\N{HORIZONTAL ELLIPSIS}" not in "".join(words)
    known = {"alice@lab.net", "niorch-1a2b3c4d-alice", "elsewhere.lab.net", "oozie-sge", "12.3", "1001", "1002", ">"}
    known |= {*STATUSES, "the", "engine", "writes", "failed", "over", "its", "job", "files", "of"}
    known |= {title for titles in TITLES.split("|") for title in titles.split()}
    assert {word for word in words if set(word) != {"\N{BOX DRAWINGS LIGHT HORIZONTAL}"}} <= known


@pytest.mark.parametrize("width", [110, 139])
def test_where_it_is_narrow_what_other_columns_imply_is_left_out(width: int) -> None:
    titles = drawn(width, "niassa-alice", with_users=False)[0].split()
    assert not {"host", "expected", "engine"} & set(titles)
    assert {"run", "account", "statuses", "seen"} <= set(titles)


def test_where_it_is_wide_every_run_is_one_line_with_everything() -> None:
    title, _, first, second = drawn(400)
    assert title.split()[-3:] == ["seen", "files", "of"]
    assert {"host", "expected", "engine"} < set(title.split())
    assert first.split()[0] == "1001"
    assert second.split()[-2:] == ["cancelled", "niorch-1a2b3c4d-alice"]
