"""Commands that run another command: ``nice``, ``flock``, ``sudo``, ``bash`` and their like, and what they run.

Pure. Options are read as the manual pages of coreutils, util-linux, sudo and bash have them; one that is not listed
takes no argument here, and where that is wrong nothing is recognised, so that the line is told as not understood.
Called by ``walking``.
"""

import collections.abc
import dataclasses
import posixpath
import re

from niassa_orch.admin.shell import engine_calls

Words = collections.abc.Sequence[str | None]
_SETS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class Inner:
    """What is run inside.

    Args:
        words: A command.
        code: Or shell text.
        script: Whether ``words`` are a shell script and its arguments.
        stdin: Whether it is a shell that reads its text from standard input.
        user: The Unix user whom it runs as, ``""`` for the same.
        login: Whether a login shell is between.
        fresh: Whether it has an environment of its own.
        sets: What it finds in its environment besides.
    """

    words: tuple[str | None, ...] = ()
    code: str | None = None
    script: bool = False
    stdin: bool = False
    user: str = ""
    login: bool = False
    fresh: bool = False
    sets: collections.abc.Mapping[str, str | None] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class _Plain:
    """A wrapper: its options that take an argument, and how many words come before the command."""

    letters: str = ""
    names: frozenset[str] = frozenset()
    before: int = 0


_PLAIN = {
    "nice": _Plain("n", frozenset({"adjustment"})),
    "ionice": _Plain("cnpPu", frozenset({"class", "classdata"})),
    "chrt": _Plain("TPD", before=1),
    "nohup": _Plain(),
    "setsid": _Plain(),
    "time": _Plain("fo", frozenset({"format", "output"})),
    "timeout": _Plain("ks", frozenset({"kill-after", "signal"}), before=1),
    "stdbuf": _Plain("ioe", frozenset({"input", "output", "error"})),
    "taskset": _Plain(before=1),
    "chronic": _Plain(),
    "cronic": _Plain(),
    "exec": _Plain("a"),
    "command": _Plain(),
    "builtin": _Plain(),
    "!": _Plain(),
}
_FLOCK = ("wE", frozenset({"wait", "timeout", "conflict-exit-code"}))
_SUDO = (
    "ugphCTRDrt",
    frozenset({"user", "group", "prompt", "host", "close-from", "command-timeout", "chroot", "chdir", "role", "type"}),
)
_SU = (
    "cugGsw",
    frozenset({"command", "session-command", "user", "group", "supp-group", "shell", "whitelist-environment"}),
)
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh"})


def unwrap(words: Words) -> Inner | None:
    """What a command runs, or ``None`` where it is no wrapper or runs nothing.

    Raises:
        UnclearError: Who runs it, or what, is known only when it runs.
    """
    name = posixpath.basename(words[0] or "")
    if name in _PLAIN:
        plain = _PLAIN[name]
        _, rest = _options(words[1:], plain.letters, plain.names)
        return _command(rest[plain.before :])
    special = {"env": _env, "flock": _flock, "sudo": _sudo, "su": _su, "runuser": _su}
    if name in special:
        return special[name](words[1:])
    return _shell(words[1:]) if name in _SHELLS else None


def _options(
    words: Words, letters: str, names: frozenset[str], *, anywhere: bool = False
) -> tuple[dict[str, str | None], list[str | None]]:
    """Options with their arguments, and the words after them; ``anywhere``: among them as well."""
    found: dict[str, str | None] = {}
    rest: list[str | None] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            break
        if word is None or not word.startswith("-") or (word == "-" and not anywhere):
            rest.append(word)
            if not anywhere:
                break
        elif word.startswith("--"):
            name, given, value = word[2:].partition("=")
            found[name] = value if given else left.pop(0) if name in names and left else ""
        else:
            _cluster(word, letters, left, found)
    return found, [*rest, *left]


def _cluster(word: str, letters: str, left: list[str | None], found: dict[str, str | None]) -> None:
    """Options of one letter in one word: the first that takes an argument has the rest of it, or the next word."""
    for at, letter in enumerate(word[1:] or "-", 1):
        if letter in letters:
            found[letter] = word[at + 1 :] or (left.pop(0) if left else "")
            return
        found[letter] = ""


def _command(words: Words, **fields: str | bool) -> Inner | None:
    """A command after assignments."""
    sets: dict[str, str | None] = {}
    rest = list(words)
    while rest and rest[0] is not None and (match := _SETS.fullmatch(rest[0])):
        sets[match[1]] = match[2]
        rest.pop(0)
    return Inner(tuple(rest), sets=sets, **fields) if rest else None  # type: ignore[arg-type]


def _env(words: Words) -> Inner | None:
    options, rest = _options(words, "uCS", frozenset({"unset", "chdir", "split-string"}))
    if {"S", "split-string", "C", "chdir", "u", "unset"} & options.keys():
        reason = "it calls env with an option that we do not follow"
        raise engine_calls.UnclearError(reason)
    fresh = bool({"i", "ignore-environment", "-"} & options.keys())
    if rest and rest[0] == "-":
        fresh, rest = True, rest[1:]
    return _command(rest, fresh=fresh)


def _flock(words: Words) -> Inner | None:
    options, rest = _options(words, *_FLOCK)
    if len(rest) < 2 or "u" in options:
        return None
    if rest[1] in ("-c", "--command"):
        return Inner(code=known(rest[2] if len(rest) > 2 else "", "what flock runs"))
    return _command(rest[1:])


def _sudo(words: Words) -> Inner | None:
    options, rest = _options(words, *_SUDO)
    user = options.get("user", options.get("u", "root"))
    login = bool({"i", "login"} & options.keys())
    kept = bool({"E", "preserve-env"} & options.keys())
    target = known(user, "the user of sudo")
    return _command(rest, user=target, login=login, fresh=login or not kept)


def _su(words: Words) -> Inner | None:
    """``su`` and ``runuser``, which take options after the user too; with ``-u`` the rest is a command."""
    if "-u" in words:
        options, rest = _options(words, *_SU)
        return _command(rest, user=known(options.get("u", ""), "the user of runuser"))
    options, rest = _options(words, *_SU, anywhere=True)
    code = options.get("command", options.get("c", options.get("session-command", "")))
    login = bool({"l", "login", "-"} & options.keys())
    if code == "":
        return None
    user = known(rest[0] if rest else "root", "the user of su")
    return Inner(code=known(code, "what su runs"), user=user, login=login, fresh=login)


def _shell(words: Words) -> Inner | None:
    options, rest = _options(words, "oO", frozenset({"rcfile", "init-file"}))
    login = bool({"l", "login"} & options.keys())
    if "c" in options:
        return Inner(code=known(rest[0] if rest else "", "what the shell runs"), login=login)
    if not rest or "s" in options:
        return Inner(stdin=True, login=login)
    return Inner(tuple(rest), script=True, login=login)


def known(value: str | None, what: str = "an argument") -> str:
    """The value, if it is known before it runs; raises UnclearError when it is not."""
    if value is None:
        reason = f"{what} is known only when it runs"
        raise engine_calls.UnclearError(reason)
    return value
