"""What the commands do that change the shell itself, and how a shell begins: as another user, for a script, at login.

Pure. Called by ``walking``.
"""

import collections.abc
import posixpath
import re

from niassa_orch.admin.shell import engine_calls, states, tokens, wrappers

_SHEBANG = re.compile(r"#!\s*\S*?(?:\benv\s+(?:-S\s+)?)?\b(?:ba|da|k|z)?sh\b")
#: What cron gives its commands (crontab(5)).
_PATH = "/usr/bin:/bin"
_DECLARING = frozenset({"export", "declare", "typeset", "local", "readonly"})
_SETTING = frozenset({"read", "getopts", "mapfile", "readarray"})


def begin(around: states.Surroundings, user: str, environment: collections.abc.Mapping[str, str]) -> states.State:
    """The shell that cron starts for a user, with the environment lines of the crontab.

    Raises:
        UnclearError: There is no such user.
    """
    home = around.home(user)
    if home is None:
        reason = f"this machine has no Unix user {user!r}"
        raise engine_calls.UnclearError(reason)
    variables: dict[str, states.Value] = {"HOME": home, "LOGNAME": user, "USER": user, "PATH": _PATH}
    variables.update(environment)
    return states.State(around, user, variables["HOME"], variables, set(variables))


def entered(inner: wrappers.Inner, state: states.State) -> states.State:
    """The shell, or the environment, in which the inner command of a wrapper runs."""
    shell = state.copy()
    if inner.fresh or (inner.user and inner.user != state.user):
        user = inner.user or state.user
        shell = begin(state.around, user, {})
        shell.directory = shell.directory if inner.login else state.directory
        # Of sudo it depends on its rules whether it keeps a variable; env and su leave nothing.
        if not inner.fresh or (inner.user and not inner.login):
            shell.exported |= state.exported - set(shell.variables)
            for name in shell.exported - {"HOME", "LOGNAME", "USER"}:
                shell.variables[name] = None if inner.fresh else state.variables.get(name)
    for name, value in inner.sets.items():
        shell.put(name, value, exported=True)
    return shell


def child(state: states.State, script: str, arguments: tuple[states.Value, ...]) -> states.State:
    """The shell that runs a script: it knows what is exported, and its arguments."""
    variables = {name: value for name, value in state.variables.items() if name in state.exported}
    return states.State(
        state.around, state.user, state.directory, variables, set(variables), script=script, arguments=arguments
    )


def is_shell(code: str) -> bool:
    """Whether a text says that a shell runs it; without ``#!`` it is the shell that starts it."""
    return not code.startswith("#!") or _SHEBANG.match(code) is not None


def done(words: list[states.Value], state: states.State) -> bool:
    """Do what a builtin does to the shell; returns whether it was one."""
    name, rest = words[0], words[1:]
    if name == "cd":
        folders = [word for word in rest if word is None or not word.startswith("-")]
        target = folders[0] if folders else state.variables.get("HOME")
        state.directory = None if target is None or "-" in rest else state.path(target)
    elif name == "unset":
        for word in rest:
            state.variables.pop(word or "", None)
            state.exported.discard(word or "")
    elif name == "set":
        _set(rest, state)
    elif name in _SETTING:
        for word in rest:
            state.put(word or "", None)
    elif name == "shift":
        state.arguments = state.arguments[1:] if not rest else (None,) * 9
    else:
        return False
    return True


def _set(words: list[states.Value], state: states.State) -> None:
    if words[:1] == ["--"]:
        state.arguments = tuple(words[1:])
    elif "allexport" in words or words in (["-a"], ["+a"]):
        state.exports_all = (words[0] or "").startswith("-")


def declared(
    words: collections.abc.Sequence[tokens.Word], sets: collections.abc.Mapping[str, states.Value], state: states.State
) -> bool:
    """Do ``X=Y``, ``export X=Y`` and the like; returns whether it was one.

    Args:
        words: The command, without the assignments before it.
        sets: The assignments before it.
        state: The shell.
    """
    name = words[0].bare if words else ""
    if words and name not in _DECLARING:
        return False
    exported = name == "export" or any("x" in word.bare for word in words[1:] if word.bare.startswith("-"))
    for variable, value in sets.items():
        state.put(variable, None if words else value)  # with export and the like it depends on the shell
    for word in words[1:]:
        if found := states.assignment(word, state):
            state.put(*found, exported=exported)
        elif not word.bare:
            # Such as export $(cat FILE), which may set anything.
            state.put("SEQWARE_SETTINGS", None, exported=True)
        elif exported and not word.bare.startswith("-"):
            state.exported.add(word.bare)
            state.unsure -= {word.bare}
    return True


def settings_at_home(state: states.State) -> states.Value:
    """The seqware settings that are used where the environment names none."""
    home = state.environment("HOME", None)
    return None if home is None else posixpath.join(home, ".seqware/settings")


def places(name: str, state: states.State, *, by_shell: bool) -> list[str]:
    """Where a program or script may lie.

    Raises:
        UnclearError: In a directory that is known only when it runs.
    """
    if "/" in name or by_shell:
        path = state.path(name)
        if path is None:
            reason = f"in which directory it calls {name} is known only when it runs"
            raise engine_calls.UnclearError(reason)
        return [path]
    folders = (state.environment("PATH", _PATH) or _PATH).split(":")
    return [posixpath.join(folder, name) for folder in folders if folder.startswith("/")]
