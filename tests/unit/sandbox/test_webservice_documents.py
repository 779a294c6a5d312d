import dataclasses
from xml.etree import ElementTree

import hypothesis
import pytest
from hypothesis import strategies

from niassa_orch.sandbox import webservice_documents

_RUN = webservice_documents.StoredRun(
    accession=1005,
    owner="bob@lab.net",
    workflow_accession=12,
    created_ms=1_700_000_000_000,
    updated_ms=1_700_000_000_120,
    version=0,
    texts={"status": "running", "iniFile": "a=1\nb=<&>\r\n", "name": "", "host": "server2", "stdErr": "long"},
    input_files=(9, 8),
    attributes=(webservice_documents.Attribute("quality", "good"),),
)

#: What XML 1.0 can hold.
_texts = strategies.text(
    strategies.characters(exclude_categories=["Cs"], exclude_characters="".join(map(chr, range(32))) + "\ufffe\uffff")
    | strategies.sampled_from("\t\n\r")
)


@hypothesis.given(strategies.dictionaries(strategies.sampled_from(webservice_documents.WRITABLE), _texts))
def test_what_is_written_is_read_back_unchanged(texts: dict[str, str]) -> None:
    texts.pop("status", None)
    run = dataclasses.replace(_RUN, texts=texts)
    body = webservice_documents.read(webservice_documents.document(run))
    assert body.texts == texts
    assert (body.accession, set(body.input_files), body.attributes) == (1005, {8, 9}, run.attributes)


def _parse(document: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(document)  # noqa: S314 - our own documents


def test_the_elements_of_a_document_are_in_alphabetical_order() -> None:
    tags = [child.tag for child in _parse(webservice_documents.document(_RUN))]
    assert tags == sorted(tags)
    assert tags.count("inputFileAccessions") == 2
    assert "workflowRunAttributes" in tags


def test_a_row_has_the_long_texts_but_neither_input_files_nor_attributes() -> None:
    row = _parse(webservice_documents.row(_RUN))
    tags = {child.tag for child in row}
    assert row.tag == "list"
    assert {"iniFile", "stdErr", "ownerUserName", "workflowAccession"} <= tags
    assert not {"inputFileAccessions", "workflowRunAttributes", "owner", "workflow"} & tags


def test_absent_texts_have_no_element_and_empty_ones_have_an_empty_element() -> None:
    document = webservice_documents.document(_RUN)
    assert b"<statusCmd" not in document
    assert b"<name/>" in document
    assert webservice_documents.read(document).texts["name"] == ""


def test_the_primary_key_is_not_the_accession() -> None:
    document = _parse(webservice_documents.document(_RUN))
    assert document.findtext("workflowRunId") == "5"


def test_milliseconds_are_left_out_when_they_are_zero() -> None:
    assert webservice_documents.moment(1_700_000_000_000) == "2023-11-14T22:13:20Z"
    assert webservice_documents.moment(1_700_000_000_120) == "2023-11-14T22:13:20.120Z"


@pytest.mark.parametrize("status", [" running", "running\n", "RUNNING", "gone", ""])
def test_an_unknown_or_padded_status_is_null(status: str) -> None:
    body = webservice_documents.read(f"<WorkflowRun><status>{status}</status></WorkflowRun>".encode())
    assert "status" not in body.texts


def test_of_a_repeated_scalar_the_last_wins() -> None:
    body = webservice_documents.read(b"<WorkflowRun><host>a</host><name>n</name><host>b</host></WorkflowRun>")
    assert body.texts == {"host": "b", "name": "n"}


def test_unknown_and_namespaced_elements_are_dropped() -> None:
    body = webservice_documents.read(
        b'<WorkflowRun xmlns:n="urn:n"><n:host>a</n:host><novelty>b</novelty><createTimestamp>c</createTimestamp>'
        b"</WorkflowRun>"
    )
    assert body.texts == {}


@pytest.mark.parametrize("wrong", [b"", b"{}", b"<WorkflowRun>", b"<WorkflowRun>\x01</WorkflowRun>", b"<Workflow/>"])
def test_what_is_no_workflow_run_is_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        webservice_documents.read(wrong)


@pytest.mark.parametrize("accession", ["", "x", "1.5", "-1", "99999999999"])
def test_an_accession_that_is_no_number_is_missing(accession: str) -> None:
    body = webservice_documents.read(f"<WorkflowRun><swAccession>{accession}</swAccession></WorkflowRun>".encode())
    assert body.accession is None
