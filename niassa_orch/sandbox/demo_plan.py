"""What the demo schedules, and how each run is expected to end. Facts only; ``demo`` plays them."""

import dataclasses

from niassa_orch.domain import runs

#: Everybody who schedules. dave's seqware settings hold a wrong password, frank has no profile.
SERVED = ("alice", "bob", "carol", "dave")
WRONG_PASSWORD = "dave"  # noqa: S105 - an account's name
WITHOUT_PROFILE = "frank"
BROKEN_PROFILE = ("erin.toml", 'unix_usr = "erin"\n')
OTHER_HOST = "elsewhere.lab.net"

_QUICK = "steps=align:0.6,sort:0.3,report:0.2"


@dataclasses.dataclass(frozen=True, slots=True)
class Planned:
    """One run: who schedules it, for which engine, what it does (``ini``), and how it must end.

    Args:
        name: What it shows, in a few words.
        account: Of the sandbox.
        engine: ``workflowEngine``.
        expected: Its last status.
        ini: Its steps, and how the engine treats it.
        other_host: Scheduled for a host that is not this one.
        user_act: ``cancel`` once it runs, or ``retry`` once it failed.
    """

    name: str
    account: str
    engine: str = "oozie"
    expected: runs.RunStatus = runs.RunStatus.COMPLETED
    ini: str = _QUICK
    other_host: bool = False
    user_act: str = ""

    @property
    def is_launched(self) -> bool:
        """Whether a job of it must exist in the end."""
        return self.expected is not runs.RunStatus.SUBMITTED and "launch=fails" not in self.ini

    @property
    def uses_oozie(self) -> bool:
        """Whether its job is one of Oozie's."""
        return self.engine.startswith("oozie")


def _plain(account: str, engine: str, count: int) -> tuple[Planned, ...]:
    return tuple(Planned("succeeds", account, engine) for _ in range(count))


PLAN = (
    *_plain("alice", "oozie", 7),
    Planned("a step fails", "alice", expected=runs.RunStatus.FAILED, ini="steps=align:0.3,sort:0.2!"),
    Planned("the engine fails it, exit 0", "alice", expected=runs.RunStatus.FAILED, ini="sandbox.launch=fails"),
    Planned(
        "cancelled while it runs",
        "alice",
        expected=runs.RunStatus.CANCELLED,
        ini="steps=align:120",
        user_act="cancel",
    ),
    Planned("for another host", "alice", expected=runs.RunStatus.SUBMITTED, other_host=True),
    *_plain("bob", "oozie-sge", 7),
    Planned("a step fails, retried", "bob", "oozie-sge", ini="steps=align:0.3,sort:0.2?", user_act="retry"),
    Planned(
        "the engine writes failed over its job", "bob", "oozie-sge", ini=f"{_QUICK}\nsandbox.launch=failed_after_submit"
    ),
    Planned("a step fails", "bob", "oozie-sge", runs.RunStatus.FAILED, "steps=align:0.3!"),
    *_plain("carol", "oozie", 5),
    Planned("whitestar", "carol", "whitestar", ini="steps=align:1.0,report:0.5"),
    Planned("the engine leaves it submitted", "carol", ini=f"{_QUICK}\nsandbox.launch=silent_after_submit"),
    Planned("Oozie's answer is lost", "carol", ini=f"{_QUICK}\nsandbox.launch=lost_answer"),
    *(Planned("wrong password", "dave", expected=runs.RunStatus.SUBMITTED) for _ in range(2)),
    Planned("no profile", "frank", expected=runs.RunStatus.SUBMITTED),
)
