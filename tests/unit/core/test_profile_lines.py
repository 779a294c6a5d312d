"""What the board shows of files that are not read yet."""

from niassa_orch.config import profiles
from niassa_orch.core import account_line, drop_ins, profile_lines
from niassa_orch.faces import remarks
from tests.fakes import neighbours_in_memory as fakes

_NONE = profiles.Profiles((), ())


def test_a_file_that_never_keeps_still_is_misconfigured_unless_its_last_version_is_served() -> None:
    told = fakes.board_of()
    told.line("bob").state = account_line.State.OK
    names = frozenset({"bob.toml", "eve.toml", "dave.toml"})
    brought = drop_ins.Brought(_NONE, unfinished=names, overdue=names - {"dave.toml"})
    profile_lines.show(told, brought, {"bob"}, {"bob"})
    lines = {line.name: line for line in told.snapshot().accounts}
    states = {name: line.state for name, line in lines.items()}
    assert states == {
        "bob": account_line.State.OK,
        "dave": account_line.State.STARTING,
        "eve": account_line.State.MISCONFIGURED,
    }
    assert remarks.of(lines["bob"]).endswith("what was read last goes on")
    assert "again and again" in remarks.of(lines["eve"])
    assert "a moment ago" in remarks.of(lines["dave"])
    profile_lines.show(told, drop_ins.Brought(_NONE), {"bob"}, {"bob"})
    assert remarks.of(told.line("bob")) == ""
