"""What somebody may have meant by a key that does not exist.

Looks among the keys of the same table first, then for the same key in other tables of the document. Pure; called by
``documents`` and ``settings``.
"""

import difflib
from collections.abc import Iterable, Iterator, Sequence

import pydantic

_PASSWORDS = frozenset({"pass", "passwd", "password", "sw_rest_pass"})


def unknown_key(location: Sequence[str], model: type[pydantic.BaseModel]) -> str:
    """The reason why a key is refused, with a suggestion where there is a likely one.

    Args:
        location: The key, part by part, such as ``("beat", "intervall_seconds")``.
        model: The model of the whole document.
    """
    *tables, word = location
    if word.lower() in _PASSWORDS:
        return "unknown key; passwords do not belong here: put it in a file of mode 600 and name that file"
    guess = closest(word, _table(model, tables).model_fields) or _elsewhere(word, model)
    return f"unknown key; did you mean `{guess}`?" if guess else "unknown key"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like ``word``, or ``None`` when none does."""
    return next(iter(difflib.get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.6)), None)


def _elsewhere(word: str, model: type[pydantic.BaseModel]) -> str | None:
    """The one dotted key of the document whose last part is almost ``word``."""
    by_last_part: dict[str, list[str]] = {}
    for key in _dotted_keys(model):
        by_last_part.setdefault(key.rpartition(".")[2], []).append(key)
    guess = closest(word, by_last_part)
    return by_last_part[guess][0] if guess and len(by_last_part[guess]) == 1 else None


def _dotted_keys(model: type[pydantic.BaseModel], prefix: str = "") -> Iterator[str]:
    for name in model.model_fields:
        table = _table(model, [name])
        if table is model:
            yield prefix + name
        else:
            yield from _dotted_keys(table, f"{prefix}{name}.")


def _table(model: type[pydantic.BaseModel], path: Sequence[str]) -> type[pydantic.BaseModel]:
    """The model of a table; the innermost one that is known where the path leads nowhere."""
    for name in path:
        field = model.model_fields.get(name)
        if field and isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel):
            model = field.annotation
    return model
