"""Orders without a service that answers: said when they hold, and nothing is made that a service could not write."""

import os
import pathlib

import pytest

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import ordering, state_directory
from niassa_orch.domain import orders, runs

ME = orders.Operator(os.getuid(), "me")
NOBODY = 65534


async def stopped(directory: pathlib.Path) -> str:
    """What is said to who stops launching of all."""
    with ordering.without_service(settings.Settings(state_dir=directory), str, lambda: ["bob"]) as operates:
        assert (await operates.doubts(runs.Accession(7))).doubts == ()
        return (await operates.stop_launching(None, ME, reason="flood")).text


def owners(directory: pathlib.Path) -> dict[pathlib.Path, int]:
    """Of everything below a directory."""
    return {path.relative_to(directory): path.stat().st_uid for path in directory.rglob("*")}


async def test_it_is_said_from_when_on_an_order_holds(tmp_path: pathlib.Path) -> None:
    assert (await stopped(tmp_path)).endswith(": flood; no service runs: it holds from the next start on")
    used = state_directory.StateDirectory(tmp_path)
    used.open()
    try:
        assert (await stopped(tmp_path)).endswith(
            "; a service runs and does not answer: it holds from its next beat on"
        )
    finally:
        used.close()


async def test_without_a_state_directory_it_is_asked_whether_the_settings_are_right(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.JournalError, match=r"there is no state_dir .*--config"):
        await stopped(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
async def test_what_root_makes_is_the_services_user_s(tmp_path: pathlib.Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    await stopped(tmp_path)
    made = owners(tmp_path)
    assert {pathlib.Path("journal.sqlite"), pathlib.Path("audit/_service.jsonl")} <= made.keys()
    assert set(made.values()) == {NOBODY}, made
