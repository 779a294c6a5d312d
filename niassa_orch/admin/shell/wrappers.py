"""Commands that run another command: ``nice``, ``flock``, ``sudo``, ``bash`` and their like, and what they run.

Pure. Options are those of the manual pages of coreutils, util-linux, sudo and bash; a call with any other is told as
not understood. Called by ``walking``.
"""

import collections.abc
import dataclasses
import getopt
import posixpath
import re

from niassa_orch.admin.shell import engine_calls

Words = collections.abc.Sequence[str | None]
_SETS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
#: Stands for a word that is known only when it runs, while options are looked for.
_UNKNOWN = "\0"


@dataclasses.dataclass(frozen=True, slots=True)
class Inner:
    """What is run inside.

    Args:
        words: A command.
        code: Or shell text.
        script: Whether ``words`` are a shell script and its arguments.
        user: The Unix user whom it runs as, ``""`` for the same.
        login: Whether a login shell is between.
        fresh: Whether it has an environment of its own.
        sets: What it finds in its environment besides.
    """

    words: tuple[str | None, ...] = ()
    code: str | None = None
    script: bool = False
    user: str = ""
    login: bool = False
    fresh: bool = False
    sets: collections.abc.Mapping[str, str | None] = dataclasses.field(default_factory=dict)


#: Options as getopt(3) writes them: of one letter, of a word; and how many words come before the command.
_PLAIN: dict[str, tuple[str, str, int]] = {
    "nice": ("n:0123456789", "adjustment=", 0),
    "ionice": ("c:n:t", "class= classdata= ignore", 0),
    "nohup": ("", "", 0),
    "setsid": ("cfw", "ctty fork wait", 0),
    "time": ("af:o:pv", "append format= output= portability verbose", 0),
    "timeout": ("k:s:v", "foreground kill-after= preserve-status signal= verbose", 1),
    "stdbuf": ("i:o:e:", "input= output= error=", 0),
    "chronic": ("ev", "", 0),
    "exec": ("a:cl", "", 0),
    "command": ("pvV", "", 0),
    "!": ("", "", 0),
}
_ENV = ("i0", "ignore-environment null")
_FLOCK = ("senouxw:E:F", "shared exclusive nonblock nb close verbose no-fork unlock wait= timeout= conflict-exit-code=")
_SUDO = (
    "AbEHikKnPSsVg:h:p:u:C:D:R:T:r:t:",
    "background chdir= group= login non-interactive preserve-env prompt= set-home shell user=",
)
_SU = ("c:flPTu:g:G:s:w:", "command= fast group= login pty session-command= shell= supp-group= user=")
_SHELL = ("abcefhiklmpstuvxBCEHPTo:O:", "init-file= login noediting noprofile norc posix rcfile= verbose")
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh"})


def unwrap(words: Words) -> Inner | None:
    """What a command runs, or ``None`` where it is no wrapper or runs nothing.

    Raises:
        UnclearError: Who runs it, or what, is known only when it runs; or it has an option that we do not follow.
    """
    name = posixpath.basename(words[0] or "")
    if name in _PLAIN:
        letters, names, before = _PLAIN[name]
        return _command(_options(words, letters, names)[1][before:])
    special = {"env": _env, "flock": _flock, "sudo": _sudo, "su": _su, "runuser": _su, **dict.fromkeys(_SHELLS, _shell)}
    return special[name](words) if name in special else None


def _options(
    words: Words, letters: str, names: str, *, anywhere: bool = False
) -> tuple[dict[str, str | None], list[str | None]]:
    """Options with their arguments, and the words after them; ``anywhere``: among them as well."""
    known_words = [_UNKNOWN if word is None else word for word in words[1:]]
    try:
        parse = getopt.gnu_getopt if anywhere else getopt.getopt
        found, rest = parse(known_words, letters, names.split())
    except getopt.GetoptError as exc:
        reason = f"it calls {words[0]} with an option that we do not follow"
        raise engine_calls.UnclearError(reason) from exc
    options = {option: None if value == _UNKNOWN else value for option, value in found}
    return options, [None if word == _UNKNOWN else word for word in rest]


def _command(words: Words, *, user: str = "", login: bool = False, fresh: bool = False) -> Inner | None:
    """A command after assignments."""
    sets: dict[str, str | None] = {}
    rest = list(words)
    while rest and rest[0] is not None and (match := _SETS.fullmatch(rest[0])):
        sets[match[1]] = match[2]
        rest.pop(0)
    return Inner(tuple(rest), user=user, login=login, fresh=fresh, sets=sets) if rest else None


def _env(words: Words) -> Inner | None:
    options, rest = _options(words, *_ENV)
    is_bare = rest[:1] == ["-"]
    return _command(rest[is_bare:], fresh=is_bare or bool({"-i", "--ignore-environment"} & options.keys()))


def _flock(words: Words) -> Inner | None:
    _, rest = _options(words, *_FLOCK)
    if len(rest) < 2:
        return None
    if rest[1] in ("-c", "--command"):
        return Inner(code=known(rest[2] if len(rest) > 2 else "", "what flock runs"))
    return _command(rest[1:])


def _sudo(words: Words) -> Inner | None:
    options, rest = _options(words, *_SUDO)
    target = known(options.get("--user", options.get("-u", "root")), "the user of sudo")
    login = bool({"-i", "--login"} & options.keys())
    return _command(rest, user=target, login=login, fresh=login or not {"-E", "--preserve-env"} & options.keys())


def _su(words: Words) -> Inner | None:
    """``su`` and ``runuser``, which take options after the user too; with ``-u`` the rest is a command."""
    options, rest = _options(words, *_SU, anywhere="-u" not in words)
    if "-u" in options:
        return _command(rest, user=known(options["-u"], "the user of runuser"))
    login = "-" in rest or bool({"-l", "--login"} & options.keys())
    code = next((options[one] for one in ("-c", "--command", "--session-command") if one in options), "")
    if code == "":
        return None
    user = next((known(word, "the user of su") for word in rest if word != "-"), "root")
    return Inner(code=known(code, "what su runs"), user=user, login=login, fresh=login)


def _shell(words: Words) -> Inner | None:
    options, rest = _options(words, *_SHELL)
    login = bool({"-l", "--login"} & options.keys())
    if "-c" in options:
        return Inner(code=known(rest[0] if rest else "", "what the shell runs"), login=login)
    if not rest or "-s" in options:
        reason = f"{words[0]} reads its commands from what it is fed, which is not followed"
        raise engine_calls.UnclearError(reason)
    return Inner(tuple(rest), script=True, login=login)


def known(value: str | None, what: str = "an argument") -> str:
    """The value, if it is known before it runs; raises UnclearError when it is not."""
    if value is None:
        reason = f"{what} is known only when it runs"
        raise engine_calls.UnclearError(reason)
    return value
