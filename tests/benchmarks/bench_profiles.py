"""What a thousand profiles cost: to read all of them, to read one that changed, to find that none did; and how long the
real service takes from an edit to its effect.

The last is of a service with a thousand profiles, all but one disabled, that nobody signals: the time from the end of
the write to the event line, with inotify and without. Prints, asserts nothing of times.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_profiles``.
"""

import argparse
import asyncio
import itertools
import os
import pathlib
import pwd
import statistics
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.config import profiles, settings, shelf
from tests.benchmarks import figures

_PATIENCE_SECONDS = 30.0
_USER = pwd.getpwuid(os.geteuid()).pw_name


def write(directory: pathlib.Path, number: int, host: str, *, enabled: bool = True) -> None:
    """A profile with what a usual one has; in one step, as careful tools do."""
    text = (
        f'unix_user = "{_USER}"\nenabled = {str(enabled).lower()}\nhost = "{host}"\n'
        f'settings_file = "/nowhere/{number}"\n[web_service]\nurl = "http://127.0.0.1:9/niassa"\n'
        f'[engine]\noozie_url = "http://127.0.0.1:9/oozie"\n[launching]\nin_flight = 10\n'
    )
    new = directory / f".user{number:04}.new"
    new.write_text(text, "utf-8")
    new.rename(directory / f"user{number:04}.toml")


def measure_reading(directory: pathlib.Path, count: int, rounds: int) -> None:
    """The shelf alone, in this process."""
    service = settings.Settings(host="server9", allow_root=True)
    time.sleep(shelf.STILL_SECONDS)  # so that they are not as young as a file that may still be written
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        found = shelf.load(directory, service)
        taken.append(time.perf_counter() - began)
    assert len(found.profiles) == count
    _tell(f"load of {count} profiles", taken, "goal below 2 s")
    at = itertools.count(0, 10 * shelf.PATIENCE_SECONDS)  # a clock by which all keeps still between two looks
    one = shelf.Shelf(directory, service, lambda: next(at))
    before = {profile.name: profile for profile in _profiles(one.read())}
    quiet, changed = [], []
    for number in range(rounds):
        began = time.perf_counter()
        assert one.look().profiles is None
        quiet.append(time.perf_counter() - began)
        write(directory, 7, f"server{number}")
        one.look()
        began = time.perf_counter()
        after = {profile.name: profile for profile in _profiles(one.look())}
        changed.append(time.perf_counter() - began)
        made = [name for name, profile in after.items() if profile is not before[name]]
        assert made == ["user0007"]
        before = after
    _tell("a look at which nothing changed", quiet)
    _tell("a look at which one changed, 1 file read", changed)


def _profiles(look: shelf.Look) -> tuple[profiles.Profile, ...]:
    assert look.profiles is not None
    return look.profiles.profiles


async def measure_effect(place: pathlib.Path, rounds: int, watch: str) -> None:
    """The real service as a process, from the end of a write to its event line."""
    directory, output = place / "accounts.d", place / "service.log"
    environment = {f"NIASSA_ORCH_{name}": value for name, value in _settings(place, watch).items()}
    with output.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "niassa_orch", "--config", "/dev/null", "run", "--no-dashboard"),
            stdout=stream,
            stderr=stream,
            env={**os.environ, **environment},
        )
    try:
        await _until(output, {"auto": "accounts.watched", "poll": "accounts.polled"}[watch], 1)
        taken = []
        cpu = figures.cpu_seconds(process.pid)
        for number in range(rounds):
            write(directory, 7, f"{watch}{number}.lab.net")
            began = time.perf_counter()
            await _until(output, "accounts.changed", number + 1)
            taken.append(time.perf_counter() - began)
        cpu = (figures.cpu_seconds(process.pid) - cpu) / rounds
        _tell(f"an edit of one, to its effect in the service ({watch})", taken, f"goal below 2 s; {cpu:.2f} s of CPU")
    finally:
        process.terminate()
        await process.wait()


def _settings(place: pathlib.Path, watch: str) -> dict[str, str]:
    directories = {"ACCOUNTS_DIR": place / "accounts.d", "STATE_DIR": place / "state", "RUNTIME_DIR": place / "run"}
    return {**{key: str(path) for key, path in directories.items()}, "ALLOW_ROOT": "true", "ACCOUNTS_WATCH": watch}


async def _until(output: pathlib.Path, event: str, times: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (text := (await asyncio.to_thread(output.read_text, "utf-8"))).split().count(event) < times:
        if time.monotonic() > deadline:
            message = f"{event} was not told {times} times: {text[-2000:]}"
            raise RuntimeError(message)
        await asyncio.sleep(0.01)


def _tell(what: str, seconds: list[float], more: str = "") -> None:
    middle, worst = 1e3 * statistics.median(seconds), 1e3 * max(seconds)
    print(f"{what}: median {middle:.1f} ms, worst {worst:.1f} ms of {len(seconds)}{f' ({more})' if more else ''}")


def main() -> None:
    """All of it, in a directory that is removed in the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        directory = place / "accounts.d"
        directory.mkdir(mode=0o755)
        for number in range(options.profiles):
            write(directory, number, "server9")
        print(figures.machine())
        measure_reading(directory, options.profiles, options.rounds)
        for number in range(options.profiles):
            write(directory, number, "server9", enabled=number == 7)
        for watch in ("auto", "poll"):
            asyncio.run(measure_effect(place, options.rounds, watch))


if __name__ == "__main__":
    main()
