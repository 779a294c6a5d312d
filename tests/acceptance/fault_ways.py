"""In which ways a request can fail, as orders of the sandbox: ``status``, ``drop_before``, ``hang``...

Which request fails is for the caller to say. Used by the tests of faults.
"""

from typing import Any

Ways = dict[str, dict[str, Any]]


def _answer(body: str, content_type: str = "application/json") -> dict[str, Any]:
    """200, and not what was asked for."""
    return {"action": "status", "status": 200, "body": body, "content_type": content_type}


#: Of any neighbour.
FAILS: Ways = {
    "status 500": {"action": "status", "status": 500},
    "status 401": {"action": "status", "status": 401},
    "drop_before": {"action": "drop_before"},
    "drop_after": {"action": "drop_after"},
    "cut": {"action": "cut"},
}
#: Until whoever asks gives up; the engine never does.
HANGS: Ways = {"hang": {"action": "hang"}}
OOZIE_FAILS: Ways = {
    **FAILS,
    "safe mode": {"action": "status", "status": 503, "headers": {"oozie-error-code": "E0002"}},
    "status 404": {"action": "status", "status": 404},
    "not JSON": _answer("{"),
    "no answer": _answer("{}"),
    "a page": _answer("<html></html>", "text/html"),
}
