"""What ``shadow report`` says of much, and of what is not kept any more."""

import contextlib
import json
import pathlib

from niassa_orch.core import state_directory
from niassa_orch.domain import runs, shadows
from niassa_orch.journal import shadows as journal_shadows
from niassa_orch.journal import store
from tests.integration.cli import commands

_OLD, _NOW = "2026-01-01T00:00:00.000+00:00", "2026-11-24T00:00:00.000+00:00"


def decision(accession: int, moment: str) -> journal_shadows.Shadow:
    names = (
        "http://ws",
        runs.Accession(accession),
        "bob",
        "bob@lab.net",
        "server2",
        shadows.Kind.LAUNCH,
        "submitted",
    )
    return journal_shadows.Shadow(*names, "launched", moment)


async def test_a_long_report_shows_the_last_and_counts_all_and_what_was_dropped(tmp_path: pathlib.Path) -> None:
    directory = state_directory.StateDirectory(tmp_path / "state")
    directory.open()
    directory.close()
    config = tmp_path / "niassa-orch.toml"
    config.write_text(f'state_dir = "{directory.path}"\naccounts_dir = "{tmp_path}"\n', "utf-8")
    with contextlib.closing(store.Journal(directory.journal)) as journal:
        await journal.shadows.decide(decision(one, _OLD if one < 3 else _NOW) for one in range(1, 1005))
    store.Journal(directory.journal, patient=True).close()
    said = commands.done("--config", str(config), "shadow", "report", TZ="UTC")
    *table, left_out, summary, dropped = said.stdout.splitlines()
    assert (said.returncode, said.stderr) == (0, "")
    rows = [line.split()[0] for line in table if "waits" in line]
    assert (len(rows), rows[0], rows[-1]) == (1000, "5", "1004")
    assert left_out == "2 older decisions are not in this table: --json has them"
    assert summary == "1002 decisions: 1002 waits"
    assert dropped == (
        "dropped after 90 days: 2 decisions for bob up to 2026-01-01 00:00:00; nothing had come of 2 of them"
    )
    told = json.loads(commands.done("--config", str(config), "shadow", "report", "bob", "--json").stdout)
    assert len(told["decisions"]) == 1002
    assert told["dropped"] == [{"account": "bob", "decisions": 2, "unanswered": 2, "newest": _OLD}]
