import pytest

from niassa_orch.sandbox import webservice_lists


def test_known_keys_select_and_unknown_ones_are_ignored() -> None:
    query = webservice_lists.read_query({"status": "running", "host": "h", "stauts": "failed", "hots": "x'"})
    assert query == webservice_lists.Query(None, {"status": "running", "host": "h"})


def test_id_overrides_email_and_email_overrides_the_rest() -> None:
    everything = {"status": "running", "ownerUserName": "bob", "email": " Bob@Lab.net", "id": "5"}
    assert webservice_lists.read_query(everything) == webservice_lists.Query(5, {})
    del everything["id"]
    assert webservice_lists.read_query(everything) == webservice_lists.Query(None, {"owner": "bob@lab.net"})


@pytest.mark.parametrize("query", [{"ownerUserName": "bob"}, {"host": "it's"}, {"host": "a\\b"}, {"id": "five"}])
def test_queries_that_the_real_service_dies_of(query: dict[str, str]) -> None:
    with pytest.raises(webservice_lists.QueryError):
        webservice_lists.read_query(query)
