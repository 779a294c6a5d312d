"""An event that the running service told, as a line for people. Pure; called by ``status`` and ``top``."""

import datetime
from collections.abc import Mapping
from typing import Any

from niassa_orch.faces import plain


def of(event: Mapping[str, Any]) -> str:
    """The line, with the time as this machine's people read it.

    Args:
        event: As ``control.client`` brings it.
    """
    time = datetime.datetime.fromisoformat(event["time"]).astimezone()
    fields = {"account": event["account"], **event["fields"]} if event["account"] else event["fields"]
    said = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
    return plain.line(f"{time:%Y-%m-%d %H:%M:%S} {event['level']:7} {event['event']} {said}".rstrip())


def _quoted(value: object) -> str:
    return f'"{value}"' if " " in str(value) else str(value)
