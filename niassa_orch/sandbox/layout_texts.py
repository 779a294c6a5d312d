"""What stands in the files of a sandbox directory. Pure texts; called by ``layout`` only.

The names of the service's settings are those that administrators use, so that ``niassa-orch --config`` runs on a
sandbox as it would on a host.
"""

import json
import pathlib
from collections.abc import Mapping

import javaproperties


def settings(values: Mapping[str, str]) -> str:
    """An account's seqware settings, a Java properties file in ASCII with everything escaped that Java would escape."""
    return "".join(javaproperties.join_key_value(key, value) + "\n" for key, value in values.items())


def profile(unix_user: str, host: str, settings_file: pathlib.Path | None) -> str:
    """An account's profile; without a settings file the one in the Unix user's home is meant."""
    lines = {"unix_user": unix_user, "host": host}
    if settings_file is not None:
        lines["settings_file"] = str(settings_file)
    return "".join(f"{key} = {_toml(value)}\n" for key, value in lines.items())


def config(
    *,
    accounts_dir: pathlib.Path,
    state_dir: pathlib.Path,
    runtime_dir: pathlib.Path,
    engine: pathlib.Path,
    allow_root: bool,
) -> str:
    """The service's settings for a sandbox: a quick beat, and short doubts, since nothing is far away."""
    return f"""# The service on this sandbox: niassa-orch --config THIS_FILE run
accounts_dir = {_toml(str(accounts_dir))}
state_dir = {_toml(str(state_dir))}
runtime_dir = {_toml(str(runtime_dir))}
allow_root = {str(allow_root).lower()}

[beat]
interval_seconds = 1

[engine]
command = [{_toml(str(engine))}]
doubt_grace_seconds = 3
"""


def _toml(text: str) -> str:
    # A JSON string is a TOML basic string, but for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
