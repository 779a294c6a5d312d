import getpass
import json
import os
import pathlib
import stat
import tomllib

import javaproperties
import pytest

from niassa_orch.sandbox import layout


def prepare(
    directory: pathlib.Path, *accounts: layout.SandboxAccount, engine: layout.EngineOptions | None = None
) -> layout.Layout:
    return layout.prepare(
        directory,
        accounts,
        web_service_url="http://127.0.0.1:1/SeqWareWebService",
        oozie_url="http://127.0.0.1:2/oozie",
        engine=engine,
    )


def account(name: str = "bob", unix_user: str | None = None, password: str = "x") -> layout.SandboxAccount:
    return layout.SandboxAccount(name, unix_user or getpass.getuser(), f"{name}@lab.net", password, "server2")


def mode(file: pathlib.Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_an_account_never_shows_its_password() -> None:
    assert "sesame" not in repr(account(password="sesame"))


def test_secrets_are_private_and_what_others_start_from_is_not(tmp_path: pathlib.Path) -> None:
    place = prepare(tmp_path / "box", account())
    settings = place.settings_file("bob")
    assert (mode(settings), mode(settings.parent), mode(place.web_service_state.parent)) == (0o600, 0o700, 0o700)
    assert (mode(place.engine), mode(place.engine.parent), mode(place.directory)) == (0o755, 0o755, 0o755)
    assert (mode(place.state_dir), mode(place.runtime_dir)) == (0o700, 0o700)


def test_a_password_of_any_kind_comes_back_from_the_settings(tmp_path: pathlib.Path) -> None:
    password = " \\ = : # ! \u00fc \u2713 \t end "
    place = prepare(tmp_path, account(password=password))
    assert place.settings_of("bob")["SW_REST_PASS"] == password
    assert javaproperties.loads(place.settings_file("bob").read_text("ascii"))["SW_REST_PASS"] == password


def test_the_services_settings_name_everything_in_the_directory(tmp_path: pathlib.Path) -> None:
    place = prepare(tmp_path, account())
    found = tomllib.loads(place.config_file.read_text())
    assert found["beat"] == {"interval_seconds": 1}
    assert found["engine"]["command"] == [str(place.engine)]
    assert found["allow_root"] is (os.geteuid() == 0)
    assert (found["accounts_dir"], found["state_dir"]) == (str(place.accounts_dir), str(place.state_dir))


def test_a_profile_of_our_own_user_names_its_settings_file(tmp_path: pathlib.Path) -> None:
    place = prepare(tmp_path, account())
    assert tomllib.loads((place.accounts_dir / "bob.toml").read_text()) == {
        "unix_user": getpass.getuser(),
        "host": "server2",
        "settings_file": str(place.settings_file("bob")),
    }


def test_a_second_time_addresses_move_and_what_people_edited_stays(tmp_path: pathlib.Path) -> None:
    place = prepare(tmp_path, account())
    profile = place.accounts_dir / "bob.toml"
    profile.write_text("enabled = false")
    place.config_file.write_text("# mine")
    layout.prepare(tmp_path, [account()], web_service_url="http://127.0.0.1:9/x", oozie_url="")
    assert (profile.read_text(), place.config_file.read_text()) == ("enabled = false", "# mine")
    assert place.settings_of("bob")["SW_REST_URL"] == "http://127.0.0.1:9/x"


def test_the_engine_is_told_its_delays_and_keeps_its_locks_out_of_our_home(tmp_path: pathlib.Path) -> None:
    place = prepare(tmp_path, account(), engine=layout.EngineOptions(1.5, 3, 0.25))
    assert json.loads(place.engine.with_name("seqware.json").read_text()) == {
        "jvm_seconds": 1.5,
        "lock_tries": 3,
        "lock_pause_seconds": 0.25,
        "lock_homes": {getpass.getuser(): str(place.directory / "locks")},
        "seqware_root": os.geteuid() == 0,
    }


def test_a_unix_user_that_does_not_exist_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(layout.LayoutError, match="account bob: the Unix user niorch-nobody does not exist"):
        prepare(tmp_path, account(unix_user="niorch-nobody"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write as another user")
def test_a_directory_that_a_user_cannot_enter_is_refused_with_what_to_do(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(layout.LayoutError, match="choose a directory that every user may enter") as caught:
        prepare(tmp_path / "box", account(unix_user="nobody", password="sesame"))
    assert "sesame" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write as another user")
def test_two_accounts_cannot_share_the_settings_in_one_home(tmp_path: pathlib.Path) -> None:
    both = [account("bob", "nobody"), account("ann", "nobody")]
    with pytest.raises(layout.LayoutError, match="nobody has several accounts"):
        layout.prepare(tmp_path, both, web_service_url="", oozie_url="", home_settings=True)


def test_settings_of_an_account_that_is_not_there_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(layout.LayoutError, match="no readable account bob"):
        layout.Layout(tmp_path).settings_of("bob")
