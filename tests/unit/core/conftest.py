import pathlib
from collections.abc import Iterator

import pytest

from niassa_orch.config import shelf
from niassa_orch.oozie import documents
from tests.fakes import stage as stages


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[stages.Stage]:
    """Bob, with nothing scheduled and nothing launched; the core goes by the stage's clock."""
    found = stages.Stage(tmp_path)
    stages.stop_time(monkeypatch, found.clock)
    yield found
    found.close()


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of Oozie's jobs is a long list."""
    monkeypatch.setattr(documents, "PAGE_ROWS", 3)
    monkeypatch.setattr(documents, "LARGE_PAGE_ROWS", 5)


@pytest.fixture(autouse=True)
def soon_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that is written counts soon."""
    monkeypatch.setattr(shelf, "STILL_SECONDS", 0.05)
