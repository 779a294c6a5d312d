"""Writes the table of keys into docs/accounts.md, from the models: ``make docs``.

What people wrote around the table stays as it is. A test compares the page with what this makes.
"""

import enum
import pathlib
import typing

import pydantic.fields
import pydantic_core

from niassa_orch.config import profile_keys

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "accounts.md"
_BEGIN = "<!-- keys: made of the models by `make docs`; change the descriptions there -->\n"
_END = "<!-- keys: end -->\n"


def made(page: str) -> str:
    """The page with its table of keys as the models say."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{_tables()}\n{_END}{after}"


def _tables() -> str:
    lines: list[str] = []
    table = None
    for key, field in profile_keys.every_key():
        here, _, name = key.rpartition(".")
        if here != table:
            table = here
            lines += ["", f"### `[{here}]`" if here else "### At the top of the file", ""]
            lines += ["| key | default | what it is |", "|---|---|---|"]
        lines.append(f"| `{name}` | {_default(field)} | {_choices(field)}{field.description} |")
    return "\n".join(lines).strip() + "\n"


def _default(field: pydantic.fields.FieldInfo) -> str:
    if field.default is pydantic_core.PydanticUndefined:
        return "required"
    return "-" if field.default in (None, (), "") else f"`{str(field.default).lower()}`"


def _choices(field: pydantic.fields.FieldInfo) -> str:
    """What a key may say, where that is one of a few words."""
    words: tuple[object, ...] = ()
    if typing.get_origin(field.annotation) is typing.Literal:
        words = typing.get_args(field.annotation)
    elif isinstance(field.annotation, type) and issubclass(field.annotation, enum.Enum):
        words = tuple(one.value for one in field.annotation)
    return f"One of {', '.join(f'`{word}`' for word in words)}. " if words else ""


def main() -> None:
    """Bring the page up to date."""
    PAGE.write_text(made(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
