"""An order for a fault: which requests it means, and what is to happen to them. Read from JSON, pure.

What an order does is ``fault_actions``; counting hits and keeping the record of requests is ``faults``.
"""

import dataclasses
import enum
import re
import types
from collections.abc import Mapping


class Action(enum.StrEnum):
    """What happens to a request that an order means."""

    STATUS = "status"
    HANG = "hang"
    HOLD = "hold"
    DELAY = "delay"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    CUT = "cut"
    HEADERS = "headers"
    TRICKLE = "trickle"


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What an order can look at. ``user`` is the one of the Authorization header, trimmed and in lower case; ``agent``
    is the User-Agent header, which says whether the service or the engine asks.
    """

    method: str
    path: str
    query: Mapping[str, str]
    user: str | None
    body: bytes
    agent: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """One order, as JSON gave it; every condition that is not ``None`` has to hold.

    Args:
        action: What happens; ``hold`` lets it go on when the order is taken back.
        method: The request's method.
        path: A regular expression searched in the path.
        query: Pairs that the query must hold.
        user: The user of the Authorization header.
        agent: A regular expression searched in the User-Agent header.
        body: For the action ``status`` the body of the answer; for every other action a text that the request's body
            must hold.
        body_contains: A text that the request's body must hold, whatever the action.
        skip: So many matching requests are let pass first.
        times: How often the order strikes; ``None`` is for ever.
        status: Status of the answer, for ``status``.
        headers: Headers of the answer, for ``status`` and ``headers``; a list gives one header several times.
        content_type: Of the answer, for ``status``.
        seconds: How long, for ``hang`` (``None``: until the client leaves), ``delay``, ``trickle`` (a byte).
    """

    action: Action
    method: str | None = None
    path: str | None = None
    query: Mapping[str, str] | None = None
    user: str | None = None
    agent: str | None = None
    body: str | None = None
    body_contains: str | None = None
    skip: int = 0
    times: int | None = 1
    status: int = 500
    headers: Mapping[str, str | list[str]] = dataclasses.field(default_factory=dict)
    content_type: str = "text/html; charset=UTF-8"
    seconds: float | None = None

    def means(self, request: Request) -> bool:
        """Tell whether the conditions hold; hits are counted elsewhere."""
        return (
            (self.method is None or self.method.upper() == request.method)
            and (self.path is None or re.search(self.path, request.path) is not None)
            and (self.agent is None or re.search(self.agent, request.agent) is not None)
            and (self.user is None or self.user.strip().lower() == request.user)
            and all(request.query.get(key) == str(value) for key, value in (self.query or {}).items())
            and all(text.encode() in request.body for text in self._texts())
        )

    def header_pairs(self) -> list[tuple[str, str]]:
        """The answer's headers, one pair for each line on the wire."""
        return [
            (name, value)
            for name, values in self.headers.items()
            for value in (values if isinstance(values, list) else [values])
        ]

    def _texts(self) -> list[str]:
        body = None if self.action is Action.STATUS else self.body
        return [text for text in (body, self.body_contains) if text is not None]


_TYPES: Mapping[str, type | types.UnionType] = {
    "action": str,
    "method": str | None,
    "path": str | None,
    "query": dict | None,
    "user": str | None,
    "agent": str | None,
    "body": str | None,
    "body_contains": str | None,
    "skip": int,
    "times": int | None,
    "status": int,
    "headers": dict,
    "content_type": str,
    "seconds": int | float | None,
}


def read(fields: object) -> Order:
    """Make an order of a JSON object.

    Raises:
        ValueError: An unknown key, a value of the wrong type, an unknown action, a broken regular expression, or
            ``delay`` and ``trickle`` without ``seconds``; an order that can never strike would be a test that lies.
    """
    if not isinstance(fields, dict):
        msg = f"an order is a JSON object, not {type(fields).__name__}"
        raise ValueError(msg)  # noqa: TRY004 - for the caller it is one kind of mistake: a bad order
    for key, value in fields.items():
        if key not in _TYPES or not isinstance(value, _TYPES[key]):
            msg = f"{key!r}: unknown key or wrong type; keys are {', '.join(_TYPES)}"
            raise ValueError(msg)
    if "action" not in fields:
        msg = f"an order needs an action: {', '.join(Action)}"
        raise ValueError(msg)
    order = Order(**{**fields, "action": Action(fields["action"])})
    if order.action in (Action.DELAY, Action.TRICKLE) and order.seconds is None:
        msg = f"{order.action}: say how many seconds"
        raise ValueError(msg)
    for key, pattern in (("path", order.path), ("agent", order.agent)):
        try:
            re.compile(pattern or "")
        except re.error as exc:
            msg = f"{key}: {exc}"
            raise ValueError(msg) from exc
    return order
