"""What ``check`` says of crontabs of others, and which file it says to edit."""

import dataclasses

import pytest

from niassa_orch import errors
from niassa_orch.admin import check, check_account
from niassa_orch.config import profiles, settings
from niassa_orch.core import crontab_guard
from niassa_orch.domain import crontabs
from tests.fakes import neighbours_in_memory as fakes

ALICE = dataclasses.replace(fakes.BOB, name="alice", unix_user="niassa-alice", web_user="alice@lab.net")


def test_a_crontab_that_launches_is_told_for_each_account_that_it_touches() -> None:
    looked = [
        crontab_guard.Launching(ALICE, "lines 4, 5", "server9"),
        crontab_guard.Launching(fakes.BOB, "", "server9"),
    ]
    (found,) = check_account.others_crontabs(fakes.BOB, looked)
    assert found.seen == "that of niassa-alice (lines 4, 5) launches runs of bob too, as niassa-alice"
    assert found.mend == "crontab -e -u niassa-alice  # as root: put a # before lines 4, 5"
    assert list(check_account.others_crontabs(ALICE, looked)) == []


@pytest.mark.parametrize(("numbers", "named"), [((4,), "line 4"), ((4, 5), "lines 4, 5")])
def test_lines_are_counted_as_people_do(numbers: tuple[int, ...], named: str) -> None:
    lines = [crontabs.Line(number, launches=True, propagates=False) for number in numbers]
    assert crontabs.named(lines) == named


@pytest.mark.parametrize(
    ("file", "key", "edits"),
    [
        ("bob.toml", "SW_METADATA_METHOD", "vi /home/bob/s  # as niassa-bob, or root"),
        ("~/s of niassa-bob", "", "vi /home/bob/s  # as niassa-bob, or root"),
        ("bob.toml", "engine.oozie_url", "vi /etc/niassa-orch/accounts.d/bob.toml"),
        ("bob.toml", "settings_file", "vi /etc/niassa-orch/accounts.d/bob.toml"),
    ],
)
def test_settings_that_do_not_fit_together_are_mended_in_the_file_that_is_wrong(
    file: str, key: str, edits: str
) -> None:
    service = settings.Settings.model_validate({"accounts_dir": "/etc/niassa-orch/accounts.d"})
    bob = profiles.Profile.model_construct(name="bob", unix_user="niassa-bob", settings_file="/home/bob/s")
    assert check._mend(service, bob, errors.UserSettingsError(file, key, "is wrong")) == edits
