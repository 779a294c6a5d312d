"""What a reader of the dashboard looks at: which page, which account, what is asked. Frozen: a key makes a new one.

Pure. ``pressing`` makes views, ``screen`` draws them, ``showing`` keeps the one that counts.
"""

import dataclasses
import enum
from collections.abc import Sequence

from niassa_orch.core import account_line
from niassa_orch.domain import runs
from niassa_orch.faces.dashboard import ranking


class Page(enum.Enum):
    """What fills the screen."""

    ACCOUNTS = enum.auto()
    ACCOUNT = enum.auto()
    RUN = enum.auto()
    HELP = enum.auto()


class Asked(enum.StrEnum):
    """What is asked of the reader; the value stands before what is typed."""

    FILTER = "show accounts with"
    REASON = "why"
    ACCESSION = "explain which run (its accession)"
    PAUSE = "pause"
    RESUME = "resume"
    QUIT = "quit"

    @property
    def is_yes_or_no(self) -> bool:
        """Whether one key answers it."""
        return self in (Asked.PAUSE, Asked.RESUME, Asked.QUIT)


@dataclasses.dataclass(frozen=True, slots=True)
class Prompt:
    """A question at the foot: what was typed until now, and the account and the reason that it is about."""

    asked: Asked
    typed: str = ""
    account: str = ""
    reason: str = ""


class Verb(enum.Enum):
    """What a key may make the service do."""

    PAUSE = enum.auto()
    RESUME = enum.auto()
    POLL = enum.auto()
    EXPLAIN = enum.auto()
    QUIT = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """Something to do, for an account or a run."""

    verb: Verb
    account: str = ""
    reason: str = ""
    accession: runs.Accession | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """What is looked at.

    Args:
        page: What fills the screen.
        cursor: The account that is chosen; ``""``: the first, whichever that is.
        account: Whose page it is.
        run: Which run is explained.
        said: What is known of that run until now: who says it, and what.
        scroll: The first line of a page of text.
        wanted: What accounts must have in them to be shown.
        sort: In which order accounts are.
        prompt: What is asked.
        message: What became of the last action.
        is_refused: Whether that is bad news.
        trouble: Why there is nothing newer to show.
    """

    page: Page = Page.ACCOUNTS
    cursor: str = ""
    account: str = ""
    run: runs.Accession | None = None
    said: tuple[tuple[str, str], ...] = ()
    scroll: int = 0
    wanted: str = ""
    sort: ranking.Sort = ranking.Sort.WORST
    prompt: Prompt | None = None
    message: str = ""
    is_refused: bool = False
    trouble: str = ""

    def position(self, shown: Sequence[account_line.AccountLine]) -> int:
        """Where the chosen account is among those that are shown."""
        if not self.cursor:
            return 0
        return next((place for place, line in enumerate(shown) if line.name == self.cursor), 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What was drawn last, as far as keys need to know it.

    Args:
        shown: The accounts, in their order.
        page_lines: By how many lines a page moves.
        most_scroll: The last line that a page of text may begin with.
        kept: Accounts with a pause or a stop of their own.
        farewell: What is asked before leaving; ``""``: nothing.
    """

    shown: Sequence[account_line.AccountLine] = ()
    page_lines: int = 1
    most_scroll: int = 0
    kept: frozenset[str] = frozenset()
    farewell: str = ""
