"""``niassa-orch check`` as a test asks it: what it found by link, and whether anything was changed by it.

Used by ``test_check``, ``test_check_machine`` and ``broken_links``.
"""

import dataclasses
import json
import pathlib
from collections.abc import Iterable

from niassa_orch.admin import links
from tests.acceptance import stages

#: Whose it is (``""`` for the machine's) and its name.
Name = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, and its exit code."""

    exit_code: int
    links: dict[Name, links.Link]

    def wrong(self) -> dict[Name, str]:
        """What is not well, with its verdict; what was not looked at left out."""
        well = (links.Verdict.OK, links.Verdict.SKIPPED)
        return {name: link.verdict.value for name, link in self.links.items() if link.verdict not in well}

    def skipped(self) -> set[Name]:
        """What was not looked at."""
        return {name for name, link in self.links.items() if link.verdict is links.Verdict.SKIPPED}


async def check(stage: stages.Stage, *accounts: str, **environment: object) -> Checked:
    """Look, as the service's user; what it prints is JSON from the first to the last character."""
    exit_code, text = await stage.command("check", "--json", *accounts, **environment)
    stage.assert_secrets_kept()
    rows = json.loads(text)
    keys = {field.name for field in dataclasses.fields(links.Link)}
    assert all(set(row) == keys for row in rows), text
    found = [links.Link(**{**row, "verdict": links.Verdict(row["verdict"])}) for row in rows]
    for link in found:
        asks = link.verdict in (links.Verdict.LOOK, links.Verdict.BAD)
        assert link.seen, link
        assert bool(link.mend) == asks, f"a mend where one is needed, and nowhere else: {link}"
    named = {(link.account, link.name): link for link in found}
    assert len(named) == len(found), f"no link twice: {text}"
    return Checked(exit_code, named)


def everything(places: Iterable[pathlib.Path]) -> dict[str, tuple[int, ...]]:
    """All that lies there, with what a change of content, names, owner or mode would change."""
    found: dict[str, tuple[int, ...]] = {}
    for place in places:
        for path in (place, *place.rglob("*")):
            status = path.lstat()
            found[str(path)] = (status.st_ino, status.st_mode, status.st_uid, status.st_size, status.st_ctime_ns)
    return found
