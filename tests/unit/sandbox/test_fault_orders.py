import pytest

from niassa_orch.sandbox import fault_orders

_PUT = fault_orders.Request(
    "PUT", "/base/workflowruns/7", {"a": "1", "b": "2"}, "bob@lab.net", b"<x>seven</x>", "Java/1.8"
)


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"method": "put"},
        {"path": r"runs/\d+$"},
        {"query": {"a": "1"}},
        {"query": {"a": 1}},
        {"user": " Bob@Lab.Net"},
        {"agent": "^Java/"},
        {"body": "seven"},
        {"body_contains": "seven"},
        {"method": None, "path": None, "query": None, "user": None, "body": None},
    ],
)
def test_an_order_means_a_request_that_meets_its_condition(condition: dict[str, object]) -> None:
    assert fault_orders.read({"action": "drop_before", **condition}).means(_PUT)


@pytest.mark.parametrize(
    "condition",
    [
        {"method": "GET"},
        {"path": "runs/8"},
        {"query": {"a": "1", "c": "3"}},
        {"user": "alice@lab.net"},
        {"agent": "^niassa-orch/"},
        {"body": "eight"},
        {"body_contains": "eight"},
        {"method": "PUT", "user": "alice@lab.net"},
    ],
)
def test_one_condition_that_fails_is_enough_for_a_request_not_to_be_meant(condition: dict[str, object]) -> None:
    assert not fault_orders.read({"action": "drop_before", **condition}).means(_PUT)


def test_the_body_of_a_status_order_is_its_answer_and_no_condition() -> None:
    assert fault_orders.read({"action": "status", "body": "no such text"}).means(_PUT)
    assert not fault_orders.read({"action": "status", "body_contains": "no such text"}).means(_PUT)


@pytest.mark.parametrize(
    "wrong",
    [
        "hang",
        {},
        {"action": "explode"},
        {"action": "hang", "paht": "x"},
        {"action": "hang", "times": "1"},
        {"action": "hang", "path": "("},
        {"action": "hang", "agent": "("},
        {"action": "delay"},
        {"action": "trickle"},
    ],
)
def test_an_order_that_could_never_strike_as_meant_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        fault_orders.read(wrong)
