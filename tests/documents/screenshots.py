"""Writes docs/pictures from a sandbox with every kind of trouble in it: ``make screenshots``.

The real service works on the sandbox, and what ``niassa-orch top`` shows of it is exported by rich. Times and ports
are those of the moment; a test looks whether the pictures are whole.
"""

import asyncio
import io
import pathlib
import re
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import rich.console
import rich.text

from niassa_orch.control import client, documents
from niassa_orch.core import board
from niassa_orch.faces.dashboard import cells, screen, view
from niassa_orch.sandbox import layout
from tests.integration.cli import commands

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "pictures"
SIZE = (112, 32)
#: Who schedules what, one after the other: the account, how its engine treats it, its steps, how many.
_SCENE = (
    ("alice", "", "align:1,sort:1", 5),
    ("alice", "", "align:600,sort:3", 3),
    ("bob", "", "align:1,sort:1!", 1),
    ("bob", "hangs", "align:1", 2),
    ("carol", "", "align:1", 4),
)
_MOST_SECONDS = 60.0
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Bring the sandbox up, let the service work, and write the pictures."""
    with tempfile.TemporaryDirectory() as place:
        box, logs = pathlib.Path(place) / "box", pathlib.Path(place)
        with commands.started("sandbox", "up", "--directory", str(box), output=logs / "up.log") as up:
            up.says("sandbox runs")
            found = layout.Layout(box)
            _trouble(found)
            run = ("--config", str(found.config_file), "run", "--host", "server2.lab.net")
            with commands.started(*run, output=logs / "run.log") as service:
                service.says("account.started account=carol")
                for account, launch, steps, count in _SCENE:
                    words = ("--account", account, "--launch", launch, "--steps", steps, "--count", str(count))
                    commands.done("sandbox", "schedule", "--directory", str(box), *words)
                    # In time after each other, so that there is something to see.
                    time.sleep(2)
                snapshot = asyncio.run(_looked_at(found))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "dashboard.svg").write_text(svg(snapshot, view.View(), "niassa-orch top"))
    of_bob = view.View(view.Page.ACCOUNT, account="bob")
    (FOLDER / "account.svg").write_text(svg(snapshot, of_bob, "niassa-orch top, Enter"))


def svg(snapshot: board.Snapshot, looked_at: view.View, title: str) -> str:
    """The picture, with whatever font the reader has: nothing is fetched from elsewhere."""
    console = rich.console.Console(record=True, width=SIZE[0], file=io.StringIO(), force_terminal=True)
    for line in screen.picture(snapshot, looked_at, *SIZE).lines:
        console.print(rich.text.Text.from_ansi(cells.written(line, cells.MANY)), no_wrap=True, crop=True)
    return _FONTS.sub("", console.export_svg(title=title, unique_id="niassa-orch"))


def _trouble(found: layout.Layout) -> None:
    """An outdated password, and a profile of somebody whom the machine does not know."""
    settings = found.settings_file("dave")
    settings.write_text(settings.read_text().replace("sandbox-dave", "outdated"))
    (found.accounts_dir / "erin.toml").write_text('unix_user = "erin-who-left"\n')


async def _looked_at(found: layout.Layout) -> board.Snapshot:
    """What there is to see once alice is paused and carol waits for the turn of bob's hanging engine."""
    async with asyncio.timeout(_MOST_SECONDS), client.connected(found.runtime_dir) as service:
        paused = documents.OrderBody(account="alice", reason="the scratch disk is full")
        await service.order("pause", paused)
        while True:
            snapshot = await service.snapshot()
            lines = {line.name: line for line in snapshot.accounts}
            if lines["bob"].calls and lines["carol"].waiting:
                return snapshot
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    main()
