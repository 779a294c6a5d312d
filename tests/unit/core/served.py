"""Accounts that are served: what tests of workers and of the supervisor share."""

import asyncio
import dataclasses
import typing

from niassa_orch import errors
from niassa_orch.config import profile_keys, profiles, settings
from niassa_orch.core import account_line, audit, desks, enrolling, heart, savings, worker
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages

INTERVAL_SECONDS = 30.0


class Enrolling(enrolling.Enrolling):
    """Enrols everybody as Bob under the profile's name, Unix user and host, or says what is wrong.

    Args:
        stage: Whose neighbours they have.
    """

    def __init__(self, stage: stages.Stage) -> None:
        super().__init__(
            settings.Settings(), stage.state, typing.cast(typing.Any, None), lambda _secret: None, audit.Trail(None)
        )
        self._stage = stage
        self.wrong: Exception | None = None
        self.wrong_for: dict[str, Exception] = {}
        self.enrolled: list[str] = []
        self.claimed: dict[str, str] = {}
        self.released: list[str] = []
        self.limits: dict[str, typing.Any] = {}
        self.warning = ""
        self.leave = asyncio.Event()
        self.leave.set()

    async def enrol(self, profile: profiles.Profile) -> enrolling.Enrolled:
        """Once it has leave."""
        self.enrolled.append(profile.name)
        host = profile.host or fakes.BOB.host
        account = dataclasses.replace(fakes.BOB, name=profile.name, unix_user=profile.unix_user, host=host)
        account = dataclasses.replace(account, **self.limits)
        await self.leave.wait()
        if (wrong := self.wrong_for.get(profile.name, self.wrong)) is not None:
            raise wrong
        made = fakes.enrolled(self._stage.service, self._stage.oozie, self._stage.mediator, account)
        return dataclasses.replace(made, warning=self.warning)

    async def claim(self, enrolled: enrolling.Enrolled) -> None:
        await super().claim(enrolled)
        self.claimed[enrolled.account.name] = enrolled.account.host

    def release(self, name: str) -> None:
        self.claimed.pop(name, None)
        self.released.append(name)
        super().release(name)


def desk(stage: stages.Stage, enrol: Enrolling, service: settings.Settings | None = None) -> desks.Desk:
    """What workers on the stage share."""
    chosen = service or settings.Settings(beat=settings.Beat(interval_seconds=INTERVAL_SECONDS, jitter=0))
    asked = savings.Savings(lambda: len(stage.service.asked) + len(stage.oozie.asked))
    of_stage = (stage.told, stage.slots, stage.turns, stage.intents, enrol, stage.pollers)
    return desks.Desk(chosen, *of_stage, asked, stage.orders, audit.Trail(None), heart.Heart())


def profile(name: str = "bob") -> profiles.Profile:
    """Bob's, under this name."""
    return profiles.Profile.model_construct(
        name=name,
        unix_user="niassa-bob",
        host=None,
        enabled=True,
        web_service=profile_keys.WebServiceKeys(),
        settings_file="~/s",
    )


class Scene:
    """Bob's worker and everything around it."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.enrolling = Enrolling(stage)
        self.desk = desk(stage, self.enrolling)
        self.worker = worker.Worker(profile(), self.desk)

    @property
    def line(self) -> account_line.AccountLine:
        """Bob's on the board."""
        return self.stage.line

    def always(self, exc: errors.NiassaOrchError) -> None:
        """Every request to the web service ends so."""

        def fail() -> None:
            raise exc

        self.stage.service.before_get = [fail] * 100

    def well(self) -> None:
        """Nothing is wrong any more."""
        self.stage.service.before_get = []
