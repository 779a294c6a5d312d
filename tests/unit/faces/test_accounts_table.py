import io

import pytest
import rich.cells
import rich.console

from niassa_orch.domain import accounts
from niassa_orch.faces import accounts_table

BOB = accounts.Account(
    "bob", "niassa-bob", "server2", "http://ws:8080/SeqWareWebService", "bob@lab.net", "http://o", "oozie-sge"
)
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
    (carol,) = (line for line in lines if "carol" in line)
    assert carol.split()[:6] == ["carol", "?", "?", "?", "?", "?"]
    assert "refused: carol.toml: unix_user: no such user" in carol


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_folds_and_cuts_nothing_off(width: int) -> None:
    text = drawn(ROWS, width)
    for name in ("bob", "carol", "dave"):
        assert any(line.split()[:1] == [name] for line in text.splitlines())
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_brackets_and_control_characters_of_a_profile_are_shown_as_they_are() -> None:
    odd = accounts.Account("odd", "u", "[bold]srv[/x]", "http://ws", "bob[1]@lab.net")
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
