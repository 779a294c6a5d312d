import pytest

from niassa_orch.domain import runs
from niassa_orch.seqware import call

HEADER = call.CallHeader.now(
    "bob", "niassa-bob", "launch", [runs.Accession(12), runs.Accession(34)], runs.EngineFamily.OOZIE
)


def test_a_header_survives_the_file() -> None:
    assert call.CallHeader.from_line(HEADER.to_line()) == HEADER


def test_two_calls_never_share_an_id() -> None:
    again = call.CallHeader.now(HEADER.account, HEADER.unix_user, HEADER.verb, HEADER.accessions, HEADER.engine_family)
    assert again.call_id != HEADER.call_id
    assert again.boot_id == HEADER.boot_id


HALVES = (
    b"",
    b"\n",
    b"[]\n",
    b"null\n",
    b'{"niassa_orch_call": 1}\n',
    b'{"niassa_orch_mediator": 1}\n',
    b"\xff\xfe\n",
    b"[" * 60_000 + b"\n",
    HEADER.to_line()[:-1],
    HEADER.to_line()[:40],
    HEADER.to_line().replace(b'"oozie"', b'"sge"'),
    HEADER.to_line().replace(b'"account"', b'"acount"'),
)


# Numbered, since a header is another one in each process.
@pytest.mark.parametrize("line", HALVES, ids=range(len(HALVES)))
def test_half_a_header_or_something_else_is_none(line: bytes) -> None:
    with pytest.raises(ValueError, match="does not begin with a header"):
        call.CallHeader.from_line(line)


def test_the_environment_of_a_call_holds_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIASSA_ORCH_SECRET", "canary")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert set(call.environment()) == {"PATH", "LANG", "TZ"}
