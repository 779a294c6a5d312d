"""The support bundle: what is in it, what is never in it, and what somebody could plant to get something in."""

import contextlib
import datetime
import gzip
import json
import os
import pathlib
import pwd
import stat
import tarfile

import pytest

from niassa_orch.core import audit, state_directory
from niassa_orch.domain import orders, settling
from niassa_orch.journal import store
from niassa_orch.sandbox import layout, layout_texts
from tests.fakes import launches
from tests.integration.cli import commands

OWN = pwd.getpwuid(os.geteuid()).pw_name
URL = "http://127.0.0.1:9/SeqWareWebService"
PASSWORD = "sesame-0pen & \u00e4"
#: Of files that are the users', or somebody else's.
PRIVATE = "nobody-may-see-this"
ROOT = orders.Operator(0, "root")


@pytest.fixture
def place(tmp_path: pathlib.Path) -> layout.Layout:
    """A sandbox directory with the account bob; nobody listens."""
    bob = layout.SandboxAccount("bob", OWN, "bob@lab.net", PASSWORD, "server2")
    made = layout.prepare(tmp_path / "box", [bob], web_service_url=URL, oozie_url="http://127.0.0.1:9/oozie")
    state = state_directory.StateDirectory(made.state_dir)
    state.open()
    state.close()
    return made


def packed(place: layout.Layout, *words: str, **environment: str) -> dict[str, str]:
    """The files of a bundle by name; no secret is in any of them, nor in what was printed."""
    file = place.directory / "help.tar.gz"
    ended = commands.done("--config", str(place.config_file), "support", "--output", str(file), *words, **environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found: dict[str, str] = {}
    with tarfile.open(file) as archive:
        for member in archive:
            assert member.isreg()
            assert member.mode == 0o600
            folder, _, name = member.name.partition("/")
            assert folder == "help"
            assert not {"", ".", ".."} & set(name.split("/"))
            stream = archive.extractfile(member)
            assert stream is not None
            found[name] = stream.read().decode()
    everything = "\n".join((*found, *found.values(), ended.stdout))
    for secret in (PASSWORD, json.dumps(PASSWORD)[1:-1], PRIVATE, "0pen"):
        assert secret not in everything
    assert found["MANIFEST.txt"] in ended.stdout
    return found


async def test_it_holds_what_helps_and_says_what_it_leaves_out(place: layout.Layout) -> None:
    state, now = state_directory.StateDirectory(place.state_dir), datetime.datetime.now(datetime.UTC)
    seen = launches.launch(7, created=now.isoformat(timespec="milliseconds"), seen=json.dumps({"iniFile": PRIVATE}))
    trail = audit.Trail(place.state_dir / "audit")
    with contextlib.closing(store.Journal(state.journal)) as journal, contextlib.closing(trail):
        await journal.intend([seen])
        await journal.note(seen, settling.Outcome.HELD, f"said http://bob:{PASSWORD}@there")
        await journal.orders.give(orders.Order(orders.Kind.STOP, "", ROOT, now, f"because of {PASSWORD}"))
        details = {"reason": f"because of {PASSWORD}"}
        await trail.begin(audit.Entry("stop-launching", operator="root (uid 0)", details=details))
    state.transcript("bob", "call").write_text(PRIVATE, "utf-8")
    log = place.directory / "service.log"
    log.write_text(f"2026 info one password={PASSWORD}\nAuthorization: Basic {PRIVATE}x\nlast line\n", "utf-8")
    found = packed(place, "--log", str(log))
    assert found["log.txt"].endswith("last line\n")
    assert [one["accession"] for one in json.loads(found["journal-launches.json"])] == [7]
    assert "because of [redacted]" in found["journal-orders.json"]
    assert "because of [redacted]" in found["audit/_service.jsonl"]
    assert json.loads(found["settings.json"])["state_dir"]["value"] == str(place.state_dir)
    assert [one["name"] for one in json.loads(found["transcripts.json"])] == ["bob--call.transcript"]
    (bob,) = json.loads(found["accounts.json"])
    assert bob["values"]["web_service.password"]["value"] == "********"
    assert json.loads(found["versions.json"])["sqlite"]
    manifest = found["MANIFEST.txt"]
    assert all(f"  {name} (" in manifest for name in found if name != "MANIFEST.txt")
    assert "no service answers at" in manifest
    assert "an engine's own words may hold anything" in manifest


def test_nothing_is_overwritten_and_nothing_is_left_of_what_cannot_be_written(place: layout.Layout) -> None:
    target, link = place.directory / "precious", place.directory / "link.tar.gz"
    target.write_text("mine", "utf-8")
    link.symlink_to(place.directory / "nowhere")
    for file in (target, link, place.directory / "no" / "such.tar.gz"):
        ended = commands.done("--config", str(place.config_file), "support", "--output", str(file))
        assert (ended.returncode, ended.stdout) == (1, "")
        assert str(file) in ended.stderr
    assert target.read_text("utf-8") == "mine"
    assert not (place.directory / "nowhere").exists()


def test_links_pipes_and_odd_names_bring_nothing_of_others_in_and_hang_nobody(place: layout.Layout) -> None:
    private = place.directory / "private"
    private.write_text(PRIVATE, "utf-8")
    audits = place.state_dir / "audit"
    audits.mkdir()
    (place.accounts_dir / "carol.toml").symlink_to(private)
    (place.accounts_dir / "..x\n.toml").write_text(f'unix_user = "{OWN}"\npassword = "{PRIVATE}"\n', "utf-8")
    (audits / "bob.jsonl").symlink_to(private)
    (audits / "..\n.jsonl").write_text("{}\n", "utf-8")
    os.mkfifo(audits / "dave.jsonl")
    (audits / "zip.jsonl.1.gz").write_bytes(gzip.compress(PRIVATE.encode()))
    (place.state_dir / "journal.sqlite").symlink_to(private)
    (place.state_dir / "calls" / "open" / "x.transcript").symlink_to(private)
    pipe = place.directory / "log"
    os.mkfifo(pipe)
    found = packed(place, "--log", str(pipe))
    manifest = found["MANIFEST.txt"]
    assert f"log.txt: {pipe} was not read" in manifest
    assert f"audit trail of bob: {audits / 'bob.jsonl'} was not read" in manifest
    assert "journal: the journal" in manifest
    assert [one["profile"] for one in json.loads(found["accounts.json"]) if one["state"] == "refused"]
    assert [one["is_plain"] for one in json.loads(found["transcripts.json"])] == [False]


def test_a_secret_in_odd_places_stays_there(place: layout.Layout) -> None:
    known = place.settings_of("bob") | {"SW_REST_URL": URL.replace("//", f"//bob:{PRIVATE}@")}
    place.settings_file("bob").write_text(layout_texts.settings(known), "latin-1")
    found = packed(place, NIASSA_ORCH_SECRET_BOB=PASSWORD, SW_REST_PASS=PRIVATE, NIASSA_ORCH_HOST=PASSWORD[:6])
    (bob,) = json.loads(found["accounts.json"])
    assert bob["state"] == "refused"
    assert "of these accounts no password could be read" in found["MANIFEST.txt"]
    again = place.directory / "again.tar.gz"
    words = ("support", "--output", str(again), "--since", "soon")
    assert commands.done("--config", str(place.config_file), *words).returncode == 2
    assert not again.exists()
