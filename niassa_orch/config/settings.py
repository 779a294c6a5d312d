"""The settings of the service: what is valid, and what wins.

Options win over the environment (``NIASSA_ORCH_BEAT__INTERVAL_SECONDS``), that over the TOML file, that over the
defaults. ``load`` reads all of them once, at start and in ``cli``; everybody else is handed a frozen ``Settings``.
Making a ``Settings`` by hand reads nothing at all. How the sources are read stands in ``sources``; nothing of one
account belongs here.
"""

import dataclasses
import enum
import functools
import os
import socket
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pydantic

from niassa_orch import errors
from niassa_orch.config import checks, credentials, documents, listening, sources

DEFAULT_FILE = Path("/etc/niassa-orch/niassa-orch.toml")

_Seconds = Annotated[float, pydantic.Field(gt=0)]
Size = Annotated[int, pydantic.Field(ge=1)]


class Beat(documents.Table):
    """How often each account is looked after; jitter is a fraction of the interval.

    ``sweep_seconds`` lie between two readings of everything that is active: between them what changed is read.
    """

    interval_seconds: _Seconds = 30
    jitter: Annotated[float, pydantic.Field(ge=0, le=1)] = 0.1
    sweep_seconds: _Seconds = 900


class Pool(documents.Table):
    """How much happens at once.

    ``size`` counts tasks over all accounts, ``engine_calls`` calls of the seqware command (always one at a time a Unix
    user), ``requests_per_web_service`` and ``requests_per_oozie`` requests in flight to one server, whoever asks.
    """

    size: Size = 10
    engine_calls: Size = 2
    requests_per_web_service: Size = 8
    requests_per_oozie: Size = 8


class Engine(documents.Table):
    """How the seqware command is called, and when a call that left no trace counts as clean.

    ``batch`` is the number of accessions in one call; ``doubt_grace_seconds`` is how long Oozie must have answered
    "none" before a launch without a job may be tried again; ``kill_grace_seconds`` lie between SIGTERM and SIGKILL.
    ``propagate_...`` hold for accounts whose runs the engine propagates: accessions in one call, seconds from one round
    of calls to the next, and how long one may last.
    """

    command: checks.Command = ("seqware",)
    mediator: checks.AbsolutePath = Path("/usr/local/libexec/niassa-orch/mediator")
    deadline_seconds: _Seconds = 900
    whitestar_deadline_seconds: _Seconds = 604_800
    kill_grace_seconds: _Seconds = 10
    doubt_grace_seconds: _Seconds = 120
    batch: Size = 5
    propagate_batch: Size = 50
    propagate_every_seconds: _Seconds = 60
    propagate_deadline_seconds: _Seconds = 300


class Launching(documents.Table):
    """How many launches may be begun, counted on attempts, not on successes.

    ``tries``: so many launches of one run in a row may come to nothing before it is set aside for a person.
    ``in_flight`` and ``a_beat`` hold for all accounts together, ``account_in_flight`` and ``account_a_beat`` for each,
    unless its profile says otherwise. In flight is what was begun and is not settled, but for what is held for a
    person; a beat is any time of ``beat.interval_seconds``.
    """

    in_flight: Size = 100
    a_beat: Size = 60
    account_in_flight: Size = 20
    account_a_beat: Size = 30
    tries: Size = 3


class Http(documents.Table):
    """Requests to web services and Oozie: total time-outs, and how often a harmless one is tried.

    ``list_timeout_seconds`` is of a list of the web service and of a large page of Oozie's: many MB that a busy server
    may take long to gather. A short time-out is right for the rest: it is how a server that hangs is found out.
    """

    timeout_seconds: _Seconds = 30
    list_timeout_seconds: _Seconds = 120
    attempts: Size = 4


class Oozie(documents.Table):
    """``gone_after_seconds``: how long Oozie must have said that it does not know a job before it counts as gone."""

    gone_after_seconds: _Seconds = 3600


class Texts(documents.Table):
    """What of the steps' output goes into a run's ``stdOut`` and ``stdErr``, and how often while it runs.

    ``file_bytes`` is the end of one file that is kept, ``run_bytes`` the sum over a run's files, the newest first. The
    web service's lists carry these texts with every row, so large ones make every poll of everybody slow.
    """

    file_bytes: Annotated[int, pydantic.Field(ge=1, le=1 << 20)] = 1 << 16
    run_bytes: Annotated[int, pydantic.Field(ge=1, le=1 << 22)] = 1 << 20
    every_seconds: _Seconds = 600


class Control(documents.Table):
    """The control socket, ``control.sock`` in ``runtime_dir``: its mode, and the group of those who may use it.

    Who may open the socket sees everything; orders are taken from root, the service's own user and the group's members.
    """

    mode: Annotated[str, pydantic.Field(pattern=r"^0[0-7]{3}$")] = "0660"
    group: str = ""


class LogFormat(enum.StrEnum):
    """How the lines of the log are written."""

    CONSOLE = "console"
    JSON = "json"


class Log(documents.Table):
    """The log of the service: how lines are written, and a file for them in place of standard output.

    A file that reached ``max_bytes`` becomes ``FILE.1``, that ``FILE.2``, and so on; ``keep`` of them are kept.
    """

    format: LogFormat = LogFormat.CONSOLE
    file: checks.StartPathOrEmpty = None
    max_bytes: Size = 10_000_000
    keep: Size = 5


class AccountsWatch(enum.StrEnum):
    """How a change in ``accounts_dir`` is noticed: by inotify where that works, by a look a second, or by SIGHUP."""

    AUTO = "auto"
    POLL = "poll"
    OFF = "off"


@dataclasses.dataclass(frozen=True, slots=True)
class _Surroundings:
    """What ``load`` learned beside the values, and no file and no option may set; equal settings may differ in it."""

    secrets: credentials.Secrets = dataclasses.field(default_factory=credentials.Secrets, compare=False, repr=False)
    origins: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)


class Settings(documents.Table):
    """All settings, valid and frozen; every path in them is absolute once it was read."""

    accounts_dir: checks.StartPath = Path("/etc/niassa-orch/accounts.d")
    accounts_watch: AccountsWatch = AccountsWatch.AUTO
    state_dir: checks.StartPath = Path("/var/lib/niassa-orch")
    #: Where the control socket lies; ``""``: in the folder ``run`` of ``state_dir``.
    runtime_dir: checks.StartPathOrEmpty = None
    #: Where the audit trail is written; ``""``: in the folder ``audit`` of ``state_dir``.
    audit_dir: checks.StartPathOrEmpty = None
    host: checks.HostOrEmpty = ""
    #: For the sandbox only: a service that runs as root may then serve accounts whose Unix user is root.
    allow_root: bool = False
    #: Decide everything for every account, launch nothing and write nothing to any web service, but for what becomes of
    #: launches that were begun before.
    shadow: bool = False
    beat: Beat = Beat()
    pool: Pool = Pool()
    engine: Engine = Engine()
    launching: Launching = Launching()
    http: Http = Http()
    oozie: Oozie = Oozie()
    texts: Texts = Texts()
    control: Control = Control()
    log: Log = Log()
    web: listening.Web = listening.Web()
    _surroundings: _Surroundings = pydantic.PrivateAttr(default_factory=_Surroundings)

    @property
    def secrets(self) -> credentials.Secrets:
        """Where passwords are read that profiles name; without those of any environment unless ``load`` made this."""
        return self._surroundings.secrets

    @property
    def effective_audit_dir(self) -> Path:
        """``audit_dir``, else the folder ``audit`` of the state directory."""
        return self.audit_dir or self.state_dir / "audit"

    def origin(self, key: str) -> str:
        """Who said the value of a dotted key: a file, a variable, an option; ``""`` when it is the default."""
        return self._surroundings.origins.get(key, "")

    @property
    def effective_runtime_dir(self) -> Path:
        """Where the control socket lies: ``runtime_dir``, else a folder that only the service and root may enter."""
        return self.runtime_dir or self.state_dir / "run"

    @functools.cached_property
    def effective_host(self) -> str:
        """The host string of accounts that name none: ``host``, else this machine's fully qualified name.

        The first look may ask DNS and block, so take it before the event loop runs.
        """
        return self.host or socket.getfqdn()


def load(
    config_file: Path | None = None,
    options: Mapping[str, object] = types.MappingProxyType({}),
) -> Settings:
    """Read the file and the environment and lay the options over them; passwords leave the environment.

    Args:
        config_file: The TOML file; ``None`` means ``DEFAULT_FILE``, which may be absent.
        options: Given on the command line; keys dotted (``beat.interval_seconds``), ``None`` means not given.

    Raises:
        errors.SettingsError: One line a problem: where it is, the key, the reason.
    """
    secrets = credentials.taken_from(os.environ)
    given = sources.options(options)
    environment = sources.environment(Settings)
    file = sources.file(config_file or DEFAULT_FILE, required=config_file is not None)
    problems = [*environment.problems]
    try:
        settings = Settings.model_validate(sources.merged(file, environment, given))
    except pydantic.ValidationError as exc:
        problems += [sources.locate(problem, file, environment, given) for problem in documents.explain(exc, Settings)]
        raise errors.SettingsError("\n".join(problems)) from exc
    if problems:
        raise errors.SettingsError("\n".join(problems))
    settings._surroundings = _Surroundings(secrets, sources.origins(file, environment, given))
    return settings
