"""The mediator called by somebody who arranges everything that a caller can: it says no, or does its own work.

Its caller can be taken over (docs/security.md), so that nothing of the caller's may decide what runs: not its
environment, folder, streams, limits, signals, umask, or a file of its own beside or above. sudo takes away much of
this; here it comes through whole. What is refused leaves no trace of an engine and tells nothing of the settings.
"""

import dataclasses
import os
import pathlib
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping

import pytest

from tests.integration.seqware import workshop

MARKER = "canary-secret"  # of the settings that the workshop writes
#: Named as modules that the mediator imports, and as what Python loads by itself.
MODULES = ("json", "base64", "pwd", "os", "re", "site", "sitecustomize", "usercustomize", "encodings", "http", "ssl")


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """What a caller arranges. ``arrange`` is called in the child, before it becomes the mediator."""

    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    stdin: bytes = b""
    arrange: Callable[[], object] | None = None


def _limit(number: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(number, (value, value))


def _deaf() -> None:
    every = set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP}
    for number in every:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, every)


def _close(*descriptors: int) -> Callable[[], None]:
    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return close


def _many_files() -> None:
    for _ in range(200):
        os.set_inheritable(os.open("/etc/passwd", os.O_RDONLY), True)


EVIL = "/var/evil"
WORLDS = {
    "python variables": World(
        {"PYTHONPATH": "HERE", "PYTHONHOME": "HERE", "PYTHONSTARTUP": "HERE/site.py", "PYTHONINSPECT": "1"}
    ),
    "python's warnings and hooks": World({"PYTHONWARNINGS": "error", "PYTHONBREAKPOINT": "site.x", "PYTHONDEBUG": "9"}),
    "seqware variables": World({"SEQWARE_SETTINGS": EVIL, "SEQWARE_JVM_OPTS": "-Dx", "JAVA_HOME": EVIL, "PATH": EVIL}),
    "another home and name": World({"HOME": "HERE", "USER": "root", "LOGNAME": "root", "XDG_CONFIG_HOME": "HERE"}),
    "another caller": World({"SUDO_UID": "x", "SUDO_GID": "0", "SUDO_USER": "root", "SUDO_COMMAND": "launch 1"}),
    "an odd locale": World(
        {"LC_ALL": "tr_TR.ISO-8859-9", "LANG": "../..", "PYTHONUTF8": "x", "PYTHONIOENCODING": "rot13"}
    ),
    "a time zone that is a path": World({"TZ": "/etc/shadow", "TZDIR": "HERE"}),
    "no umask": World(arrange=lambda: os.umask(0)),
    "a closed umask": World(arrange=lambda: os.umask(0o777)),
    "deaf to every signal": World(arrange=_deaf),
    "no more files": World(arrange=_limit(resource.RLIMIT_NOFILE, 12)),
    "no core, no locked memory": World(arrange=_limit(resource.RLIMIT_CORE, 0)),
    "files that are open": World(arrange=_many_files),
    "a binary on stdin": World(stdin=bytes(range(256)) * 64),
    "very much on stdin": World(stdin=b"[" * (4 << 20)),
    "closed stdin": World(arrange=_close(0)),
    "closed stderr": World(arrange=_close(2)),
    "closed stdin and stderr": World(arrange=_close(0, 2)),
    "nicer": World(arrange=lambda: os.nice(19)),
}
REFUSED = (
    ["launch", "0"],
    ["launch", "1;id"],
    ["launch-whitestar", "1", "2"],
    ["propagate", "--host"],
    ["settings", "x"],
)


def _call(shop: workshop.Workshop, mediator: pathlib.Path, words: list[str], world: World) -> workshop.Ran:
    """From a folder full of evil modules."""
    evil = shop.directory / "evil"
    evil.mkdir(exist_ok=True)
    for name in MODULES:
        (evil / f"{name}.py").write_text(f"open({str(shop.directory / 'loaded')!r}, 'w')\n")
    environment = {name: value.replace("HERE", str(evil)) for name, value in world.environment.items()}
    done = subprocess.run(
        [mediator, *words],
        input=world.stdin,
        capture_output=True,
        cwd=evil,
        env={"PATH": "/usr/bin:/bin", **environment},
        preexec_fn=world.arrange,
        timeout=60,
        check=False,
    )
    return workshop.Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("name", WORLDS)
def test_what_is_refused_is_refused_in_every_world_and_nothing_happens(shop: workshop.Workshop, name: str) -> None:
    trace = shop.directory / "launched"
    mediator = shop.install(f"open({str(trace)!r}, 'w')")
    for words in REFUSED:
        ran = _call(shop, mediator, words, WORLDS[name])
        assert ran.refused
        assert MARKER not in ran.out + ran.err
    assert not trace.exists()
    assert not (shop.directory / "loaded").exists()


@pytest.mark.parametrize("name", WORLDS)
def test_what_is_allowed_is_the_same_in_every_world(shop: workshop.Workshop, name: str) -> None:
    mediator = shop.install()
    ran = _call(shop, mediator, ["launch", "1"], WORLDS[name])
    seen, plain = ran.seen, _call(shop, mediator, ["launch", "1"], World()).seen
    for key in ("pid", "sid"):
        seen.pop(key), plain.pop(key)
    assert seen == plain
    assert (ran.exit_code, ran.err) == (0, "")
    assert not (shop.directory / "loaded").exists()


@pytest.mark.parametrize("verb", ["texts", "probe"])
@pytest.mark.parametrize(
    "stdin",
    [
        b"",
        b"\0" * 100,
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"url": "' + b"h" * 100_000,
        b'{"url": "file:///etc/passwd"}',
        b'{"url": "http://user:word@h/"}',
        b'[{"accession": 1, "directory": "/etc"}]',
        b'[{"accession": 1, "directory": "/x/../etc/oozie-0b7c1c1e"}]',
        b'[{"accession": "1", "directory": "/x/oozie-0b7c1c1e"}]',
        b"9" * 1_000_000,
        b'{"a": 1}' * 10,
    ],
    ids=range(12),
)
def test_what_comes_on_stdin_is_refused_whole(shop: workshop.Workshop, verb: str, stdin: bytes) -> None:
    ran = _call(shop, shop.install(), [verb], World(stdin=stdin))
    assert ran.refused
    assert (ran.err, MARKER in ran.out) == ("", False)


@pytest.mark.parametrize("verb", ["texts", "probe"])
def test_a_closed_stdin_asks_for_nothing(shop: workshop.Workshop, verb: str) -> None:
    ran = _call(shop, shop.install(), [verb], World(arrange=_close(0)))
    assert (ran.refused != "", ran.err) == (True, "")


def test_without_a_place_for_its_answer_nothing_is_launched(shop: workshop.Workshop) -> None:
    trace = shop.directory / "launched"
    mediator = shop.install(f"open({str(trace)!r}, 'w')")
    for closed in ((1,), (0, 1), (1, 2), (0, 1, 2)):
        ran = _call(shop, mediator, ["launch", "1"], World(arrange=_close(*closed)))
        assert (ran.exit_code, ran.out) == (74, "")
    assert not trace.exists()


def test_a_configuration_beside_a_link_a_copy_or_in_the_callers_folder_decides_nothing(shop: workshop.Workshop) -> None:
    """The copy runs with its caller's rights: it may have its own configuration, and sudo does not know it."""
    mediator = shop.install()
    evil = shop.directory / "evil"
    evil.mkdir()
    (evil / "mediator.json").write_text('{"command": ["/bin/evil"], "allow_root": true}')
    link, chain = evil / "mediator", evil / "chain"
    link.symlink_to(mediator)
    chain.symlink_to(link)
    for path in (link, chain, f"{evil}/../evil/mediator", f"/proc/self/root{link}"):
        done = subprocess.run([path, "version"], cwd=evil, capture_output=True, text=True, check=False, timeout=60)
        (record,) = workshop.Ran(done.returncode, done.stdout, done.stderr).records
        assert record["command"] == [str(shop.directory / "seqware")]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("what", ["mediator", "mediator.json", ".", ".."])
def test_what_belongs_to_another_user_decides_nothing(shop: workshop.Workshop, what: str) -> None:
    trace = shop.directory / "launched"
    mediator = shop.install(f"open({str(trace)!r}, 'w')")
    os.chown(mediator.parent / what, 65534, 65534)
    for words in (["launch", "1"], ["settings"], ["version"]):
        ran = _call(shop, mediator, words, World())
        assert "belongs to uid 65534: it must belong to root" in ran.refused
        assert MARKER not in ran.out + ran.err
    assert not trace.exists()
    os.chown(mediator.parent / what, 0, 0)
    assert _call(shop, mediator, ["launch", "1"], World()).exit_code == 0


def test_a_hard_link_in_a_folder_of_others_is_refused(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    elsewhere = shop.directory / "elsewhere"
    elsewhere.mkdir()
    os.link(mediator, elsewhere / "mediator")
    shutil.copy(mediator.with_name("mediator.json"), elsewhere)
    elsewhere.chmod(0o777)
    assert "may be changed by" in _call(shop, elsewhere / "mediator", ["launch", "1"], World()).refused


def test_whatever_it_is_called_it_is_the_same_program(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    for name in ("", "-c", "python3", "../../evil", "launch"):
        done = subprocess.run(
            [name, "launch", "x"], executable=mediator, capture_output=True, text=True, check=False, timeout=60
        )
        assert workshop.Ran(done.returncode, done.stdout, done.stderr).refused
