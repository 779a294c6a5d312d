"""What must never be seen, and everywhere that it might show in an exception."""

import base64
import traceback

PASSWORD = "hunter2-äß"
TOKEN = base64.b64encode(f"bob@lab.net:{PASSWORD}".encode()).decode()


def authorization() -> str:
    """The header that carries them."""
    return f"Basic {TOKEN}"


def assert_kept(exc: BaseException) -> None:
    """Neither text, repr nor traceback of the exception, or of any exception it leads to, shows a secret."""
    seen: set[int] = set()
    left: list[BaseException | None] = [exc]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        left += [one.__cause__, one.__context__]
        shown = [str(one), repr(one), *(repr(argument) for argument in one.args), *traceback.format_exception(one)]
        for text in shown:
            assert PASSWORD not in text
            assert TOKEN not in text
