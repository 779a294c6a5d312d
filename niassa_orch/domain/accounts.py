"""An account: who schedules in the web service, for which host, and which Unix user runs it here.

An ``Account`` is complete: what the profile left out was filled in from the user's own seqware settings. It holds no
secret. Made by ``core.enrolling``, read by everybody.
"""

import dataclasses
import enum

from niassa_orch.domain import windows


class Propagation(enum.StrEnum):
    """Who brings Oozie's word to the web service: we ourselves, or the engine's own command, called as the account."""

    NATIVE = "native"
    ENGINE = "engine"


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """One served account. ``web_user`` is trimmed and in lower case, as the web service stores owners.

    Args:
        name: The stem of the profile's file.
        unix_user: The Unix user whose identity every engine call of this account has.
        host: The host string that runs are scheduled for; any string without quotes, backslashes, control characters.
        web_service_url: Base URL without a trailing slash.
        web_user: The login in the web service, which is the owner of the account's runs.
        oozie_url: Base URL of the Oozie server, or ``""`` when the account uses none.
        default_engine: The engine that the user's settings name; information only (it applies when scheduling).
        polls_alone: Whether its runs are listed with its own login only.
        in_flight: Most launches of the account that are begun and not settled; ``None`` is no limit.
        a_beat: Most launches of the account that begin in any beat's time; ``None`` is no limit.
        an_hour: The same in any hour.
        hours: Of the day, in which launches begin; none: all day.
        paused: Why nothing of it is launched, or ``""``.
        shadow: Whether everything is decided and nothing is launched or written; what was begun before goes on.
        beside_cron: Whether it is launched although a crontab of its Unix user launches too.
        propagation: Who moves the statuses of its runs on Oozie.
    """

    name: str
    unix_user: str
    host: str
    web_service_url: str
    web_user: str
    oozie_url: str = ""
    default_engine: str = ""
    polls_alone: bool = False
    in_flight: int | None = None
    a_beat: int | None = None
    an_hour: int | None = None
    hours: tuple[windows.Window, ...] = ()
    paused: str = ""
    beside_cron: bool = False
    shadow: bool = False
    propagation: Propagation = Propagation.NATIVE

    @property
    def claim(self) -> tuple[str, str, str]:
        """What no two accounts may share: web service, user and host."""
        return (self.web_service_url, self.web_user, self.host)
