"""A sandbox directory on disk: who owns what, and the files that people and the service start from.

``prepare`` makes all of it and may be called again on the same directory: settings are written anew, since addresses
move, while profiles and the service's settings stay as people left them. A secret is written by the Unix user whose
it is, so that nobody is ever led to write through a link of somebody else's. Called by ``up``.
"""

import dataclasses
import json
import os
import pathlib
import pwd
import sys
from collections.abc import Sequence

import javaproperties

from niassa_orch import errors
from niassa_orch.sandbox import layout_files, layout_texts

_ENGINE_SOURCE = pathlib.Path(__file__).with_name("seqware.py")
_SYSTEM_PYTHON = pathlib.Path("/usr/bin/python3")


class LayoutError(errors.NiassaOrchError):
    """The sandbox directory cannot be made; the message says what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class SandboxAccount:
    """An account of the sandbox: its name, whose processes run, and how it logs in. ``host`` is any unique string."""

    name: str
    unix_user: str
    web_user: str
    password: str = dataclasses.field(repr=False)
    host: str
    default_engine: str = "oozie"

    @property
    def is_own(self) -> bool:
        """Whether its Unix user is the user of this process."""
        return pwd.getpwnam(self.unix_user).pw_uid == os.geteuid()


@dataclasses.dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the engine stand-in is told beside its settings: a JVM's start-up delay, and the tries of its lock."""

    jvm_seconds: float = 0.5
    lock_tries: int = 5
    lock_pause_seconds: float = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in a sandbox directory."""

    directory: pathlib.Path

    @property
    def engine(self) -> pathlib.Path:
        """The engine stand-in, to be named in ``engine.command``."""
        return self.directory / "engine" / "seqware"

    @property
    def config_file(self) -> pathlib.Path:
        """The service's settings: ``niassa-orch --config FILE run``."""
        return self.directory / "niassa-orch.toml"

    @property
    def accounts_dir(self) -> pathlib.Path:
        """The profiles."""
        return self.directory / "accounts.d"

    @property
    def addresses_file(self) -> pathlib.Path:
        """Where the servers listen, as ``up`` wrote it."""
        return self.directory / "sandbox.json"

    @property
    def state_dir(self) -> pathlib.Path:
        """The service's state."""
        return self.directory / "state"

    @property
    def runtime_dir(self) -> pathlib.Path:
        """The service's socket and lock."""
        return self.directory / "run"

    @property
    def web_service_state(self) -> pathlib.Path:
        """The web service's SQLite file."""
        return self.directory / "servers" / "webservice.sqlite"

    @property
    def oozie_state(self) -> pathlib.Path:
        """Oozie's SQLite file."""
        return self.directory / "servers" / "oozie.sqlite"

    def settings_file(self, name: str) -> pathlib.Path:
        """The seqware settings of an account."""
        return self.directory / "accounts" / name / "settings"

    def work_dir(self, name: str) -> pathlib.Path:
        """Below which an account's runs work."""
        return self.directory / "work" / name

    def app_root(self, name: str) -> pathlib.Path:
        """Below which the engine leaves an account's applications for Oozie."""
        return self.directory / "apps" / name

    def settings_of(self, name: str) -> dict[str, str]:
        """An account's seqware settings, the password among them.

        Raises:
            LayoutError: There is no such account, or its settings cannot be read.
        """
        try:
            text = self.settings_file(name).read_text("latin-1")
        except OSError as error:
            message = f"{self.directory} has no readable account {name}: {error.strerror}; is the sandbox up there?"
            raise LayoutError(message) from error
        return {key.upper(): value for key, value in javaproperties.loads(text).items()}


def prepare(
    directory: pathlib.Path,
    accounts: Sequence[SandboxAccount],
    *,
    web_service_url: str,
    oozie_url: str,
    engine: EngineOptions | None = None,
    home_settings: bool = False,
    service_user: str | None = None,
) -> Layout:
    """Make a sandbox directory, or bring it up to date.

    Args:
        directory: Made when absent; its parents must let every Unix user of the accounts pass.
        accounts: Several may share a Unix user, if that is our own.
        web_service_url, oozie_url: For the settings of the accounts.
        engine: Delays of the engine stand-in.
        home_settings: Whether Unix users other than our own, made for the sandbox, get ``~/.seqware/settings`` too;
            their profiles then need not name a settings file.
        service_user: The Unix user that the service will run as, when it is not our own.

    Raises:
        LayoutError: An account's Unix user is unknown, or cannot be served in this directory.
    """
    _refuse_impossible(accounts)
    if home_settings:
        _refuse_shared_homes(accounts)
    layout = Layout(directory.absolute())
    try:
        _make_folders(layout, accounts, service_user)
        _install_engine(layout, accounts, engine or EngineOptions())
        for account in accounts:
            in_home = home_settings and not account.is_own
            text = _settings_text(layout, account, web_service_url, oozie_url)
            _write_settings(layout, account, text, in_home=in_home)
            settings_file = None if in_home else layout.settings_file(account.name)
            profile = layout_texts.profile(account.unix_user, account.host, settings_file)
            layout_files.write_if_absent(layout.accounts_dir / f"{account.name}.toml", profile)
        layout_files.write_if_absent(layout.config_file, _config_text(layout, accounts))
    except OSError as error:
        message = f"the sandbox {directory} cannot be made: {error}; choose a directory that every user may enter"
        raise LayoutError(message) from error
    return layout


def _refuse_impossible(accounts: Sequence[SandboxAccount]) -> None:
    for account in accounts:
        try:
            own = account.is_own
        except KeyError as error:
            message = f"account {account.name}: the Unix user {account.unix_user} does not exist; make it first"
            raise LayoutError(message) from error
        if not own and os.geteuid() != 0:
            message = f"account {account.name}: only root can set up the Unix user {account.unix_user}; use your own"
            raise LayoutError(message)


def _refuse_shared_homes(accounts: Sequence[SandboxAccount]) -> None:
    users = [account.unix_user for account in accounts if not account.is_own]
    if len(users) > len(set(users)):
        message = f"{max(users, key=users.count)} has several accounts, but its home holds settings of one; make more"
        raise LayoutError(message)


def _make_folders(layout: Layout, accounts: Sequence[SandboxAccount], service_user: str | None) -> None:
    shared = ("engine", "accounts.d", "accounts", "work", "apps")
    for folder in (layout.directory, *(layout.directory / name for name in shared)):
        layout_files.make_folder(folder, 0o755)
    # The books of the web service hold passwords.
    layout_files.make_folder(layout.web_service_state.parent, 0o700)
    layout_files.make_folder(layout.directory / "locks", 0o700)
    for folder in (layout.state_dir, layout.runtime_dir):
        layout_files.make_folder(folder, 0o700, service_user)
    for account in accounts:
        layout_files.make_folder(layout.settings_file(account.name).parent, 0o700, account.unix_user)
        layout_files.make_folder(layout.work_dir(account.name), 0o755, account.unix_user)
        layout_files.make_folder(layout.app_root(account.name), 0o755, account.unix_user)


def _install_engine(layout: Layout, accounts: Sequence[SandboxAccount], engine: EngineOptions) -> None:
    source = _ENGINE_SOURCE.read_text("utf-8")
    if not _SYSTEM_PYTHON.exists():
        source = f"#!{sys.executable} -I\n" + source.split("\n", 1)[1]
    own = {account.unix_user for account in accounts if account.is_own}
    stand: dict[str, object] = dataclasses.asdict(engine)
    # Our own home is no place for a sandbox's locks; root is told to the wrapper as SEQWARE_ROOT would.
    stand |= {"lock_homes": dict.fromkeys(sorted(own), str(layout.directory / "locks"))}
    stand |= {"seqware_root": bool(own) and os.geteuid() == 0}
    layout_files.replace(layout.engine, source, 0o755)
    layout_files.replace(layout.engine.with_name("seqware.json"), json.dumps(stand, indent=2) + "\n", 0o644)


def _write_settings(layout: Layout, account: SandboxAccount, text: str, *, in_home: bool) -> None:
    layout_files.write_secret(account.unix_user, layout.settings_file(account.name), text)
    if in_home:
        home = pathlib.Path(pwd.getpwnam(account.unix_user).pw_dir)
        layout_files.write_secret(account.unix_user, home / ".seqware" / "settings", text)


def _settings_text(layout: Layout, account: SandboxAccount, web_service_url: str, oozie_url: str) -> str:
    values = {
        "SW_METADATA_METHOD": "webservice",
        "SW_REST_URL": web_service_url,
        "SW_REST_USER": account.web_user,
        "SW_REST_PASS": account.password,
        "SW_DEFAULT_WORKFLOW_ENGINE": account.default_engine,
        "OOZIE_URL": oozie_url,
        "OOZIE_APP_ROOT": str(layout.app_root(account.name)),
        "OOZIE_JOBTRACKER": "localhost:8021",
        "OOZIE_NAMENODE": "file://",
        "OOZIE_QUEUENAME": "default",
        "OOZIE_WORK_DIR": str(layout.work_dir(account.name)),
    }
    return layout_texts.settings(values)


def _config_text(layout: Layout, accounts: Sequence[SandboxAccount]) -> str:
    return layout_texts.config(
        accounts_dir=layout.accounts_dir,
        state_dir=layout.state_dir,
        runtime_dir=layout.runtime_dir,
        engine=layout.engine,
        allow_root=any(pwd.getpwnam(account.unix_user).pw_uid == 0 for account in accounts),
    )
