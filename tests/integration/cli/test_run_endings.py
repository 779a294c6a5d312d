"""What ``run`` says when somebody has no patience."""

import pathlib
import signal

import pytest

from tests.acceptance import books, stages


async def test_a_second_signal_ends_at_once_with_exit_code_1_and_a_line_that_says_so(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice") as stage:
        await stage.schedule("alice", "align:1")
        await stage.web.order("hang", method="PUT", body_contains=">running<")

        async def writing() -> bool | None:
            return await stage.web.fault_hits() > 0 or None

        async with stage.service(HTTP__TIMEOUT_SECONDS=60) as service:
            await books.until("a write that hangs", writing)
            service.signal(signal.SIGINT)
            with pytest.raises(TimeoutError):  # the write is waited for
                await service.ended(1.0)
            service.signal(signal.SIGTERM)
            assert await service.ended(5.0) == 1
            assert "niassa-orch: ended at once by a second signal" in service.text
            assert "Traceback" not in service.text
