import gc
import weakref
from xml.etree import ElementTree

import hypothesis
import hypothesis.strategies as st
import pytest

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.webservice import documents, elements

WHOLE = b"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?><WorkflowRun>
 <createTimestamp>2021-02-03T04:05:06+01:00</createTimestamp>
 <currentWorkingDir>/u/niassa-bob/oozie-6b2c</currentWorkingDir>
 <host>server2</host>
 <iniFile>a=1
b=&lt;2&gt; &amp; "3"
</iniFile>
 <inputFileAccessions>11</inputFileAccessions><inputFileAccessions>12</inputFileAccessions>
 <name/>
 <ownerUserName>bob@lab.net</ownerUserName>
 <owner><emailAddress>bob@lab.net</emailAddress><password>5f4dcc3b</password></owner>
 <status>pending</status><statusCmd>0000001-21-oozie-W</statusCmd>
 <stdErr>  padded  </stdErr>
 <swAccession>1234</swAccession>
 <workflowEngine>oozie-sge</workflowEngine>
 <workflow><swAccession>9</swAccession></workflow><ius/><lanes/><processes/>
 <workflowRunAttributes id="4"><tag>colour</tag><value>blue&#13;</value></workflowRunAttributes>
 <futureField kind="new">kept</futureField>
</WorkflowRun>"""


def whole() -> documents.RunDocument:
    return documents.RunDocument.parse(WHOLE)


def minimal(inside: str) -> bytes:
    return f"<WorkflowRun><swAccession>1</swAccession>{inside}</WorkflowRun>".encode()


def test_a_document_tells_its_run_and_its_texts() -> None:
    assert whole().run == runs.WorkflowRun(
        accession=runs.Accession(1234),
        status=runs.RunStatus.PENDING,
        owner="bob@lab.net",
        host="server2",
        engine="oozie-sge",
        status_cmd="0000001-21-oozie-W",
        working_dir="/u/niassa-bob/oozie-6b2c",
    )
    assert whole().text("iniFile") == 'a=1\nb=<2> & "3"\n'
    assert whole().text("name") == ""
    assert whole().text("stdOut") is None
    assert whole().text("stdErr") == "  padded  "


def test_what_is_sent_back_keeps_everything_but_what_would_re_assign_the_run() -> None:
    sent = documents.RunDocument.parse(whole().to_xml())
    names = [element.name for element in sent.elements]
    assert not documents.LEFT_OUT & set(names)
    assert sent.elements == tuple(element for element in whole().elements if element.name not in documents.LEFT_OUT)
    assert [element.text for element in sent.elements if element.name == "inputFileAccessions"] == ["11", "12"]
    assert b"5f4dcc3b" not in whole().to_xml()


def test_nothing_is_pretty_printed_and_no_namespace_is_sent() -> None:
    spaced = (
        minimal("<status>running</status>")
        .replace(b"<WorkflowRun>", b'<WorkflowRun xmlns="u" xmlns:x="v">\n ')
        .replace(b"</WorkflowRun>", b'\n <x:gone>1</x:gone> <kept x:a="1" b="2">t</kept></WorkflowRun>')
    )
    assert documents.RunDocument.parse(spaced).to_xml() == (
        b'<?xml version="1.0" encoding="UTF-8"?><WorkflowRun><swAccession>1</swAccession>'
        b'<status>running</status><kept b="2">t</kept></WorkflowRun>'
    )


def test_a_change_replaces_in_place_appends_what_is_new_and_takes_out_what_is_none() -> None:
    changed = whole().changed({"status": "running", "sgeNameIdMap": "a=1,b=2", "stdErr": None, "name": "x"})
    assert changed.run.status is runs.RunStatus.RUNNING
    assert changed.text("sgeNameIdMap") == "a=1,b=2"
    assert changed.text("stdErr") is None
    before = [element.name for element in whole().elements if element.name != "stdErr"]
    assert [element.name for element in changed.elements] == [*before, "sgeNameIdMap"]
    assert whole().run.status is runs.RunStatus.PENDING


def test_of_a_repeated_scalar_the_last_wins_and_a_change_leaves_one() -> None:
    document = documents.RunDocument.parse(minimal("<status>running</status><status>failed</status>"))
    assert document.run.status is runs.RunStatus.FAILED
    assert document.changed({"status": "pending"}).to_xml().count(b"<status>") == 1


@pytest.mark.parametrize(
    "name", ["swAccession", "owner", "workflow", "inputFileAccessions", "workflowRunAttributes", "", "a b", "a:b", "<a"]
)
def test_what_is_not_ours_to_change_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not ours"):
        whole().changed({name: "1"})


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    text = "a\x00b\x08c\x1b[0m\ud800\ufffe\uffff\t\r\n\x85\U0001f9ec"
    made = documents.RunDocument.of(
        (*whole().elements, elements.Element("stdErr", text, attributes=(("kind", "\x00"),)))
    )
    for document in (whole().changed({"stdErr": text}), made):
        sent = document.to_xml()
        assert documents.RunDocument.parse(sent).text("stdErr") == "abc[0m\t\r\n\x85\U0001f9ec"


def test_neither_document_nor_element_prints_what_it_holds() -> None:
    assert "5f4dcc3b" not in repr(whole()) + repr(whole().elements)


def test_texts_between_elements_belong_to_none_of_them() -> None:
    document = documents.RunDocument.parse(minimal("x<a>1<b>2</b>3<c/>4</a>y<d>5</d>z"))
    assert document.elements[1:] == (
        elements.Element("a", "", (elements.Element("b", "2"), elements.Element("c"))),
        elements.Element("d", "5"),
    )


def test_a_scalar_with_children_is_none() -> None:
    document = documents.RunDocument.parse(minimal("<status><b>running</b></status>"))
    assert document.text("status") is None
    assert document.run.status is None


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (b"<WorkflowRun><status>running</status></WorkflowRun>", "swAccession"),
        (b"<WorkflowRun><swAccession>x</swAccession></WorkflowRun>", "swAccession"),
        (b"<WorkflowRun/>", "swAccession"),
        (b"<WorkflowRunList2/>", "WorkflowRun"),
        (b"<Workflow><swAccession>1</swAccession></Workflow>", "WorkflowRun"),
        (b"<!DOCTYPE WorkflowRun><WorkflowRun><swAccession>1</swAccession></WorkflowRun>", "DOCTYPE"),
        (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><WorkflowRun>&e;</WorkflowRun>', "DOCTYPE"),
        (WHOLE[:-1], "too early"),
        (WHOLE + b"<WorkflowRun/>", "junk"),
        (b"", "too early"),
        (minimal("<a>" * 40 + "</a>" * 40), "deeper"),
        (minimal("<a/>" * 100_001), "elements"),
        (minimal(f"<a b='{'x' * 2_000_000}'/>"), "longer"),
        (minimal("\x00"), "XML"),
        (minimal("<a " + " ".join(f"a{n}=''" for n in range(65)) + "/>"), "attributes"),
        (minimal("<a b='' c=''/>" * 33_334), "elements"),
    ],
    ids=range(16),
)
def test_a_document_that_cannot_be_trusted_is_refused(refused: bytes, reason: str) -> None:
    with pytest.raises(errors.MalformedAnswerError, match=reason):
        documents.RunDocument.parse(refused)


def test_a_document_larger_than_any_run_is_refused() -> None:
    with pytest.raises(errors.MalformedAnswerError, match="larger"):
        documents.RunDocument.parse(b" " * (documents.LIMIT_BYTES + 1))


def test_a_parser_that_is_done_leaves_nothing_to_the_garbage_collector() -> None:
    gc.disable()
    try:
        parser = documents.RunDocumentParser()
        parser.feed(WHOLE)
        parser.close()
        left = weakref.ref(parser)
        del parser
        assert left() is None
    finally:
        gc.enable()


def test_texts_of_many_megabytes_are_kept() -> None:
    text = "line <1>\n" * 1_000_000
    sent = whole().changed({"stdOut": text}).to_xml()
    assert documents.RunDocument.parse(sent).text("stdOut") == text


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True).filter(
    lambda name: name not in documents.LEFT_OUT and name != "swAccession" and name != "xmlns"
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.just("\r"))
LEAVES = st.builds(
    elements.Element,
    NAMES,
    TEXTS,
    st.just(()),
    st.dictionaries(NAMES, TEXTS, max_size=3).map(lambda d: tuple(d.items())),
)
ELEMENTS = st.recursive(
    LEAVES,
    lambda inner: st.builds(elements.Element, NAMES, st.just(""), st.lists(inner, min_size=1).map(tuple), st.just(())),
    max_leaves=8,
)


@hypothesis.given(st.lists(ELEMENTS, max_size=6))
def test_what_is_written_is_read_back_the_same(inside: list[elements.Element]) -> None:
    document = documents.RunDocument.of((elements.Element("swAccession", "1"), *inside))
    assert document.elements[1:] == tuple(inside)
    assert documents.RunDocument.parse(document.to_xml()) == document


@hypothesis.given(st.dictionaries(NAMES, st.none() | st.text(), max_size=5))
def test_any_text_can_be_written(changes: dict[str, str | None]) -> None:
    allowed = {name: text for name, text in changes.items() if name not in ("inputFileAccessions",)}
    read = documents.RunDocument.parse(whole().changed(allowed).to_xml())
    for name, text in allowed.items():
        assert (read.text(name) is None) == (text is None)


def test_what_nobody_changed_is_sent_in_the_bytes_that_came() -> None:
    inside = "<a>&#65;&lt;\t]] &gt;</a><status>running</status><b></b><c>\u00e9\U0001f9ec</c>"
    sent = documents.RunDocument.parse(minimal(inside)).changed({"status": "failed"}).to_xml()
    assert inside.replace("running", "failed").encode() in sent


@pytest.mark.parametrize(
    "odd",
    [
        "<a>1</a> > tail ",
        "<a>1<!-- </a> --></a>",
        "<a><![CDATA[<a>1</a>]]></a>",
        "<a>1</a><!-- <a>2</a> -->",
        "<a>1<?x </a>?></a>",
        "<a >1</a >",
        "<a b='>'>1</a>",
        "<a/>",
        "<a>\r\n1\r</a>",
        "<a:b>1</a:b>",
        "<a><a>1</a></a>",
        "<é>1</é>",
        "<a>1</a><a><b>2</b></a>",
    ],
)
@pytest.mark.parametrize("after", ["", "\n", "<!-- </WorkflowRun> -->", " <?x </WorkflowRun>?> "])
@pytest.mark.parametrize("before", ["", "\ufeff", "<?xml version='1.0'?>\n<!-- <WorkflowRun> -->"])
def test_odd_shapes_are_read_as_a_parser_that_builds_a_tree_reads_them(odd: str, after: str, before: str) -> None:
    came = before.encode() + minimal(odd + "<z>last</z>") + after.encode()
    tree = ElementTree.fromstring(came.replace(b"a:b", b"a.b"))  # noqa: S314  our own bytes
    for size in (1, 7, len(came)):
        document = parsed_in_pieces(came, size)
        assert [shape(element) for element in document.elements] == [shape_of_tree(child) for child in tree]
        assert (document.text("z"), document.accession) == ("last", 1)
        scalars = [child.text or "" for child in tree if child.tag == "a" and not len(child)]
        assert document.text("a") == (scalars[-1] if scalars else None)
    again = documents.RunDocument.parse(document.to_xml())
    assert again.elements == tuple(element for element in document.elements if ":" not in element.name)


def parsed_in_pieces(came: bytes, size: int) -> documents.RunDocument:
    parser = documents.RunDocumentParser()
    for start in range(0, len(came), size):
        parser.feed(came[start : start + size])
    return parser.close()


Shape = tuple[str, str, tuple["Shape", ...], tuple[tuple[str, str], ...]]


def shape(element: elements.Element) -> Shape:
    inside = tuple(shape(child) for child in element.children)
    return element.name.replace(":", "."), element.text, inside, element.attributes


def shape_of_tree(element: ElementTree.Element) -> Shape:
    inside = tuple(shape_of_tree(child) for child in element)
    return element.tag, "" if inside else element.text or "", inside, tuple(element.attrib.items())
