"""``niassa-orch check`` with real Unix users and real sudo: all well, and each link of an account broken in turn."""

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from tests.acceptance import books, broken_links, checking, stages, test_engine_propagation

_MACHINE = ("host", "state directory", "journal", "room", "mediator")
_ACCOUNT = ("profile", "home", "sudo", "engine", "settings", "engine lock", "crontab")
_FAR = ("login", "clock", "scheduled for", "oozie", "oozie clock")
real_users = pytest.mark.real_users


@contextlib.asynccontextmanager
async def staged(people: stages.People, directory: pathlib.Path) -> AsyncIterator[broken_links.Site]:
    """A stage on which all is well, before and after."""
    async with stages.of_people(directory, people) as stage:
        yield broken_links.Site(people, stage)
        assert (await checking.check(stage)).wrong() == {}, "it was not made whole again"


@real_users
async def test_where_all_is_well_each_link_has_one_line_and_nothing_is_changed_anywhere(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    place = open_directory.with_name("scratch")
    async with stages.of_people(open_directory, people) as stage:
        place.mkdir()
        shutil.chown(place, people.made.service.name)
        stage.crew = dataclasses.replace(stage.crew, environment={**stage.crew.environment, "TMPDIR": str(place)})
        await stage.schedule("alice")
        sandbox = [path for path in stage.place.directory.iterdir() if path.name != "servers"]
        looked_at = [*sandbox, people.made.owned, people.made.root / "homes"]
        before, runs = checking.everything(looked_at), await stage.web.runs()
        found = await checking.check(stage)
        told = await stage.start("check")
        assert await told.ended() == 0, told.text
        assert checking.everything(looked_at) == before
        assert list(place.iterdir()) == []
        assert await stage.web.runs() == runs
        asked = [seen for side in (stage.web, stage.oozie) for seen in await side.requests()]
        assert {seen["method"] for seen in asked if seen["agent"].startswith("niassa-orch")} == {"GET"}
    assert (found.exit_code, found.wrong(), found.skipped()) == (0, {}, set())
    names = {("", link) for link in _MACHINE} | {(who, link) for who in ("alice", "bob") for link in _ACCOUNT + _FAR}
    assert set(found.links) == names
    assert "1 run of alice@lab.net for server2.lab.net" in found.links["alice", "scheduled for"].seen
    assert "version 2.0.7" in found.links["alice", "engine"].seen
    *lines, last = told.text.splitlines()
    assert last == f"all {len(names)} links are well"
    shown = [re.fullmatch(r"ok {4}(this machine|alice|bob) {2,}(\w+( \w+)?) {2,}\S.*", line) for line in lines]
    assert {("" if one[1] == "this machine" else one[1], one[2]) for one in shown if one} == names
    assert all(shown), told.text


async def _each(site: broken_links.Site, breaks: Sequence[broken_links.Break]) -> dict[str, set[checking.Name]]:
    """Break each, look, and mend it; returns what was not looked at then."""
    skipped = {}
    for one in breaks:
        with one.broken(site):
            found = await checking.check(site.stage, "alice")
        assert found.wrong() == {("alice", one.link): one.verdict}, (one.what, found)
        assert found.exit_code == (one.verdict == "bad"), one.what
        link = found.links["alice", one.link]
        assert one.seen.format(site) in link.seen, (one.what, link)
        assert link.mend.startswith(one.mend.format(site)), (one.what, link)
        skipped[one.what] = found.skipped()
    return skipped


@real_users
async def test_a_profile_that_cannot_be_used_is_bad_and_the_other_account_is_well(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with staged(people, open_directory) as site:
        skipped = await _each(site, broken_links.OF_THE_PROFILE)
        assert set().union(*skipped.values()) == set()
        (broken, *_) = broken_links.OF_THE_PROFILE
        with broken.broken(site):
            found = await checking.check(site.stage)
        assert {("bob", link) for link in _ACCOUNT + _FAR} <= set(found.links)
        assert found.wrong() == {("alice", "profile"): "bad"}


@real_users
async def test_what_sudo_does_not_run_is_bad_and_only_what_needs_it_is_not_looked_at(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with staged(people, open_directory) as site:
        skipped = await _each(site, broken_links.OF_SUDO)
    behind = {("alice", link) for link in ("profile", "engine", "settings", "engine lock", "crontab", "login", "oozie")}
    assert skipped == {
        "no rule": behind,
        "a rule without a verb": set(),
        "not a member of the group": behind,
    }


@real_users
@pytest.mark.parametrize(
    ("breaks", "unknown"),
    [
        (broken_links.OF_HOME, {"no home"}),
        (
            broken_links.OF_SETTINGS,
            {"settings of somebody else", "settings that she cannot read", "no settings"},
        ),
        (broken_links.OF_ENGINE, set[str]()),
    ],
    ids=["home", "settings", "engine"],
)
async def test_what_is_wrong_with_the_unix_user_is_told_with_the_command_that_mends_it(
    people: stages.People, open_directory: pathlib.Path, breaks: Sequence[broken_links.Break], unknown: set[str]
) -> None:
    """``unknown``: what leaves us without the settings, so that the profile makes no account."""
    async with staged(people, open_directory) as site:
        skipped = await _each(site, breaks)
    assert {what for what, links in skipped.items() if ("alice", "profile") in links} == unknown


@real_users
@pytest.mark.parametrize(
    ("breaks", "behind"),
    [
        (broken_links.OF_WEB_SERVICE, {("alice", "clock"), ("alice", "scheduled for")}),
        (broken_links.OF_OOZIE, set[checking.Name]()),
    ],
    ids=["web service", "Oozie"],
)
async def test_what_is_wrong_with_the_neighbours_is_told_with_a_command_that_shows_it(
    people: stages.People,
    open_directory: pathlib.Path,
    breaks: Sequence[broken_links.Break],
    behind: set[checking.Name],
) -> None:
    async with staged(people, open_directory) as site:
        skipped = await _each(site, breaks)
    assert skipped == {one.what: behind for one in breaks}


@real_users
@pytest.mark.skipif(shutil.which("crontab") is None, reason="there is no crontab command (Debian: cron)")
async def test_a_crontab_that_still_launches_is_told_by_its_line(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    of_crontab = broken_links.Break(
        "a crontab",
        broken_links.crontab,
        "crontab",
        "look",
        "(line 2)",
        "crontab -e -u {0.user.name}  # as root: put a #",
    )
    async with staged(people, open_directory) as site:
        await _each(site, [of_crontab])


async def test_runs_for_a_host_of_almost_our_name_are_told_with_the_key_to_set(stage: stages.Stage) -> None:
    await stage.schedule("alice", host="server2")
    found = await checking.check(stage)
    assert (found.exit_code, found.wrong()) == (0, {("alice", "scheduled for"): "look"})
    link = found.links["alice", "scheduled for"]
    assert "no run of alice@lab.net for server2.lab.net; others for server2 (1)" in link.seen
    assert link.mend.startswith('host = "server2"  # in alice.toml')
    await stage.schedule("alice")
    assert (await checking.check(stage)).wrong() == {}


async def test_clocks_that_go_wrong_are_told_with_how_much(stage: stages.Stage) -> None:
    for side, name, whose in ((stage.web, "clock", "the web service"), (stage.oozie, "oozie clock", "Oozie")):
        await side.order("headers", headers={"Date": "Tue, 01 Jan 2019 00:00:00 GMT"}, times=None)
        found = await checking.check(stage, "bob")
        assert found.wrong() == {("bob", name): "look"}
        link = found.links["bob", name]
        assert re.search(rf"the clock of {whose} is \d{{9}} s behind ours", link.seen)
        assert link.mend.startswith("timedatectl")
        await side.delete("faults")


@real_users
async def test_where_the_engine_propagates_the_accounts_user_asks_oozie(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with staged(people, open_directory) as site:
        test_engine_propagation.let_the_engine_propagate(site.stage, "alice")
        found = await checking.check(site.stage, "alice")
        assert (found.exit_code, found.wrong(), found.skipped()) == (0, {}, set())
        seen = f"answers {site.user.name}; the engine propagates"
        assert found.links["alice", "oozie"].seen.endswith(seen)
        asked = await site.stage.oozie.requests()
        assert {(request["method"], request["path"]) for request in asked} == {("GET", "/oozie/versions")}
        assert {request["agent"].partition("/")[0] for request in asked} == {"Python-urllib"}
        skipped = await _each(site, broken_links.OF_OOZIE_AS_THE_USER)
    assert skipped == {"no Oozie there": set(), "a rule without the probe": {("alice", "oozie")}}


async def test_an_oozie_that_cannot_list_changes_is_said_to_be_read_in_bulk(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, behaviour=dataclasses.replace(stages.PROMPT, oozie_version="4.1")) as stage:
        found = await checking.check(stage)
    assert found.wrong() == {}
    assert "it is older than 4.3 and is read in bulk" in found.links["alice", "oozie"].seen


async def test_accounts_whose_neighbours_hang_delay_nobody_and_the_command_ends(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice", "bob", "carol", "dave") as stage:
        for user in ("alice@lab.net", "bob@lab.net"):
            await stage.web.order("hang", user=user, times=None)
        started = time.monotonic()
        told = await stage.start("check", HTTP__TIMEOUT_SECONDS=5)

        async def quick_are_told() -> bool | None:
            return all(f"{who}         " in told.text for who in ("carol", "dave ")) or None

        try:
            await books.until("the lines of who does not hang", quick_are_told)
            assert told.process.returncode is None
            assert not re.search("alice|bob", told.text)
            assert await told.ended(100) == 1
        finally:
            await told.kill()
        assert time.monotonic() - started < 100
    blocks = re.findall(r"^\w+ +(alice|bob|carol|dave) ", told.text, re.MULTILINE)
    assert len([name for at, name in enumerate(blocks) if blocks[at - 1 : at] != [name]]) == 4, "lines come together"
    for user in ("alice", "bob"):
        assert re.search(rf"^BAD   {user}  +login .*\n +-> curl ", told.text, re.MULTILINE), told.text
    assert told.text.rstrip().endswith("2 bad: alice (login), bob (login)")


@pytest.mark.parametrize("colour", [{}, {"NO_COLOR": "1"}])
async def test_on_a_terminal_who_is_waited_for_is_told_and_lines_begin_below_each_other(
    stage: stages.Stage, colour: dict[str, str]
) -> None:
    await stage.web.order("delay", user="bob@lab.net", seconds=2, times=1)
    text = await asyncio.to_thread(_on_terminal, [*stage.crew.argv, "--config", str(stage.place.config_file)], colour)
    assert re.search(r"1 of 2 accounts looked at; waiting for bob", text)
    assert ("\x1b[32m" in text) == (not colour)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n").splitlines()
    (first,) = [index for index, line in enumerate(lines) if line.startswith("ok    bob           settings")]
    column = lines[first].index("/")
    under = next(line for line in lines[first + 1 :] if line)
    assert len(under) - len(under.lstrip()) == column
    assert f"all {len(_MACHINE) + 2 * len(_ACCOUNT + _FAR)} links are well" in lines


def _on_terminal(command: list[str], environment: dict[str, str]) -> str:
    """What ``check`` writes to a terminal of 100 columns."""
    ours, theirs = os.openpty()
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    given = {**plain, "TERM": "xterm-256color", "COLUMNS": "100", **environment}
    with subprocess.Popen([*command, "check"], stdin=theirs, stdout=theirs, stderr=theirs, env=given) as process:
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):  # at the end of all who have it open
            while piece := os.read(ours, 1 << 16):
                text += piece
        os.close(ours)
    assert process.returncode == 0, text
    return text.decode()


async def test_a_name_that_is_no_account_ends_with_78_and_the_names_that_there_are(stage: stages.Stage) -> None:
    asked = await stage.start("check", "zoe")
    assert await asyncio.wait_for(asked.ended(), 60) == 78
    assert "has no profile zoe; it has: alice, bob" in asked.text
