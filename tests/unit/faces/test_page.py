import dataclasses
import datetime
import html.parser
import re

import pytest

from niassa_orch.core import account_line, board, gauges
from niassa_orch.domain import orders, runs
from niassa_orch.faces import markup, page
from tests.unit.faces import snapshots

_ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "</style></title><script>",
    "&lt;script&gt;",
    "\udcff\x1b[31m\x00\n\N{RIGHT-TO-LEFT OVERRIDE}",
    "--><svg onload=alert(1)>",
)
_KNOWN = {
    *("html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "nav", "a", "main", "dl", "div"),
    *("dt", "dd", "section", "table", "thead", "tbody", "tr", "th", "td"),
}
_VOID = {"meta"}


class Read(html.parser.HTMLParser):
    """What a browser makes of the page, and whether every tag is closed in order."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def drawn(snapshot: board.Snapshot, *, stays: bool = False) -> Read:
    read = Read(page.document(snapshot, snapshots.NOON, stays=stays).decode())
    assert not read.open
    return read


def hostile(words: str) -> board.Snapshot:
    """Somebody who wrote such words wherever anybody may."""
    line = dataclasses.replace(
        snapshots.ALICE, name=words, unix_user=words, reason=words, held={runs.Accession(7): words}
    )
    return dataclasses.replace(
        snapshots.BUSY,
        host=words,
        journal=words,
        audit=words,
        accounts=(line,),
        events=(board.Event(1, snapshots.NOON, board.Level.ERROR, words, words, {words: words}),),
        orphans=((words, 1),),
        neighbours=(gauges.Neighbour(gauges.Kind.OOZIE, words, 1.0, 1.0, words),),
        orders=(orders.Order(orders.Kind.STOP, words, orders.Operator(1, words), snapshots.NOON, words),),
    )


@pytest.mark.parametrize("words", _ATTACKS)
def test_words_of_anybody_are_never_markup(words: str) -> None:
    read = drawn(hostile(words))
    assert {tag for tag, _ in read.tags} <= _KNOWN
    names = {name for _, attributes in read.tags for name in attributes}
    assert names <= {
        *("lang", "charset", "name", "content", "http-equiv", "class", "href", "aria-label", "tabindex", "scope"),
        "data-of",
    }
    assert {attributes["href"] for tag, attributes in read.tags if tag == "a"} == {"./?stay"}
    plain = "".join(letter if letter.isprintable() else " " for letter in words).split()[0]
    assert plain in read.text


def test_words_end_no_attribute() -> None:
    assert markup.text("a\"b'c<d>&\n") == "a&quot;b&#x27;c&lt;d&gt;&amp; "


def test_the_page_loads_nothing_and_its_policy_lets_nothing_be_loaded() -> None:
    content = page.document(snapshots.BUSY, snapshots.NOON, stays=False).decode()
    assert not re.search(r"<script|<link|src=|url\(|@import|style=| on[a-z]+=", content)
    assert "default-src 'none'" in page.POLICY
    assert "unsafe" not in page.POLICY


def test_the_same_story_is_told_as_on_the_dashboard() -> None:
    text = drawn(snapshots.BUSY).text
    for words in (
        *("niassa-orch on server2.lab.net", "up 1h01m", "3/10 (+2 waiting)", "1/2 (+4 waiting)", "3800", "5s ago"),
        *("alice", "niassa-alice", "222", "3333", "\N{BALLOT X} wrong password", "401 [GET http://ws/x]", "in 1m30s"),
        *("7 waits for a person (niassa-orch doubts)", "Oozie has two jobs of this launch", "in doubt, asked again"),
        *("begun by an earlier process", "1m05s", "http://oozie/oozie", "! no answer", "time-out", "not asked yet"),
        *("run.moved", "accession=7 to=running", "5 active runs that no account serves", "eve@lab.net 4"),
    ):
        assert words in text, words


def test_who_needs_a_person_comes_first() -> None:
    lines = [
        account_line.AccountLine("a-well", state=account_line.State.OK),
        account_line.AccountLine("b-waits", state=account_line.State.OK, waiting="for its turn"),
        account_line.AccountLine("c-backs-off", state=account_line.State.BACKING_OFF, reason="no connection"),
        account_line.AccountLine("d-held", state=account_line.State.OK, held={runs.Accession(1): "two jobs"}),
        account_line.AccountLine("e-password", state=account_line.State.WRONG_PASSWORD, reason="401"),
        account_line.AccountLine("f-off", state=account_line.State.DISABLED),
    ]
    content = page.document(dataclasses.replace(snapshots.STARTED, accounts=tuple(lines)), snapshots.NOON, stays=False)
    named = re.findall(r'<th scope="row">(.-[a-z-]+)</th>', content.decode())
    assert named == ["e-password", "d-held", "c-backs-off", "b-waits", "a-well", "f-off"]


def test_a_stop_is_said_before_everything_else_and_in_the_title() -> None:
    given = (snapshots.ordered(orders.Kind.PAUSE, "bob"), snapshots.ordered(orders.Kind.STOP))
    ill = dataclasses.replace(snapshots.BUSY, orders=given, journal="the journal is full", draining=True)
    content = page.document(ill, snapshots.NOON, stays=False).decode()
    said = re.findall(r'<p class="(stop|alarm|pause)">([^<]*)', content)
    assert [look for look, _ in said] == ["stop", "alarm", "pause", "pause", "pause"]
    assert "launching is STOPPED for all accounts by order of olga" in said[0][1]
    assert "<title>STOPPED - nothing is launched - 3 to look at - niassa-orch on" in content


def test_it_loads_itself_anew_unless_asked_to_stay() -> None:
    assert ("meta", {"http-equiv": "refresh", "content": "5"}) in drawn(snapshots.BUSY).tags
    assert not [attributes for _, attributes in drawn(snapshots.BUSY, stays=True).tags if "http-equiv" in attributes]


def test_tables_say_what_each_row_and_column_is_and_no_state_is_told_by_colour_alone() -> None:
    read = drawn(snapshots.BUSY)
    assert ("html", {"lang": "en"}) in read.tags
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in read.tags if tag == "th")
    assert all(attributes.get("data-of") for tag, attributes in read.tags if tag == "td")
    for state in account_line.State:
        line = account_line.AccountLine("bob", state=state)
        assert f" {state}" in drawn(dataclasses.replace(snapshots.STARTED, accounts=(line,))).text


def test_with_very_many_accounts_the_worst_are_shown_and_the_rest_is_counted() -> None:
    lines = tuple(account_line.AccountLine(f"bob{number}", state=account_line.State.OK) for number in range(1234))
    text = drawn(dataclasses.replace(snapshots.STARTED, accounts=lines)).text
    assert "And 234 accounts more: niassa-orch status." in text


def test_a_service_that_has_just_begun_says_so() -> None:
    text = drawn(snapshots.STARTED).text
    assert "No account is known yet." in text
    assert f"as of {datetime.date(2026, 1, 2)} 12:00:00 UTC" in text
