import os
import pwd
import socket
from pathlib import Path

import pytest

from niassa_orch import errors
from niassa_orch.config import profile_keys, profiles, settings, shelf

pytestmark = pytest.mark.usefixtures("at_rest")

_EXAMPLES = sorted((Path(__file__).parents[3] / "accounts.d").glob("*.toml.example"))
_SERVICE = settings.Settings(host="server9")
_as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away or be root")


def _write(directory: Path, name: str, text: str, mode: int = 0o644) -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def _secret(tmp_path: Path, mode: int = 0o600) -> Path:
    return _write(tmp_path, "secret", "canary-password\n", mode)


def _load(directory: Path, service: settings.Settings = _SERVICE) -> profiles.Profiles:
    return shelf.load(directory, service)


def _only_refusal(directory: Path, service: settings.Settings = _SERVICE) -> errors.ProfileError:
    (refusal,) = _load(directory, service).quarantined
    return refusal


def test_there_are_examples() -> None:
    assert [path.name for path in _EXAMPLES] == ["full.toml.example", "minimal.toml.example"]


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda path: path.name)
def test_every_example_can_be_used_as_it_is(example: Path, accounts_dir: Path, tmp_path: Path, unix_user: str) -> None:
    secret = str(_secret(tmp_path))
    text = example.read_text(encoding="utf-8").replace("niassa-bob", unix_user)
    text = text.replace("/etc/niassa-orch/secrets/bob", secret).replace("/etc/ssl/lab-ca.pem", secret)
    _write(accounts_dir, "bob.toml", text)
    found = _load(accounts_dir)
    assert found.quarantined == ()
    assert [(profile.name, profile.unix_user) for profile in found.profiles] == [("bob", unix_user)]


def test_the_full_example_says_every_key() -> None:
    keys = {key.rpartition(".")[2] for key, _ in profile_keys.every_key()}
    text = _EXAMPLES[0].read_text(encoding="utf-8")
    in_its_place = {"password_credential", "password_env"}
    assert {key for key in keys if f"\n{key} = " in text} == keys - in_its_place
    assert {key for key in keys if f"\n# {key} = " in text} == in_its_place


def test_the_projects_own_directory_of_examples_is_a_harmless_one() -> None:
    found = _load(_EXAMPLES[0].parent)
    assert (found.profiles, found.quarantined) == ((), ())


def test_one_line_is_a_profile(accounts_dir: Path, unix_user: str) -> None:
    _write(accounts_dir, "bob@lab.net.toml", f'unix_user = "{unix_user}"')
    (profile,) = _load(accounts_dir).profiles
    assert (profile.name, profile.file, profile.enabled, profile.host) == (
        "bob@lab.net",
        "bob@lab.net.toml",
        True,
        None,
    )
    assert profile.settings_path() == Path(pwd.getpwnam(unix_user).pw_dir, ".seqware/settings")


def test_an_absolute_settings_file_is_taken_as_it_is(accounts_dir: Path, unix_user: str) -> None:
    _write(accounts_dir, "bob.toml", f'unix_user = "{unix_user}"\nsettings_file = "/srv/bob"')
    (profile,) = _load(accounts_dir).profiles
    assert profile.settings_path() == Path("/srv/bob")


def test_profiles_come_by_name_with_disabled_ones_among_them(accounts_dir: Path, unix_user: str) -> None:
    for name in ("bob", "bob-2", "alice"):
        text = f'unix_user = "{unix_user}"\nenabled = {str(name != "bob").lower()}\nsettings_file = "/srv/{name}"'
        _write(accounts_dir, f"{name}.toml", text)
    found = _load(accounts_dir).profiles
    assert [(profile.name, profile.enabled) for profile in found] == [("alice", True), ("bob", False), ("bob-2", True)]


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("a = = b", "", r"not TOML: .*line 1"),
        ("", "unix_user", "is required"),
        ("unix_user = USER\nhots = 'a'", "hots", "unknown key; did you mean `host`?"),
        ("unix_user = USER\nname = 'a'", "name", "unknown key"),
        ("unix_user = USER\n[web_service]\nurll = 'a'", "web_service.urll", "did you mean `url`?"),
        ("unix_user = USER\n[web_service]\npassword = 'canary'", "web_service.password", "file of mode 600"),
        ("unix_user = 'niorch-nobody-has-this'", "unix_user", "no Unix user 'niorch-nobody-has-this'"),
        ("unix_user = ''", "unix_user", "no Unix user ''"),
        ('unix_user = "a\\u0000"', "unix_user", "no Unix user"),
        ("unix_user = '#0'", "unix_user", "no Unix user"),
        ("unix_user = 'root'", "unix_user", "is root"),
        ("unix_user = USER\nenabled = 'canary'", "enabled", "valid boolean"),
        ('unix_user = USER\nhost = "a\'b"', "host", "quote"),
        ("unix_user = USER\nhost = 'a\"b'", "host", "quote"),
        ("unix_user = USER\nhost = 'a\\b'", "host", "backslash"),
        ('unix_user = USER\nhost = "a\\nb"', "host", "control character"),
        ("unix_user = USER\nhost = ''", "host", "empty"),
        ("unix_user = USER\nsettings_file = '~root/x'", "settings_file", "absolute path"),
        ("unix_user = USER\nsettings_file = 'x'", "settings_file", "absolute path"),
        ('unix_user = USER\n[web_service]\nuser = "a\'b"', "web_service.user", "quote"),
        ("unix_user = USER\n[web_service]\nurl = 'ftp://a/b'", "web_service.url", "must begin with http"),
        ("unix_user = USER\n[web_service]\nurl = 'http://a:canary@b/c'", "web_service.url", "holds a login"),
        ("unix_user = USER\n[web_service]\nurl = 'http://a/b?c=d'", "web_service.url", "no query"),
        ("unix_user = USER\n[web_service]\npassword_file = 'x'", "web_service.password_file", "absolute"),
        ("unix_user = USER\n[web_service]\npassword_file = '/nowhere/x'", "web_service.password_file", "not exist"),
        ("unix_user = USER\n[web_service]\nca_file = '/nowhere/x'", "web_service.ca_file", "does not exist"),
        ("unix_user = USER\n[engine]\noozie_url = 'http://'", "engine.oozie_url", "names no host"),
        ("unix_user = USER\n[engine]\ncommand = []", "engine.command", "list of words"),
        ("unix_user = USER\nengine = 'canary'", "engine", "must be a table"),
        ("unix_user = USER\n[launching]\nin_flight = 0", "launching.in_flight", "greater than or equal to 1"),
        ("unix_user = USER\n[launching]\na_beat = 0", "launching.a_beat", "greater than or equal to 1"),
        ("unix_user = USER\n#" + "x" * 65_536, "", "larger than 65536 bytes"),
    ],
)
def test_a_bad_profile_is_refused_with_file_key_and_reason_and_the_others_are_not_touched(
    accounts_dir: Path, unix_user: str, text: str, key: str, reason: str
) -> None:
    _write(accounts_dir, "bad.toml", text.replace("USER", f"'{unix_user}'"))
    _write(accounts_dir, "good.toml", f'unix_user = "{unix_user}"')
    found = _load(accounts_dir)
    assert [profile.name for profile in found.profiles] == ["good"]
    (refusal,) = found.quarantined
    assert (refusal.file, refusal.key) == ("bad.toml", key)
    assert reason.split(".*")[0].removesuffix("?") in refusal.reason
    assert str(refusal).startswith("bad.toml: ")
    assert "canary" not in f"{refusal} {refusal!r}"


def test_all_that_is_wrong_with_a_profile_is_told_at_once(accounts_dir: Path) -> None:
    _write(accounts_dir, "bob.toml", "hots = 'a'\nhost = ''")
    refusal = _only_refusal(accounts_dir)
    for part in ("unix_user: is required", "host: is empty", "hots: unknown key"):
        assert part in f"{refusal.key}: {refusal.reason}"


def test_root_is_refused_by_any_name(accounts_dir: Path, unix_user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(accounts_dir, "bob.toml", f'unix_user = "{unix_user}"')
    toor = pwd.struct_passwd((unix_user, "x", 0, 0, "", "/root", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: toor)
    refusal = _only_refusal(accounts_dir)
    assert (refusal.file, refusal.key) == ("bob.toml", "unix_user")
    assert "is root" in refusal.reason


@_as_root
def test_a_service_that_is_root_itself_may_be_told_to_allow_root(accounts_dir: Path) -> None:
    _write(accounts_dir, "bob.toml", 'unix_user = "root"')
    found = _load(accounts_dir, settings.Settings(host="server9", allow_root=True))
    assert [profile.unix_user for profile in found.profiles] == ["root"]
    assert "is root" in _only_refusal(accounts_dir).reason


def test_a_service_that_is_not_root_cannot_be_told_to_allow_it(
    accounts_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(accounts_dir, "bob.toml", 'unix_user = "root"').stat()
    owner = accounts_dir.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner or 12_345)
    refusal = _only_refusal(accounts_dir, settings.Settings(host="server9", allow_root=True))
    assert (refusal.key, "is root" in refusal.reason) == ("unix_user", True)


def test_a_copied_profile_is_refused_before_it_can_take_the_account_over(accounts_dir: Path, unix_user: str) -> None:
    for name in ("bob", "bob-copy"):
        _write(accounts_dir, f"{name}.toml", f'unix_user = "{unix_user}"')
    found = _load(accounts_dir)
    assert [profile.name for profile in found.profiles] == ["bob"]
    assert [(error.file, error.key) for error in found.quarantined] == [("bob-copy.toml", "web_service.user")]
    assert "bob.toml" in found.quarantined[0].reason


def _doubled(user: str, more: str = "") -> str:
    return f"unix_user = '{user}'\n{more}\n[web_service]\nurl = 'http://Server2:80/ws/'\nuser = ' Bob@lab.net'\n"


@pytest.mark.parametrize("host", ["", "host = 'server9'"])
def test_of_two_enabled_profiles_with_one_claim_the_later_is_refused_and_the_earlier_named(
    accounts_dir: Path, unix_user: str, host: str
) -> None:
    _write(accounts_dir, "bob.toml", _doubled(unix_user, host))
    _write(accounts_dir, "bob-2.toml", _doubled(unix_user).replace(":80/ws/", "/ws").replace(" Bob", "bob"))
    found = _load(accounts_dir)
    assert [profile.name for profile in found.profiles] == ["bob"]
    (refusal,) = found.quarantined
    assert (refusal.file, refusal.key) == ("bob-2.toml", "web_service.user")
    assert "as bob.toml" in refusal.reason


@pytest.mark.parametrize("more", ["enabled = false", "host = 'server3'"])
def test_a_disabled_profile_or_another_host_claims_nothing_of_it(accounts_dir: Path, unix_user: str, more: str) -> None:
    _write(accounts_dir, "alice.toml", _doubled(unix_user, more))
    _write(accounts_dir, "bob.toml", _doubled(unix_user))
    found = _load(accounts_dir)
    assert ([profile.name for profile in found.profiles], found.quarantined) == (["alice", "bob"], ())


def test_this_machines_name_is_looked_up_once_and_counts_for_profiles_without_a_host(
    accounts_dir: Path, unix_user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["server7"])
    monkeypatch.setattr(socket, "getfqdn", lambda: next(names))
    _write(accounts_dir, "bob.toml", _doubled(unix_user))
    _write(accounts_dir, "eve.toml", _doubled(unix_user, "host = 'server7'"))
    assert _only_refusal(accounts_dir, settings.Settings()).file == "eve.toml"
