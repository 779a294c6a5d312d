import string
import tracemalloc

import hypothesis
import hypothesis.strategies as st
import pytest

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.webservice import lists, scanner

BOMB = b"""<?xml version="1.0"?><!DOCTYPE WorkflowRunList2 [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]><WorkflowRunList2><list><status>&c;</status></list></WorkflowRunList2>"""


def parse(document: bytes, *, piece_bytes: int = 65536, limits: scanner.Limits | None = None) -> list[runs.WorkflowRun]:
    parser = lists.RunListParser(limits)
    for start in range(0, len(document), piece_bytes):
        parser.feed(document[start : start + piece_bytes])
    return parser.close()


def row(accession: object = 1, owner: str = "bob@lab.net", more: str = "<status>submitted</status>") -> str:
    return f"<list><swAccession>{accession}</swAccession><ownerUserName>{owner}</ownerUserName>{more}</list>"


def document(*rows: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><WorkflowRunList2>{"".join(rows)}</WorkflowRunList2>'.encode()


def test_a_row_becomes_a_run_without_its_texts() -> None:
    more = (
        "<host>server2</host><workflowEngine>oozie-sge</workflowEngine><statusCmd>0000001-oozie-W</statusCmd>"
        "<iniFile>key=value\nother=&lt;x&gt;</iniFile><stdErr>long</stdErr><status>running</status>"
        "<currentWorkingDir>/u/niassa-bob/oozie-6b2c</currentWorkingDir>"
    )
    assert parse(document(row(12, " Bob@LAB.net ", more))) == [
        runs.WorkflowRun(
            accession=runs.Accession(12),
            status=runs.RunStatus.RUNNING,
            owner="bob@lab.net",
            host="server2",
            engine="oozie-sge",
            status_cmd="0000001-oozie-W",
            working_dir="/u/niassa-bob/oozie-6b2c",
        )
    ]


@pytest.mark.parametrize("empty", [b"<WorkflowRunList2/>", b"<WorkflowRunList2></WorkflowRunList2>"])
def test_an_empty_list_is_a_list(empty: bytes) -> None:
    assert parse(empty) == []


def test_the_owner_of_something_nested_is_not_the_runs_owner() -> None:
    nested = "<workflow><ownerUserName>bob@lab.net</ownerUserName><swAccession>77</swAccession></workflow>"
    found = parse(document(row(1, "eve@lab.net", nested), f"<list>{nested}<swAccession>2</swAccession></list>"))
    assert [(run.accession, run.owner) for run in found] == [(1, "eve@lab.net"), (2, "")]


def test_a_nested_accession_or_status_does_not_replace_the_runs_own() -> None:
    nested = "<status>running</status><workflow><swAccession>77</swAccession><status>failed</status></workflow>"
    (run,) = parse(document(row(5, more=nested)))
    assert (run.accession, run.status) == (5, runs.RunStatus.RUNNING)


@pytest.mark.parametrize("text", ["", " running", "running\n", "RUNNING", "paused", "running<b/>", "<b>running</b>"])
def test_a_status_that_is_not_exactly_one_of_the_eight_is_unknown(text: str) -> None:
    (run,) = parse(document(row(more=f"<status>{text}</status>")))
    assert run.status is None


def test_absent_and_empty_elements_are_absent() -> None:
    (run,) = parse(document(row(more="<host/><statusCmd></statusCmd><currentWorkingDir/>")))
    assert (run.status, run.host, run.engine, run.status_cmd, run.working_dir) == (None,) * 5


@pytest.mark.parametrize("accession", ["", "0", "-3", "1.5", "x", "12345678901234567890", "\u0661"])
def test_a_row_without_a_usable_accession_is_passed_over_and_counted(accession: str) -> None:
    parser = lists.RunListParser()
    parser.feed(document(row(accession), row(2)))
    assert [run.accession for run in parser.close()] == [2]
    assert parser.skipped_rows == 1


def test_a_kept_text_longer_than_any_real_one_costs_its_own_row_only() -> None:
    parser = lists.RunListParser()
    parser.feed(document(row(1, more=f"<statusCmd>{'x' * 5000}</statusCmd>"), row(2), row(3, owner="o" * 5000)))
    assert [run.accession for run in parser.close()] == [2]
    assert parser.skipped_rows == 2


@pytest.mark.parametrize("piece_bytes", [1, 7, 64])
def test_the_pieces_in_which_a_list_comes_do_not_matter(piece_bytes: int) -> None:
    whole = document(row(1, more="<host>sörver &amp; söhne</host>"), row(2, "eve@lab.net"), row(3))
    assert parse(whole, piece_bytes=piece_bytes) == parse(whole)
    assert parse(whole)[0].host == "sörver & söhne"


@hypothesis.given(st.data())
def test_a_list_that_is_cut_anywhere_is_no_list(data: st.DataObject) -> None:
    whole = document(row(1), row(2))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(errors.MalformedAnswerError):
        parse(whole[:cut])


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (BOMB, "DOCTYPE"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><WorkflowRunList2/>', "DOCTYPE"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><WorkflowRunList2>&e;</WorkflowRunList2>', "DOCTYPE"),
        (b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/">%p;]><WorkflowRunList2/>', "DOCTYPE"),
        (b"<!DOCTYPE WorkflowRunList2><WorkflowRunList2/>", "DOCTYPE"),
        (b"<WorkflowRunList2>&unknown;</WorkflowRunList2>", "undefined entity"),
        (b"<WorkflowRunList2/><WorkflowRunList2/>", "junk"),
        (b"<WorkflowRunList2/>trailing", "junk"),
        (b"<WorkflowRun/>", "WorkflowRunList2"),
        (b"<html><body>Sign in</body></html>", "WorkflowRunList2"),
        (b"<x:WorkflowRunList2 xmlns:x='u'/>", "WorkflowRunList2"),
        (b"<WorkflowRunList2><item/></WorkflowRunList2>", "list"),
        (b"<WorkflowRunList2>\x00</WorkflowRunList2>", "XML"),
        (b"<WorkflowRunList2>\x08</WorkflowRunList2>", "XML"),
        (b"<WorkflowRunList2>&#8;</WorkflowRunList2>", "character"),
        (b"<WorkflowRunList2>&#xD800;</WorkflowRunList2>", "character"),
        (b"<WorkflowRunList2>\xff\xfe</WorkflowRunList2>", "XML"),
        ("<WorkflowRunList2/>".encode("utf-16"), "UTF-8"),
        ("\ufeff<WorkflowRunList2/>".encode("utf-16-be"), "UTF-8"),
        ("<WorkflowRunList2/>".encode("utf-16-le"), "UTF-8"),
        ("<WorkflowRunList2/>".encode("utf-16-be"), "UTF-8"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "XML"),
        (b'{"list": []}', "XML"),
        (b"", "too early"),
        (b"<WorkflowRunList2>" + b"<list>" * 33, "deeper"),
        (b"<WorkflowRunList2>" + b"<a>" * 1_000_000, "list"),
        (b"<WorkflowRunList2><list>" + b"<a>" * 1_000_000, "deeper"),
        (b"<WorkflowRunList2 a='" + b"x" * 3_000_000 + b"'/>", "longer"),
        (b"<WorkflowRunList2><!--" + b"x" * 3_000_000, "longer"),
        (b"<WorkflowRunList2><?p " + b"x" * 3_000_000, "longer"),
        (b"<" + b"x" * 3_000_000, "longer"),
        (b"<!DOCTYPE " + b"x" * 3_000_000, "longer"),
        (b"<WorkflowRunList2 " + b" ".join(b"a%d=''" % n for n in range(65)) + b"/>", "attributes"),
        (b"<WorkflowRunList2 a='' a=''/>", "duplicate"),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_what_no_web_service_has_a_reason_to_send_is_refused(attack: bytes, reason: str) -> None:
    with pytest.raises(errors.MalformedAnswerError, match=reason):
        parse(attack)


@pytest.mark.parametrize("encoding", ["utf-7", "utf-16", "iso-8859-1", "no-such-thing"])
def test_the_declared_encoding_is_ignored_and_utf_8_is_read(encoding: str) -> None:
    hidden = f'<?xml version="1.0" encoding="{encoding}"?><WorkflowRunList2>+ADw-list+AD4-{row(1)}</WorkflowRunList2>'
    assert [run.accession for run in parse(hidden.encode())] == [1]


def test_texts_of_many_megabytes_that_are_not_kept_pass() -> None:
    text = "line &lt;1&gt;\n" * 700_000
    (run,) = parse(document(row(7, more=f"<stdErr>{text}</stdErr><status>failed</status>")))
    assert (run.accession, run.status) == (7, runs.RunStatus.FAILED)


def test_more_runs_of_ours_than_can_be_true_are_refused() -> None:
    with pytest.raises(errors.MalformedAnswerError, match="more runs"):
        parse(document(*(row(number) for number in range(1, 5))), limits=scanner.Limits(elements=3))


@pytest.mark.parametrize(
    "owner",
    [
        "bob@lab.net\xa0",
        "bob@lab.net\u3000",
        "\u2028bob@lab.net",
        "&#160;bob@lab.net",
        "bob@lab.net\x85",
        "\uff42ob@lab.net",
    ],
)
def test_an_owner_that_only_looks_like_ours_is_somebody_else(owner: str) -> None:
    theirs, ours = parse(document(row(1, owner), row(2)))
    assert theirs.owner != ours.owner == "bob@lab.net"


def test_the_kelvin_sign_makes_nobody_mark() -> None:
    found = parse(document(row(1, "mar\u212a@lab.net"), row(2, "MARK@lab.net")))
    assert [run.owner for run in found] == ["mar\u212a@lab.net", "mark@lab.net"]


#: What a row of an active run carries, of what is kept.
ACTIVE = (
    "<host>server2</host><workflowEngine>oozie</workflowEngine><status>running</status>"
    "<statusCmd>{0:07d}-210203040506789-oozie-oozi-W</statusCmd>"
    "<currentWorkingDir>/home/niassa-bob/seqware-oozie/oozie-6b2c1f0e-0000-4000-8000-{0:012d}</currentWorkingDir>"
)


def fed(parser: lists.RunListParser, rows_of_ours: int, statuses: str = "") -> None:
    """Feed that many short rows of ours, in pieces."""
    parser.feed(b"<WorkflowRunList2>")
    for start in range(0, rows_of_ours, 1000):
        numbers = range(start + 1, min(start + 1000, rows_of_ours) + 1)
        parser.feed("".join(row(number, more=statuses.format(number)) for number in numbers).encode())


def test_a_run_of_ours_is_kept_in_little_memory() -> None:
    tracemalloc.start()
    try:
        parser = lists.RunListParser()
        fed(parser, 20_000, ACTIVE)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 20_000 * 400


def test_a_list_keeps_250_000_runs_of_ours_and_refuses_one_more() -> None:
    parser = lists.RunListParser()
    fed(parser, 250_000, ACTIVE)
    with pytest.raises(errors.MalformedAnswerError, match="more runs to keep than the 250000"):
        parser.feed(row(250_001).encode())


@pytest.mark.parametrize("element", ["statusCmd", "currentWorkingDir"])
def test_long_texts_in_many_rows_of_ours_are_bounded_in_bytes_whatever_their_letters(element: str) -> None:
    parser = lists.RunListParser()
    with pytest.raises(errors.MalformedAnswerError, match="texts of more than"):
        fed(parser, 13_000, f"<{element}>" + "\U0001f600" * 4000 + f"</{element}>")


def test_a_refusal_does_not_quote_the_list() -> None:
    with pytest.raises(errors.MalformedAnswerError) as caught:
        parse(b"<WorkflowRunList2><list><owner><password>5f4dcc3b</password></wrong>")
    assert "5f4dcc3b" not in str(caught.value) + repr(caught.value.__cause__)


@hypothesis.given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from(b"<>&;/!?'\"\x00\x80a ")), max_size=6))
def test_a_damaged_list_is_read_or_refused_and_nothing_else(damages: list[tuple[int, int]]) -> None:
    damaged = bytearray(document(row(1), row(2, more="<iniFile a='1'>a=b</iniFile><!-- c --><![CDATA[x]]>")))
    for position, byte in damages:
        damaged[position % len(damaged)] = byte
    try:
        found = parse(bytes(damaged))
    except errors.MalformedAnswerError:
        return
    assert len(found) <= 2


@hypothesis.given(
    st.lists(
        st.tuples(
            st.integers(1, 10**17),
            st.sampled_from(runs.RunStatus),
            st.text(string.ascii_letters + string.digits + "@.<&é", min_size=1, max_size=20),
        ),
        max_size=8,
    )
)
def test_what_a_list_says_is_what_is_read(told: list[tuple[int, runs.RunStatus, str]]) -> None:
    rows = [
        row(accession, more=f"<status>{status}</status><host>{host.replace('&', '&amp;').replace('<', '&lt;')}</host>")
        for accession, status, host in told
    ]
    assert [(run.accession, run.status, run.host) for run in parse(document(*rows), piece_bytes=50)] == told
