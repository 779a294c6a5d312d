"""Step files of real Unix users: what the account's user may read of its own run comes out, and nothing of others."""

import json
import os
import pathlib
from typing import Any

import pytest

from niassa_orch.sandbox import unix_users
from tests.integration.seqware import test_real_users

_REASON = unix_users.skip_reason() or unix_users.closed_reason()
pytestmark = [
    pytest.mark.real_users,
    pytest.mark.skipif(_REASON is not None, reason=_REASON or ""),
]

made, people = test_real_users.made, test_real_users.people


def run_directory(parent: pathlib.Path, name: str, owner: unix_users.UnixUser) -> pathlib.Path:
    """A run's ``generated-scripts``, closed to everybody but its owner."""
    scripts = parent / name / "generated-scripts"
    scripts.mkdir(parents=True)
    for folder in (scripts.parent, scripts):
        os.chown(folder, owner.uid, owner.gid)
        folder.chmod(0o700)
    return scripts


def write(path: pathlib.Path, text: str, owner: unix_users.UnixUser | None, mode: int = 0o600) -> None:
    """A file of this owner's; of root's without one."""
    path.write_text(text)
    path.chmod(mode)
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)


def asked(people: test_real_users.People, *scripts: pathlib.Path) -> list[dict[str, Any]]:
    """What comes out when the service asks for bob's runs."""
    orders = [{"accession": number, "directory": str(path.parent)} for number, path in enumerate(scripts, 1)]
    return people.sudo("bob", "texts", input=json.dumps(orders)).records


def files_of(record: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Text and error by name."""
    return {file["name"]: (file["text"], file.get("error")) for file in record["files"]}


def test_files_that_the_accounts_user_alone_may_read_are_read_and_nothing_of_anybody_else(
    people: test_real_users.People,
) -> None:
    bob, eve = people.users["bob"], people.users["eve"]
    scripts = run_directory(bob.home, "oozie-10000001", bob)
    write(scripts / "align.o1", "of the run", bob)
    write(scripts / "closed.o2", "canary", bob, 0)
    write(scripts / "root.o3", "canary", None, 0o644)
    write(scripts / "roots.o4", "canary", None)
    write(scripts / "eve.o5", "canary", eve, 0o644)
    (scripts / "shadow.o6").symlink_to("/etc/shadow")
    (scripts / "settings.o7").symlink_to(bob.home / ".seqware" / "settings")
    [record] = asked(people, scripts)
    assert files_of(record) == {
        "align.o1": ("of the run", None),
        "closed.o2": ("", "Permission denied"),
        "root.o3": ("", "belongs to another user"),
        "roots.o4": ("", "Permission denied"),
        "eve.o5": ("", "belongs to another user"),
        "shadow.o6": ("", "no plain file"),
        "settings.o7": ("", "no plain file"),
    }


def test_a_secret_of_the_user_that_somebody_linked_into_an_open_folder_does_not_come_out(
    people: test_real_users.People,
) -> None:
    bob = people.users["bob"]
    scripts = run_directory(bob.home, "oozie-10000002", bob)
    scripts.chmod(0o777)
    # As eve could where fs.protected_hardlinks is 0; and the same for a file of hers.
    os.link(bob.home / ".seqware" / "settings", scripts / "settings.o1")
    write(people.users["eve"].home / "text", "canary", people.users["eve"], 0o644)
    os.link(people.users["eve"].home / "text", scripts / "eve.o2")
    try:
        [record] = asked(people, scripts)
    finally:
        (scripts / "settings.o1").unlink()
    assert files_of(record) == {
        "settings.o1": ("", "has another name elsewhere (a hard link)"),
        "eve.o2": ("", "belongs to another user"),
    }


@pytest.mark.parametrize("which", ["the directory", "its scripts"])
def test_a_directory_of_somebody_else_is_not_looked_into(people: test_real_users.People, which: str) -> None:
    bob, eve = people.users["bob"], people.users["eve"]
    name = {"the directory": "oozie-10000003", "its scripts": "oozie-10000004"}[which]
    scripts = run_directory(bob.home, name, bob)
    write(scripts / "align.o1", "canary", bob)
    for folder in (scripts.parent, scripts):
        folder.chmod(0o777)
    theirs = scripts.parent if which == "the directory" else scripts
    os.chown(theirs, eve.uid, eve.gid)
    [record] = asked(people, scripts)
    assert "files" not in record
    assert record["error"] == "belongs to another user"


def test_what_lies_above_the_directory_need_only_be_passed_through(people: test_real_users.People) -> None:
    bob = people.users["bob"]
    scratch = bob.home / "scratch"
    scripts = run_directory(scratch, "oozie-10000005", bob)
    write(scripts / "align.o1", "of the run", bob)
    scratch.chmod(0o711)
    closed = bob.home / "closed"
    hidden = run_directory(closed, "oozie-10000006", bob)
    closed.chmod(0o700)  # root's
    passed, barred = asked(people, scripts, hidden)
    assert files_of(passed) == {"align.o1": ("of the run", None)}
    assert barred["error"] == "Permission denied"
