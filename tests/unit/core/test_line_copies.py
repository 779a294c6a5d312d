from niassa_orch.core import account_line, line_copies
from niassa_orch.domain import runs


def lines(*names: str) -> dict[str, account_line.AccountLine]:
    return {name: account_line.AccountLine(name) for name in names}


def test_a_line_is_copied_again_only_when_it_changed() -> None:
    copies, known = line_copies.LineCopies(str), lines("bob", "alice")
    alice, bob = copies.of(known)
    known["bob"].waiting = "for the lock"
    known["alice"].waiting = ""
    again_alice, again_bob = copies.of(known)
    assert again_alice is alice
    assert (bob.line.waiting, again_bob.line.waiting) == ("", "for the lock")
    assert again_bob.revision == copies.revision > bob.revision


def test_an_account_that_goes_moves_the_revision() -> None:
    copies, known = line_copies.LineCopies(str), lines("bob", "alice")
    copies.of(known)
    before = copies.revision
    del known["alice"]
    (bob,) = copies.of(known)
    assert copies.revision > before >= bob.revision


def test_an_account_that_comes_back_is_another_line_though_its_version_is_the_same() -> None:
    copies = line_copies.LineCopies(str)
    (old,) = copies.of(lines("bob"))
    (new,) = copies.of(lines("bob"))
    assert new.revision > old.revision


def test_every_change_of_a_line_moves_its_version() -> None:
    line = account_line.AccountLine("bob")
    seen = {line.version}
    line.state = account_line.State.OK
    seen.add(line.version)
    line.counts = {runs.RunStatus.RUNNING: 1}
    seen.add(line.version)
    line.note_ended(runs.RunStatus.FAILED)
    seen.add(line.version)
    line.note_ended(runs.RunStatus.FAILED)
    assert len({*seen, line.version}) == 5
    assert line.ended == {runs.RunStatus.FAILED: 2}


def test_what_is_set_to_the_same_changes_nothing() -> None:
    line = account_line.AccountLine("bob", counts={runs.RunStatus.RUNNING: 1})
    before = line.version
    line.counts = {runs.RunStatus.RUNNING: 1}
    line.waiting = ""
    assert line.version == before
