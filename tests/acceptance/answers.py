"""What a service that lives answers to whoever may ask, and what commands tell of it, as files that can be searched.

Used by ``test_secrets``. A new face belongs here: let it write what it answers into the folder, too.
"""

import contextlib
import json
import pathlib
import tarfile
from collections.abc import AsyncIterator

import aiohttp

from niassa_orch import errors
from niassa_orch.control import client, documents
from niassa_orch.domain import runs
from tests.acceptance import stages


async def of_socket(stage: stages.Stage, folder: pathlib.Path, accession: int) -> None:
    """All that the control socket answers, of this run where it is of one."""
    async with client.connected(stage.place.runtime_dir) as asked:
        answers = {
            "snapshot.json": documents.whole(await asked.snapshot()),
            "runs.json": json.dumps(await asked.active_runs(None, None)).encode(),
            "events.jsonl": await _joined(asked.events()),
            "explain.jsonl": await _joined(asked.explain(runs.Accession(accession))),
        }
    for name, content in answers.items():
        assert content
        (folder / name).write_bytes(content)


async def of_web(port: int, folder: pathlib.Path) -> None:
    """The page and the metrics, headers too."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        for number, path in enumerate(("/", "/metrics", "/healthz", "/readyz", "/nothing")):
            async with session.get(path) as answer:
                (folder / f"web-{number}").write_bytes(str(answer.headers).encode() + await answer.read())
                assert answer.status == 200 or path not in ("/", "/metrics")


async def order_with(stage: stages.Stage, account: str, reason: str) -> None:
    """Somebody pastes the wrong thing into an order, and into one that is refused."""
    async with client.connected(stage.place.runtime_dir) as asked:
        await asked.order("pause", documents.OrderBody(account=account, launching_only=True, reason=reason))
        with contextlib.suppress(errors.ControlError):
            await asked.order("pause", documents.OrderBody(account="nobody", reason=reason))


def unpack(bundle: pathlib.Path) -> None:
    """The files of a support bundle beside it, so that what they hold can be searched."""
    names = set()
    with tarfile.open(bundle) as archive:
        for number, member in enumerate(archive):
            stream = archive.extractfile(member)
            assert stream is not None
            bundle.with_name(f"unpacked-{number}").write_bytes(member.name.encode() + b"\n" + stream.read())
            names.add(pathlib.PurePath(member.name).name)
    assert {"MANIFEST.txt", "state.json", "accounts.json", "log.txt", "journal-orders.json"} <= names


async def _joined(lines: AsyncIterator[dict[str, object]]) -> bytes:
    return b"".join([json.dumps(line).encode() + b"\n" async for line in lines])
