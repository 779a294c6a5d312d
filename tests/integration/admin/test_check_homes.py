"""The home of an account's Unix user, as ``check`` looks at it, where no user has to be made for that."""

import pwd

import pytest

from niassa_orch.admin import check_account, links
from niassa_orch.config import profile_keys, profiles

HOMELESS = next((entry.pw_name for entry in pwd.getpwall() if entry.pw_dir == "/nonexistent"), "")


@pytest.mark.skipif(not HOMELESS, reason="this machine has no user without a home")
async def test_a_user_who_is_to_have_no_home_gets_one_and_none_in_its_place() -> None:
    profile = profiles.Profile.model_construct(
        name="bob", unix_user=HOMELESS, web_service=profile_keys.WebServiceKeys(), settings_file="~/s"
    )
    link = await check_account.home(profile)
    assert link.verdict is links.Verdict.BAD
    assert f"{HOMELESS} has no home" in link.seen
    make = f"install -d -m 700 -o {HOMELESS} /home/{HOMELESS}"
    assert link.mend == f"usermod -d /home/{HOMELESS} {HOMELESS} && {make}  # as root"
