import base64
import pathlib

import pydantic
import pytest

from niassa_orch import errors
from niassa_orch.config import credentials, profile_keys


def test_the_header_is_basic_in_utf_8_and_built_on_demand() -> None:
    login = credentials.Login("bob@lab.net", pydantic.SecretStr("pä:ss"))
    scheme, token = login.authorization().split(" ")
    assert scheme == "Basic"
    assert base64.b64decode(token).decode() == "bob@lab.net:pä:ss"


def test_a_login_shows_its_password_nowhere() -> None:
    login = credentials.Login("bob@lab.net", pydantic.SecretStr("canary"))
    token = login.authorization().removeprefix("Basic ")
    assert "bob@lab.net" in repr(login)
    assert not any(secret in f"{login} {login!r}" for secret in ("canary", token))


def test_a_login_names_all_that_must_be_redacted() -> None:
    login = credentials.Login("bob@lab.net", pydantic.SecretStr("canary"))
    assert set(login.secrets()) == {"canary", login.authorization().removeprefix("Basic ")}


def test_a_folder_of_credentials_that_cannot_be_looked_into_is_told_and_ends_nothing_else() -> None:
    # A name that is too long stands for a folder that is closed to us: no folder is closed to root.
    secrets = credentials.Secrets(pathlib.Path("/", "x" * 300))
    with pytest.raises(errors.CredentialError, match="cannot be read"):
        secrets.read(profile_keys.WebServiceKeys(password_credential="bob"))
