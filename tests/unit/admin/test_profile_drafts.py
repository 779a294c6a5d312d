import re

from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.admin import profile_drafts

#: Users whose names are those that another user's profiles would get: by a prefix, an odd letter, a number.
USERS = st.sampled_from(["niassa-b-b", "b-b", "b?b", "b!b", "niassa-b-b-2", "b-b-2", "b-b-3", "b-b-4", "-", "b-b-x"])
SETTINGS = st.sampled_from(["/h/.seqware/settings", "/h/x", "/etc/x.settings", "/"])
HOSTS = st.sampled_from(["a", "x", "2"])
WANTED = st.lists(st.builds(profile_drafts.Wanted, USERS, SETTINGS, HOSTS), unique=True, max_size=12)


@given(WANTED)
def test_no_two_profiles_have_one_name_and_each_is_a_name_of_a_file(wanted: list[profile_drafts.Wanted]) -> None:
    names = profile_drafts.names(wanted, dict.fromkeys((one.unix_user for one in wanted), "/h"))
    assert list(names) == wanted
    assert len(set(names.values())) == len(wanted)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]*", name) for name in names.values())


def test_a_name_with_a_number_that_is_another_users_is_not_given_again() -> None:
    users = ("niassa-bob-4", "niassa-niassa-bob", "bob", "niassa-bob", "b?ob", "b!ob", "b*ob")
    wanted = [profile_drafts.Wanted(user, "/h/.seqware/settings", "a") for user in users]
    names = profile_drafts.names(wanted, dict.fromkeys(users, "/h"))
    assert list(names.values()) == ["bob-4", "niassa-bob", "bob", "niassa-bob-2", "b-ob", "b-ob-2", "b-ob-3"]
