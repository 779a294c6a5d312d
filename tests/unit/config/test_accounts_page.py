from niassa_orch.config import profile_keys
from tests.documents import accounts_page


def test_the_page_about_accounts_says_what_the_models_say() -> None:
    page = accounts_page.PAGE.read_text("utf-8")
    assert page == accounts_page.made(page), "make docs"


def test_every_key_has_a_description_and_a_line_of_its_own() -> None:
    page = accounts_page.PAGE.read_text("utf-8")
    for key, field in profile_keys.every_key():
        assert field.description
        assert page.count(f"| `{key.rpartition('.')[2]}` | ") == 1
