"""What an import says of several crontabs: which lines to disable, which to leave at work, and who launches nothing."""

import pathlib

import pytest

from niassa_orch.admin import migrate, migrate_report
from niassa_orch.config import settings as service_settings
from niassa_orch.config import user_settings
from tests.unit.admin import hosts

TWO = "seqware workflow-run launch-scheduled; seqware workflow-run propagate-statuses --threads 10"
BOTH = f"* * * * * for s in settings other; do export SEQWARE_SETTINGS=$HOME/.seqware/$s; {TWO}; done\n"


def read_settings(user: str, path: str) -> user_settings.UserSettings:
    """Each file is for an account of its own."""
    login = f"{user}-{pathlib.PurePath(path).name}@lab.net"
    text = f"SW_REST_URL=http://web:8080/ws\nSW_REST_USER={login}\nSW_REST_PASS=x\nSW_METADATA_METHOD=webservice\n"
    return user_settings.parse(text.encode(), f"{path} of {user}")


def plan(directory: pathlib.Path, own: str = "", **texts: str) -> migrate.Plan:
    """A plan for crontabs of niassa-alice and niassa-bob; ``own`` is who imports."""
    sources = [
        migrate.Source(f"crontab of niassa-{name}", f"crontab -e -u niassa-{name}", hosts.Host().look(text, user))
        for name, text in texts.items()
        for user in [f"niassa-{name}"]
    ]
    service = service_settings.Settings(accounts_dir=directory, host="server2.lab.net")
    host = migrate.Host(
        service,
        read_settings,
        lambda user: f"/home/{user}",
        lambda user: user == "root",
        mediator={"command": ["/usr/local/bin/seqware"]},
        machine="server2.lab.net",
        is_own=lambda user: user == own,
    )
    return migrate.plan(sources, host)


def test_a_line_for_two_settings_of_one_user_is_left_at_work_since_the_mediator_uses_one(
    tmp_path: pathlib.Path,
) -> None:
    found = plan(tmp_path, alice=f"* * * * * {TWO}\n", bob=f"# Niassa\n{BOTH}")
    assert not found.is_whole
    told = migrate_report.to_json(found, dry_run=True)
    assert [one["crontab"] for one in told["disable"]] == ["crontab of niassa-alice"]
    (left,) = told["leave"]
    assert (left["crontab"], left["line"], left["profiles"]) == ("crontab of niassa-bob", 2, ["bob-other", "bob"])
    lines = migrate_report.lines(found)
    at = lines.index("Leave these lines at work until what is said above is done, then import again:")
    assert lines[at + 1] == "crontab of niassa-bob line 2 (for bob-other, bob)"
    assert "crontab -e -u niassa-bob: put # before" not in lines


def test_for_whoever_imports_for_himself_no_mediator_is_in_the_way(tmp_path: pathlib.Path) -> None:
    found = plan(tmp_path, own="niassa-bob", bob=BOTH)
    assert found.is_whole
    assert migrate_report.to_json(found, dry_run=True)["leave"] == []


@pytest.mark.parametrize("text", ["", "0 3 * * * true\n", f"# * * * * * {TWO}\n"])
def test_a_crontab_that_launches_nothing_is_named(tmp_path: pathlib.Path, text: str) -> None:
    found = plan(tmp_path, alice=f"* * * * * {TWO}\n", bob=text)
    assert found.is_whole
    assert "Nothing here is known to launch or propagate: crontab of niassa-bob." in migrate_report.lines(found)


def test_what_becomes_of_threads_is_said_once_for_all_that_say_the_same(tmp_path: pathlib.Path) -> None:
    found = plan(tmp_path, alice=f"* * * * * {TWO}\n", bob=f"* * * * * {TWO}\n")
    assert "--threads 10 is replaced by pool.size: alice, bob" in migrate_report.lines(found)


def test_lines_for_one_machine_are_to_be_disabled_together(tmp_path: pathlib.Path) -> None:
    """``launch-scheduled`` does not look at the owner: one line that is left launches the runs of all."""
    told = "\n".join(migrate_report.lines(plan(tmp_path, alice=f"* * * * * {TWO}\n", bob=f"* * * * * {TWO}\n")))
    assert "each of them launches the runs of all accounts" in told
    assert "of all accounts" not in "\n".join(migrate_report.lines(plan(tmp_path, bob=f"* * * * * {TWO}\n")))
