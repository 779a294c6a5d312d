"""Crontabs: their lines, and which of them launch or propagate.

Pure, but for ``Surroundings.read``, which gives scripts. A crontab is as crontab(5) of Debian and of cronie says; a
line that it does not allow, and a command that cannot be followed, are told by their number and never guessed. Nothing
of a crontab is changed. Called by ``migrate``, and by whoever wants to know whether a crontab still launches.
"""

import collections.abc
import dataclasses
import re

from niassa_orch.admin.shell import builtins, engine_calls, followed, states, walking

_ENVIRONMENT = re.compile(r"\s*([^\s=\"'#]+|\"[^\"]*\"|'[^']*')\s*=(.*)")
_FIELD = r"(?:-?[*0-9~]|[A-Za-z]{3}(?![A-Za-z]))[0-9A-Za-z*/,~-]*"
_SCHEDULE = re.compile(rf"\s*(@[A-Za-z_]+|{_FIELD}(?:[ \t]+{_FIELD}){{4}})[ \t]+(\S.*)", re.DOTALL)
_NICKNAMES = re.compile(r"@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly|every_(minute|second))", re.I)
#: What comes before a secret: the name of a variable or option, a login of a URL, of curl, an option of mysql.
_SECRETS = (
    # Looked at once a word, and nothing given back: on a long line of a hostile crontab all else takes hours.
    re.compile(
        r"(?i)((?<![a-z0-9_-])(?=[a-z0-9_-]*(?:pass|pwd|secret|token|key))[a-z0-9_-]++(?>[ \t]*+[=:]|\t*+ )[ \t]*+)"
        r"([^\s;&|]+)"
    ),
    re.compile(r"(://[^\s:/@]*:)([^\s/]+)(?=@)"),
    re.compile(r"((?:^|\s)(?:-u|--user)[= ]?[^\s:]+:)(\S+)"),
)
_MYSQL = re.compile(r"\bmysql\w*\b")
_MYSQL_PASSWORD = re.compile(r"(?<=\s-p)[^\s;&|]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A line of a crontab that launches or propagates, or that is not understood.

    Args:
        number: In its crontab, from 1.
        text: As it stands there, with what looks like a secret masked: for people.
        schedule: When it runs, as it is written; ``""`` where the line itself is not understood.
        user: The Unix user whom cron runs it as.
        seen: What it comes to.
    """

    number: int
    text: str
    schedule: str
    user: str
    seen: followed.Seen

    @property
    def launches(self) -> bool:
        """Whether it launches whatever is scheduled."""
        return any(call.verb == engine_calls.LAUNCH for call in self.seen.calls)


@dataclasses.dataclass(frozen=True, slots=True)
class Crontab:
    """A crontab that was looked through: its lines that matter, and how many commands have nothing to do with it."""

    lines: tuple[Line, ...]
    others: int


def look(text: str, around: states.Surroundings, user: str | None) -> Crontab:
    """Look through a crontab.

    Args:
        text: The whole crontab.
        around: The host, for scripts and home directories.
        user: Whose it is; ``None`` for one with a column of users, such as those in /etc/cron.d.
    """
    environment: dict[str, str] = {}
    lines: list[Line] = []
    others = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if setting := _setting(line):
            environment[setting[0]] = setting[1]
            continue
        found = _line(number, line, environment, around, user)
        matters = bool(found.seen.calls or found.seen.unclear)
        lines += [found] if matters else []
        others += not matters
    return Crontab(tuple(lines), others)


def masked(text: str) -> str:
    """A text of a crontab, for people: what looks like a password or token is not shown."""
    for secret in _SECRETS:
        text = secret.sub(r"\1****", text)
    mysql = _MYSQL.search(text)
    # Each half once: in one pattern every "mysql" of a long line would look through all that stands after it.
    return text[: mysql.end()] + _MYSQL_PASSWORD.sub("****", text[mysql.end() :]) if mysql else text


def _setting(line: str) -> tuple[str, str] | None:
    """An environment line; cron puts nothing in, neither variables nor ``~``."""
    match = _ENVIRONMENT.fullmatch(line)
    return (_unquoted(match[1]), _unquoted(match[2].strip())) if match else None


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _line(
    number: int,
    line: str,
    environment: collections.abc.Mapping[str, str],
    around: states.Surroundings,
    user: str | None,
) -> Line:
    schedule, command = _scheduled(line)
    if command and user is None:
        user, command = _with_user(command)
    try:
        seen = _followed(command, environment, around, user or "")
    except engine_calls.UnclearError as exc:
        seen = followed.Seen((), (followed.Unclear("", str(exc)),), ())
    return Line(number, masked(line.strip()), schedule, user or "", seen)


def _followed(
    command: str, environment: collections.abc.Mapping[str, str], around: states.Surroundings, user: str
) -> followed.Seen:
    if not command:
        reason = "it is no line that cron understands"
        raise engine_calls.UnclearError(reason)
    state = builtins.begin(around, user, environment)
    command, fed = _percent(command)
    seen = walking.look(command, state)
    if not engine_calls.MENTION.search(fed):
        return seen
    reason = "it mentions launching or propagating after a %, in what the command is fed, which is not followed"
    return dataclasses.replace(seen, unclear=(*seen.unclear, followed.Unclear("", reason)))


def _scheduled(line: str) -> tuple[str, str]:
    """When a line runs, and the rest of it; both ``""`` where it is none."""
    match = _SCHEDULE.fullmatch(line)
    if match is None:
        return "", ""
    schedule = match[1]
    is_known = not schedule.startswith("@") or _NICKNAMES.fullmatch(schedule)
    return (schedule, match[2]) if is_known else ("", "")


def _with_user(command: str) -> tuple[str, str]:
    """The column of users; cronie and FreeBSD allow a group or class after it."""
    user, _, rest = command.replace("\t", " ").partition(" ")
    return re.split(r"[:/]", user)[0] or user, rest.strip()


def _percent(command: str) -> tuple[str, str]:
    """A ``%`` ends the command and begins its standard input; ``\\%`` is itself (crontab(5))."""
    first, *more = re.split(r"(?<!\\)%", command)
    return first.replace("\\%", "%"), "\n".join(more).replace("\\%", "%")
