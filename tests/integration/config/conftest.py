import os
import pwd
from pathlib import Path

import pytest

from niassa_orch.config import shelf


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of whoever runs the tests may speak for the settings."""
    for name in [name for name in os.environ if name.upper().startswith("NIASSA_ORCH_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def unix_user() -> str:
    """A Unix user that exists and is not root."""
    return pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() else "nobody"


@pytest.fixture
def accounts_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "accounts.d"
    directory.mkdir(mode=0o755)
    return directory


@pytest.fixture
def at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody still writes what the test wrote."""
    monkeypatch.setattr(shelf, "STILL_SECONDS", 0.0)
