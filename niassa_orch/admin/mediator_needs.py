"""What ``mediator.json`` must say for what a crontab did: which seqware command, with which settings, for whom.

Pure, but for ``read``. The mediator takes both from its root-owned file alone, so that a profile cannot change them;
an import says what is different and edits nothing. Called by ``migrate``.
"""

import collections.abc
import contextlib
import json
import pathlib
import typing

from niassa_orch.admin import profile_drafts
from niassa_orch.admin.shell import engine_calls

Document = collections.abc.Mapping[str, typing.Any]
_DEFAULT_SETTINGS = "~/.seqware/settings"


def read(mediator: pathlib.Path) -> Document | None:
    """The ``mediator.json`` beside a mediator; ``None`` where there is none that can be read."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        document = json.loads(mediator.with_name("mediator.json").read_bytes())
        return document if isinstance(document, dict) else None
    return None


def notes(
    wanted: profile_drafts.Wanted,
    home: str,
    calls: collections.abc.Sequence[tuple[engine_calls.EngineCall, str, int]],
    everybody: collections.abc.Iterable[profile_drafts.Wanted],
    document: Document | None,
) -> tuple[str, ...]:
    """What a person has to do about an account besides its profile, a sentence each."""
    found: list[str] = []
    user = wanted.unix_user
    others = sorted({one.settings for one in everybody if one.unix_user == user} - {wanted.settings})
    said = _said(document, user)
    needed: dict[str, object] = {}
    settings = str(said.get("settings_file", _DEFAULT_SETTINGS))
    if wanted.settings != (home + settings[1:] if settings.startswith("~/") else settings):
        needed["settings_file"] = wanted.settings
    commands = {call.command for call, _, _ in calls if call.command.startswith("/")}
    if document is not None and commands and said.get("command") not in [[one] for one in commands]:
        needed["command"] = [min(commands)]
    if needed:
        found.append(f'mediator.json must say "users": {json.dumps({user: needed})}')
    if others:
        found.append(
            f"{user} has other seqware settings as well ({', '.join(others)}), and the mediator uses one file a Unix "
            f"user: give each account a Unix user of its own"
        )
    return tuple(found)


def _said(document: Document | None, user: str) -> dict[str, typing.Any]:
    """What the file says for a Unix user."""
    if document is None:
        return {}
    users = document.get("users")
    own = users.get(user) if isinstance(users, dict) else None
    return {**document, **(own if isinstance(own, dict) else {})}
