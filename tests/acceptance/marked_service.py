"""The service with a defect that quotes passwords, as a careless library would.

The text of this module is run by ``python -c``. It breaks one function of the product in its own process and calls the
product's ``main``; the product is as it is. The first word says what is broken: ``beat`` lets two beats of every
account end in exceptions, ``start`` the start and a thread. Started by
``test_secrets``.
"""

import collections
import contextlib
import sys
import threading
import urllib.parse
from collections.abc import AsyncIterator
from typing import Any

from niassa_orch import __main__ as product
from niassa_orch import app, errors
from niassa_orch.config import settings
from niassa_orch.core import cycle


def break_beats() -> None:
    """Of the first beats of each account one ends in a defect, one in a trouble of ours."""
    honest = cycle.Cycle.cycle
    beats: collections.Counter[str] = collections.Counter()

    async def broken(self: cycle.Cycle, enrolled: Any) -> Any:
        authorization = enrolled.web_service._line._authorization
        password = authorization.__self__.password.get_secret_value()
        said = f"{password} {password!r} {urllib.parse.quote(password)} {authorization()}"
        beats[enrolled.account.name] += 1
        if beats[enrolled.account.name] == 3:
            raise ValueError(said)
        if beats[enrolled.account.name] == 6:
            message = f"http://{password}@there: {said}"
            raise errors.WebServiceUnavailableError(message)
        return await honest(self, enrolled)

    cycle.Cycle.cycle = broken  # type: ignore[method-assign]


def break_start() -> None:
    """Nothing can be built, and what says so quotes what there is."""

    @contextlib.asynccontextmanager
    async def broken(service: settings.Settings, _redactor: Any, _signs: Any) -> AsyncIterator[Any]:
        known = list(service.secrets.at_start())
        ended = threading.Thread(target=lambda: int(known[0]))
        ended.start()
        ended.join()
        message = f"cannot start with {known}"
        raise RuntimeError(message)
        yield

    app.built = broken  # type: ignore[assignment]


if __name__ == "__main__":
    {"beat": break_beats, "start": break_start}[sys.argv.pop(1)]()
    product.main()
