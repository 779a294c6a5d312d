"""What acceptance tests share: a stage of our own Unix user, and real Unix users where the machine allows them."""

import os
import pathlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator

import pytest

from niassa_orch.sandbox import staging, unix_users
from tests.acceptance import stages


@pytest.fixture
async def stage(tmp_path: pathlib.Path) -> AsyncIterator[stages.Stage]:
    """alice and bob, both of our own Unix user."""
    async with stages.own(tmp_path, "alice", "bob") as made:
        yield made


@pytest.fixture(scope="session")
def people() -> Iterator[stages.People]:
    """Real Unix users alice and bob and a service user, made once for all tests and removed in the end."""
    reason = unix_users.skip_reason()
    if reason is not None:
        pytest.skip(reason)
    before = os.umask(0o022)
    try:
        with unix_users.unix_users("alice", "bob") as made:
            yield stages.People(made, staging.stage(made.root / "installation", made.service.uid))
    finally:
        os.umask(before)


@pytest.fixture
def open_directory(people: stages.People) -> Iterator[pathlib.Path]:
    """A directory for a sandbox that every Unix user may enter."""
    directory = pathlib.Path(tempfile.mkdtemp(dir=people.made.root))
    directory.chmod(0o755)
    yield directory / "sandbox"
    shutil.rmtree(directory)
