"""One thing that is wrong on this host, and the command that mends it: what the looks of this folder bring back.

A look that finds nothing wrong brings nothing. Called by the other rooms of this folder; the command line prints.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Args:
        subject: What was looked at: a path, a user, a group.
        wrong: What is wrong with it, and what that leads to.
        mend: The command to run, or what to change by hand.
    """

    subject: str
    wrong: str
    mend: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.wrong}; mend: {self.mend}"
