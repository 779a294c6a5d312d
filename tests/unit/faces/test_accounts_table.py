import io

import pytest
import rich.cells
import rich.console

from niassa_orch.core import census
from niassa_orch.faces import accounts_table

BOB = census.Facts("bob@lab.net", "server2", "http://ws:8080/SeqWareWebService", "http://o", "oozie-sge")
ROWS = [
    accounts_table.Row("bob", "niassa-bob", "ok", account=BOB),
    accounts_table.Row("carol", "", "refused", "carol.toml: unix_user: no such user"),
    accounts_table.Row("dave", "niassa-dave", "disabled"),
]


def drawn(rows: list[accounts_table.Row], width: int) -> str:
    console = rich.console.Console(width=width, file=io.StringIO(), record=True)
    console.print(accounts_table.render(rows))
    text = console.export_text()
    assert max(rich.cells.cell_len(line) for line in text.splitlines()) <= width
    return text


def test_the_table_says_who_schedules_where_and_which_unix_user_runs_it() -> None:
    lines = drawn(ROWS, 200).splitlines()
    for title in ("profile", "web service account", "host", "Unix user", "web service", "engine", "state"):
        assert title in lines[1]
    (bob,) = (line.split() for line in lines if "bob@lab.net" in line)
    assert bob == ["bob", "bob@lab.net", "server2", "niassa-bob", BOB.web_service_url, "oozie-sge", "ok"]
    (carol,) = (line for line in lines if line.split()[:1] == ["carol"])
    assert carol.split()[:6] == ["carol", "?", "?", "?", "?", "?"]
    assert carol.split()[6:] == ["refused"]
    assert lines[-1] == "carol.toml: unix_user: no such user"


def test_a_refused_profile_shows_what_it_states_and_its_reason_has_lines_of_its_own() -> None:
    stated = census.Facts(web_user="eve@lab.net", host="server2")
    reason = "sudo did not run the mediator: " + "install the rule " * 10
    lines = drawn([accounts_table.Row("eve", "niassa-eve", "refused", reason, stated)], 90).splitlines()
    (eve,) = (line.split() for line in lines if line.split()[:1] == ["eve"])
    assert eve == ["eve", "eve@lab.net", "server2", "niassa-eve", "?", "?", "refused"]
    below = lines[next(index for index, line in enumerate(lines) if line.startswith("eve: sudo did not")) :]
    assert " ".join(line.strip() for line in below) == f"eve: {reason.strip()}"
    assert len(below) == 3


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_folds_and_cuts_nothing_off(width: int) -> None:
    text = drawn(ROWS, width)
    for name in ("bob", "carol", "dave"):
        assert any(line.split()[:1] == [name] for line in text.splitlines())
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_brackets_and_control_characters_of_a_profile_are_shown_as_they_are() -> None:
    odd = census.Facts("bob[1]@lab.net", "[bold]srv[/x]", "http://ws")
    text = drawn([accounts_table.Row("odd", "u", "refused", "a\x1b[2Jb", account=odd)], 200)
    assert "[bold]srv[/x]" in text
    assert "bob[1]@lab.net" in text
    assert "\x1b" not in text


def test_for_machines_absent_facts_are_null() -> None:
    assert ROWS[0].to_json() == {
        "profile": "bob",
        "web_service_account": "bob@lab.net",
        "host": "server2",
        "unix_user": "niassa-bob",
        "web_service": BOB.web_service_url,
        "oozie": "http://o",
        "engine": "oozie-sge",
        "state": "ok",
        "reason": None,
    }
    refused = ROWS[1].to_json()
    assert (refused["unix_user"], refused["host"], refused["oozie"]) == (None, None, None)
    assert refused["reason"] == "carol.toml: unix_user: no such user"
