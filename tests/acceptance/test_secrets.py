"""No secret leaves: a password of each source, everything that can fail fails, and the password is nowhere.

Its own environment (``/proc/PID/environ`` of the service, which its user and root may read) is the one place where a
password of ``password_env`` stays: the kernel keeps what a process was started with.
"""

import asyncio
import base64
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import sys
import time
import urllib.parse
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from niassa_orch.sandbox import layout, layout_texts, up
from tests.acceptance import answers, books, marked_service, markers, services, stages, strangers

_NAMES = ("alice", "bob", "carol", "dave")
_VARIABLE = "NIASSA_ORCH_SECRET_DAVE"
#: An engine that is slow enough to be looked at, and a web service that asks its database at each login.
_SLOW = up.Behaviour(
    engine=layout.EngineOptions(jvm_seconds=0.4, lock_tries=2, lock_pause_seconds=0.1), verdict_cache_seconds=0.0
)
#: Of the service and its commands, and of nothing that they start.
_COMMAND_LINE = b"--config\0"
_MARKED = (sys.executable, "-c", pathlib.Path(marked_service.__file__).read_text("utf-8"))
_BETWEEN_LOOKS_SECONDS = 2.0
_COMMANDS = (
    "accounts",
    *(f"accounts show {name}" for name in (*_NAMES, "wrong0", "wrong3", "nobody")),
    "accounts show dave --json",
    "doubts",
    "doubts --json",
)
_TROUBLES = ("fails", "exits_91", "dies_before_submit", "lost_answer", "failed_after_submit", "")


def _secret(stage: stages.Stage, name: str, password: str | None = None) -> pathlib.Path:
    """The account's password in a file of its own."""
    path = stage.place.directory.with_name("secrets") / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(password or stage.accounts[name].password, "utf-8")
    path.chmod(0o600)
    return path


@contextlib.asynccontextmanager
async def _stage(directory: pathlib.Path, broken: str = "", **more: str) -> AsyncIterator[stages.Stage]:
    """Four accounts, each with a password of another source; ``broken`` is a word for ``marked_service``."""
    environment = {"CREDENTIALS_DIRECTORY": str(directory / "secrets"), **more}
    argv = (*_MARKED, broken) if broken else stages.Crew().argv
    crew = stages.Crew(argv=argv, environment=environment, commands=stages.Crew().argv)
    async with stages.own(directory, *_NAMES, behaviour=_SLOW, crew=crew) as stage:
        named = {
            "bob": f'password_file = "{_secret(stage, "bob")}"',
            "carol": f'password_credential = "{_secret(stage, "carol").name}"',
            "dave": f'password_env = "{_VARIABLE}"',
        }
        for name, line in named.items():
            text = stage.profile(name).read_text("utf-8")
            stage.profile(name).write_text(f"{text}[web_service]\n{line}\n", "utf-8")
        yield stage


async def _start(stage: stages.Stage, *words: str, **environment: object) -> services.Service:
    """The service or a command, with dave's password in its environment."""
    environment[_VARIABLE.removeprefix("NIASSA_ORCH_")] = stage.accounts["dave"].password
    return await stage.start(*words, **environment)


def _marks(stage: stages.Stage) -> frozenset[bytes]:
    return frozenset().union(*(markers.spellings(account) for account in stage.accounts.values()))


def _places(stage: stages.Stage) -> list[pathlib.Path]:
    """Everything that the service, the mediator or the engine write; users' settings and the web service's books hold
    passwords by their nature.
    """
    place = stage.place
    return [place.state_dir, place.runtime_dir, place.directory / "work", place.directory / "apps", _answers(stage)]


def _answers(stage: stages.Stage) -> pathlib.Path:
    """What was answered to those who asked."""
    folder = stage.place.directory.with_name("answers")
    folder.mkdir(exist_ok=True)
    return folder


def _outputs(stage: stages.Stage) -> list[pathlib.Path]:
    return sorted(stage.place.directory.parent.glob(f"{stage.place.directory.name}-service-*.log"))


def _leaks(stage: stages.Stage) -> list[tuple[pathlib.Path, bytes]]:
    marks = _marks(stage)
    told = [(path, markers.seen_in(path.read_bytes(), marks)) for path in _outputs(stage)]
    return [(path, mark) for path, mark in told if mark] + markers.seen_below(_places(stage), marks)


async def _says(service: services.Service, *words: str) -> None:
    async def look() -> bool | None:
        return all(word in service.text for word in words) or None

    await books.until(f"the service says {words}", look, 40)


async def _struck(neighbour: books.Neighbour, service: services.Service, hits: int) -> None:
    """Wait for faults, and for no backoff: whoever rests is asked to look again, once what was asked before is done."""
    asked_at = 0.0

    async def look() -> bool | None:
        nonlocal asked_at
        if time.monotonic() - asked_at > _BETWEEN_LOOKS_SECONDS:
            asked_at = time.monotonic()
            service.signal(signal.SIGHUP)
        return await neighbour.fault_hits() >= hits or None

    await books.until(f"{hits} faults", look)
    await neighbour.delete("faults")


async def _let_the_web_service_fail(stage: stages.Stage, service: services.Service, elsewhere: str) -> None:
    """In each way, for everybody: it sends back what it was sent, too."""
    login = stage.accounts["bob"]
    token = base64.b64encode(f"{login.web_user}:{login.password}".encode()).decode()
    echo = {"WWW-Authenticate": f"Basic {token}", "X-Said": f"{token} {login.password}"}
    ways: list[tuple[str, dict[str, object]]] = [
        ("status", {"status": 500, "body": f"<html>{login.password} {token}</html>", "headers": echo}),
        ("status", {"status": 200, "body": f"<html>{login.password} {token}", "headers": echo}),
        ("status", {"status": 200, "body": f"<{login.password}>{token}", "content_type": "application/xml"}),
        ("status", {"status": 302, "headers": {"Location": elsewhere, **echo}}),
        ("status", {"status": 307, "headers": {"Location": elsewhere.replace("://", f"://{token}@"), **echo}}),
        ("status", {"status": 403, "headers": echo}),
        ("drop_before", {}),
        ("drop_after", {}),
        ("cut", {}),
    ]
    for way, order in ways:
        await stage.web.order(way, times=3, **order)
        await _struck(stage.web, service, 3)
    await stage.web.order("status", status=307, method="PUT", times=2, headers={"Location": elsewhere, **echo})
    await stage.web.order("status", status=500, method="PUT", times=2, headers=echo)


async def _let_oozie_fail(stage: stages.Stage, service: services.Service) -> None:
    for way, order in (("drop_before", {}), ("status", {"status": 500}), ("status", {"status": 200, "body": "{"})):
        await stage.oozie.order(way, times=2, **order)
        await _struck(stage.oozie, service, 2)


def _spoil_profiles(stage: stages.Stage) -> None:
    """What a hasty administrator writes: the password itself, in all wrong places."""
    word = json.dumps(stage.accounts["bob"].password)
    user = f"unix_user = {json.dumps(stage.accounts['bob'].unix_user)}\n[web_service]\n"
    inside = word[1:-1]
    texts = [f"password = {word}", f"password_env = {word}", f"password_credential = {word}", f"user = {word}"]
    texts += [f"password_file = {word}", f'url = "http://bob:{inside}@there/S"', f"url = {word[:-1]}", f"poll = {word}"]
    for number, text in enumerate(texts):
        (stage.place.accounts_dir / f"wrong{number}.toml").write_text(user + text + "\n", "utf-8")
    stage.profile("bob").write_text(f"{user}password = {word}\n", "utf-8")


async def _ask(stage: stages.Stage, *commands: str) -> None:
    """The commands of an administrator meanwhile."""
    for words in commands:
        code, text = await stage.command(*words.split(), SECRET_DAVE=stage.accounts["dave"].password)
        assert code == 0 or not words.startswith(("history", "support")), text


async def _ask_all(stage: stages.Stage, accession: int, port: int) -> None:
    """Everything that answers, while the service lives, and an order that somebody mistyped."""
    folder, log = _answers(stage), _outputs(stage)[0]
    bundle = folder / "help.tar.gz"
    await answers.order_with(stage, "alice", f"because of {stage.accounts['bob'].password}")
    await answers.of_socket(stage, folder, accession)
    await answers.of_web(port, folder)
    support = f"support --output {bundle} --log {log}"
    await _ask(
        stage,
        *_COMMANDS,
        "status",
        "runs --json",
        "events",
        f"explain {accession}",
        "history bob",
        f"history {accession} --json",
        support,
    )
    answers.unpack(bundle)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("face", ["lines", "dashboard"])
async def test_whatever_fails_a_password_of_no_source_is_seen_anywhere(
    tmp_path: pathlib.Path, face: str, unused_tcp_port: int
) -> None:
    web = {"NIASSA_ORCH_WEB__LISTEN": f"127.0.0.1:{unused_tcp_port}"}
    # A terminal 300 columns wide, as far as the console can tell; events go where standard error goes.
    terminal = {"FORCE_COLOR": "1", "COLUMNS": "300"} if face == "dashboard" else {}
    words = ("run", "--dashboard") if face == "dashboard" else ("run", "--log-level", "debug")
    async with _stage(tmp_path, "beat", **web, **terminal) as stage, strangers.stranger() as (elsewhere, visits):
        watch = markers.Watch(_COMMAND_LINE, _marks(stage))
        made = [
            await stage.schedule(name, launch=trouble, engine="oozie-sge") for name in _NAMES for trouble in _TROUBLES
        ]
        async with watch.going_on(), _lives(stage, *words) as service:
            await _says(service, "launch.", "ValueError")
            if face == "lines":  # under the dashboard SIGHUP means that the terminal is gone
                await _let_the_web_service_fail(stage, service, elsewhere)
                await _let_oozie_fail(stage, service)
            _spoil_profiles(stage)
            if face == "lines":  # commands do not know of the service's face
                # What has no history yet has nothing that could be searched.
                await _says(service, "launch.called account=alice", "launch.called account=bob")
                await _ask_all(stage, made[0], unused_tcp_port)
            await stage.web.order("status", status=401, times=None)
            await _says(service, *(f"refuses the login of {name}" for name in _NAMES))
        assert _leaks(stage) == []  # the journal too, as long as it is one
        (stage.place.state_dir / "journal.sqlite").write_bytes(b"\xa5" * 8192)
        await stage.web.delete("faults")
        async with watch.going_on(), _lives(stage, *words) as again:
            await _says(again, "journal.unusable", "profile.refused account=wrong7", "[redacted]")
            await _ask(stage, "doubts --json")
        assert visits == []
        assert _leaks(stage) == []
        assert watch.leaks == set()
        for word in (b"launch-scheduled", b"mediator"):
            assert any(word in command for command in watch.command_lines)


@contextlib.asynccontextmanager
async def _lives(stage: stages.Stage, *words: str) -> AsyncIterator[services.Service]:
    """The service inside the block, ended by SIGTERM."""
    service = await _start(stage, *words, HTTP__ATTEMPTS=1, HTTP__TIMEOUT_SECONDS=3)
    try:
        yield service
        service.signal(signal.SIGTERM)
        assert await service.ended(30) == 0
    except BaseException as exc:
        exc.add_note(f"the service said:\n{service.text[-20_000:]}")
        raise
    finally:
        await service.kill()


async def test_a_start_that_fails_shows_no_password_either(tmp_path: pathlib.Path) -> None:
    async with _stage(tmp_path / "broken", "start") as stage:
        crashed = await _start(stage)
        assert await crashed.ended(30) == 1
        assert "cannot start with" in crashed.text
        assert "thread.crashed" in crashed.text
        assert crashed.text.count("[redacted]") >= 2
        assert _leaks(stage) == []
    async with _stage(tmp_path / "sound") as stage:
        wrong = await _start(stage, "run", NO_SUCH_KEY=stage.accounts["dave"].password)
        assert await wrong.ended(30) == 78
        stage.place.state_dir.rename(stage.place.state_dir.with_name("gone"))
        stage.place.state_dir.write_text("no directory", "utf-8")
        refused = await _start(stage)
        assert await refused.ended(30) == 78
        assert _leaks(stage) == []


def _plain(stage: stages.Stage) -> bytes:
    return stage.accounts["bob"].password.encode()


def _token(stage: stages.Stage) -> bytes:
    return base64.b64encode(f"{stage.accounts['bob'].web_user}:{stage.accounts['bob'].password}".encode())


def _folded(stage: stages.Stage) -> bytes:
    word = _plain(stage)
    return b"| " + word[:9] + b" \x1b[0m\xe2\x94\x82\n\x1b[1m \xe2\x94\x82 " + word[9:] + b"\n"


def _quoted(stage: stages.Stage) -> bytes:
    return f"http://bob:{urllib.parse.quote(stage.accounts['bob'].password, safe='')}@there/".encode()


@pytest.mark.parametrize("plant", [_plain, _token, _folded, _quoted])
async def test_a_password_that_is_planted_is_found(
    tmp_path: pathlib.Path, plant: Callable[[stages.Stage], bytes]
) -> None:
    async with _stage(tmp_path) as stage:
        assert _leaks(stage) == []
        word = plant(stage)
        for file in (stage.place.state_dir / "calls.sqlite", stage.place.directory.with_name("sandbox-service-9.log")):
            file.write_bytes(b"\0\xff" + word)
            assert [path for path, _ in _leaks(stage)] == [file]
            file.unlink()
        watch = markers.Watch(_COMMAND_LINE, _marks(stage))
        if plant is not _folded:
            for words, environment in (([], {"X": word.decode()}), ([word.decode()], {})):
                await _assert_found(watch, words, environment)


async def _assert_found(watch: markers.Watch, words: list[str], environment: Mapping[str, str]) -> None:
    """In the arguments or the environment of a process."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(60)", *words, env={**os.environ, **environment}
    )
    try:
        watch.leaks.clear()
        watch.look()
        assert watch.leaks
    finally:
        child.kill()
        await child.wait()


async def test_a_password_that_is_changed_is_read_again_when_the_old_one_is_refused(tmp_path: pathlib.Path) -> None:
    async with _stage(tmp_path) as stage, _lives(stage, "run") as service:
        await _says(service, *(f"account.started account={name}" for name in _NAMES))
        for name in ("alice", "bob", "carol"):
            await stage.web.polls()
            account = stage.accounts[name]
            changed = {"email": account.web_user, "password": f"{account.password} anew"}
            await stage.web.post("accounts", changed)
        for name in ("alice", "bob", "carol"):
            await service.tells("account.login_refused", account=name, seconds=60)
        _change_everywhere(stage)
        for name in ("alice", "bob", "carol"):
            await service.tells("account.recovered", account=name, seconds=60)
        mine = [await stage.schedule(name) for name in ("alice", "bob", "carol")]
        await stage.web.reach("completed", *mine, seconds=60)
        refused = [seen for seen in await stage.web.requests() if seen["status"] == 401]
        assert len(refused) <= 3 * 4  # nobody hammers a login


def _change_everywhere(stage: stages.Stage) -> None:
    """The new passwords, where each account has its own; seqware itself needs them in the settings of all."""
    for name in ("alice", "bob", "carol"):
        account = stage.accounts[name]
        anew = dataclasses.replace(account, password=f"{account.password} anew")
        stage.accounts[name] = anew
        settings = stage.place.settings_of(name) | {"SW_REST_PASS": anew.password}
        stage.place.settings_file(name).write_text(layout_texts.settings(settings), "latin-1")
        if name != "alice":
            _secret(stage, name, anew.password)
