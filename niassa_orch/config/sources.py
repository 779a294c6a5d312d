"""Where settings come from: the TOML file, the environment, the options; each as a tree of keys with its origin.

Reads and merges, and knows no setting: the model is handed in by ``settings``, its only caller. Whatever a source says
that pydantic would pass over without a word (a variable that is no setting) is a problem here.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic
import pydantic_settings

from niassa_orch import errors
from niassa_orch.config import documents, suggestions

_PREFIX = "NIASSA_ORCH_"
_NESTED = "__"


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What one source says.

    Args:
        tree: Its keys and values, as the file has them.
        origin: From a dotted key to the words that tell a person where to look.
        problems: What is wrong with the source itself, a line each.
    """

    tree: Mapping[str, Any]
    origin: Callable[[str], str]
    problems: tuple[str, ...] = ()


def file(path: Path, *, required: bool) -> Source:
    """Read the TOML file.

    Raises:
        errors.SettingsError: It is required and absent, unreadable, or no TOML.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as exc:
        if required:
            reason = f"{path}: does not exist"
            raise errors.SettingsError(reason) from exc
        content = b""
    except OSError as exc:
        reason = f"{path}: cannot be read: {exc.strerror}"
        raise errors.SettingsError(reason) from exc
    try:
        return Source(documents.parse_toml(content), lambda _key: str(path))
    except documents.DocumentError as exc:
        reason = f"{path}: {exc}"
        raise errors.SettingsError(reason) from exc


def environment(model: type[pydantic.BaseModel]) -> Source:
    """Read the variables that begin with ``NIASSA_ORCH_``; what cannot be a setting becomes a problem."""
    reader = pydantic_settings.EnvSettingsSource(_readable(model), env_prefix=_PREFIX, env_nested_delimiter=_NESTED)
    names = sorted(name for name in reader.env_vars if name.startswith(_PREFIX.lower()))
    reasons = {name: _variable_reason(name.removeprefix(_PREFIX.lower()).split(_NESTED), model) for name in names}
    reader.env_vars = {name: reader.env_vars[name] for name in names if not reasons[name]}
    problems = (f"environment {name.upper()}: {reason}" for name, reason in reasons.items() if reason)
    return Source(reader(), _variable, tuple(problems))


def options(given: Mapping[str, object]) -> Source:
    """Take what the command line says; dotted keys become tables, ``None`` means not given."""
    tree: dict[str, Any] = {}
    for key, value in given.items():
        if value is None:
            continue
        *tables, last = key.split(".")
        branch = tree
        for name in tables:
            branch = branch.setdefault(name, {})
        branch[last] = value
    return Source(tree, lambda _key: "option")


def merged(*sources: Source) -> dict[str, Any]:
    """All sources as one tree; later ones win, key by key."""
    tree: dict[str, Any] = {}
    for source in sources:
        tree = _over(tree, source.tree)
    return tree


def locate(problem: documents.Problem, *sources: Source) -> str:
    """The problem as a line for people, beginning with the source that won for its key."""
    winner = next((source for source in reversed(sources) if _holds(source.tree, problem.key)), sources[0])
    return f"{winner.origin(problem.key)}: {problem.key}: {problem.reason}"


def origins(*given: Source) -> dict[str, str]:
    """From each dotted key that any source says to the origin that won."""
    return {key: source.origin(key) for source in given for key in _leaves(source.tree)}


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _readable(model: type[pydantic.BaseModel]) -> type[pydantic_settings.BaseSettings]:
    """The model as the library wants it for reading; it is never made an instance of."""
    return type(model.__name__, (model, pydantic_settings.BaseSettings), {})


def _variable(key: str) -> str:
    return f"environment {_PREFIX}{key.replace('.', _NESTED).upper()}"


def _variable_reason(key: list[str], model: type[pydantic.BaseModel]) -> str:
    """Why a variable is refused, ``""`` when it may be a setting; keys inside of tables are left to the model."""
    field = model.model_fields.get(key[0])
    if field is None:
        return f"{'.'.join(key)}: {suggestions.unknown_key(key, model)}"
    if len(key) == 1 and isinstance(field.default, pydantic.BaseModel):
        return f"{key[0]}: is a table; set its keys, as {_variable(key[0] + '.key').removeprefix('environment ')}"
    return ""


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    tree = dict(below)
    for key, value in above.items():
        under = tree.get(key)
        tree[key] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return tree


def _holds(tree: Mapping[str, Any], key: str) -> bool:
    branch: Any = tree
    for name in key.split("."):
        if not isinstance(branch, Mapping) or name not in branch:
            return False
        branch = branch[name]
    return True
