import pathlib

import pytest

from tests.integration.seqware import workshop


@pytest.fixture
def shop(tmp_path: pathlib.Path) -> workshop.Workshop:
    return workshop.Workshop(tmp_path)
