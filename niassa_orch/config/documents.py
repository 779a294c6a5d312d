"""TOML documents, and what is wrong with them in words for people.

Bytes become a mapping, and a validation error of pydantic becomes problems with a dotted key and a reason. No value of
a document is ever repeated in a reason. Called by ``settings`` and ``profiles``; knows neither.
"""

import dataclasses
import tomllib
from typing import Any

import pydantic

from niassa_orch import errors
from niassa_orch.config import suggestions


class DocumentError(errors.NiassaOrchError):
    """The bytes are no TOML document; the message says why, with the line where the parser knows it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a dotted key (``""`` for the whole document) and the reason."""

    key: str
    reason: str


class Table(pydantic.BaseModel):
    """A table of a document: frozen, unknown keys refused, rejected values never shown."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


def parse_toml(content: bytes) -> dict[str, Any]:
    """Read a TOML document.

    Raises:
        DocumentError: It is not UTF-8 or not TOML.
    """
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        reason = f"not UTF-8 (at line {line})"
    except tomllib.TOMLDecodeError as exc:
        reason = f"not TOML: {_printable(str(exc))}"
    except ValueError:
        reason = "not TOML: a number is too long"
    except RecursionError:
        reason = "not TOML: nested too deeply"
    # Raised outside the handlers: some of these errors carry the whole document.
    raise DocumentError(reason)


def explain(error: pydantic.ValidationError, model: type[pydantic.BaseModel]) -> tuple[Problem, ...]:
    """What pydantic refused, as problems in the order of the document.

    Args:
        error: Raised when ``model`` was validated.
        model: The whole document's model, for suggestions of keys.
    """
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(
        Problem(dotted(detail["loc"]), _reason(detail["type"], detail["msg"], detail["loc"], model))
        for detail in details
    )


def dotted(location: tuple[int | str, ...]) -> str:
    """A key as it is spoken of: ``engine.command``; items of a list are spoken of as the list."""
    return _printable(".".join(part for part in location if isinstance(part, str)))


def _reason(kind: str, message: str, location: tuple[int | str, ...], model: type[pydantic.BaseModel]) -> str:
    if kind == "extra_forbidden":
        return suggestions.unknown_key(tuple(str(part) for part in location), model)
    if kind == "missing":
        return "is required"
    if kind == "model_type":
        return "must be a table"
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
