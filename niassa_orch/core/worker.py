"""One account: its beat, its backoff, its state on the board. It knows when; ``core.cycle`` knows what."""

import asyncio
import contextlib
import random
import time

from niassa_orch import errors
from niassa_orch.config import profiles
from niassa_orch.core import account_line, board, desks, enrolling, guard, rests, staffing, throttle, watching
from niassa_orch.domain import runs

#: 401 is also what a hiccup of the server's database looks like, and verdicts are cached for a minute there.
_LOGIN_BELIEVED_SECONDS = 90.0
_LOGIN_SOON_SECONDS = 20.0
_LOGIN_SELDOM_SECONDS = 900.0
_BACKOFF_MOST_SECONDS = 300.0


class Worker:
    """Works for one account until it is stopped.

    Args:
        profile: Of the account; ``update`` replaces it.
        desk: What all workers share. ``stopping`` is set when no new work is to be begun.
    """

    def __init__(self, profile: profiles.Profile, desk: desks.Desk) -> None:
        self._profile = profile
        self._desk = desk
        self._line = desk.told.line(profile.name)
        self._line.unix_user = profile.unix_user
        self._line.state = account_line.State.STARTING
        self.stopping = asyncio.Event()
        self._leaving = asyncio.Event()
        self._wake = asyncio.Event()
        self._enrolled: enrolling.Enrolled | None = None
        self._refreshed = 0
        self._throttle = throttle.Throttle(desk.service.beat.interval_seconds, _BACKOFF_MOST_SECONDS)
        self._refused_since: float | None = None
        self._failed = False
        self._watch = watching.Watch(desk.pollers, desk.enrolling.claim, self._wake.set)
        self._launcher = staffing.launcher(self._line, desk, self._watch.doubt)
        self._rounds = staffing.rounds(self._line, desk)
        self._cycle = staffing.beats(self._line, desk, self._launcher, self._rounds, self._watch, self.stopping)

    @property
    def profile(self) -> profiles.Profile:
        """The profile that is worked by."""
        return self._profile

    @property
    def enrolled(self) -> enrolling.Enrolled | None:
        """The account that is worked for; ``None`` while its secrets are read."""
        return self._enrolled

    def update(self, profile: profiles.Profile) -> None:
        """Work by another profile from the next beat on; what is in flight keeps what it began with."""
        self._profile = profile
        self._line.unix_user = profile.unix_user
        self._desk.enrolling.move(profile.name)
        self.refresh()

    def refresh(self) -> None:
        """A person says that things may have changed: read secrets again, forget backoffs, beat now."""
        self._enrolled = None
        self._refreshed += 1
        self._launcher.revoke()
        self._failed |= self._throttle.succeed()  # forgiven, not recovered
        self._launcher.forgive()
        self._watch.hurry()
        self._desk.intended.hurry()
        self._wake.set()

    def hurry(self) -> None:
        """A person wants a look now."""
        self._watch.hurry()
        self._wake.set()

    def revoke(self, accession: runs.Accession | None = None) -> None:
        """Other launches are wanted than before: a beat soon; a run that a person wants need not rest any more."""
        self._launcher.revoke(accession)
        self._wake.set()

    def active_runs(self) -> tuple[runs.WorkflowRun, ...]:
        """Every active run of the account as last seen."""
        return self._watch.seen()

    def is_available(self, accession: runs.Accession) -> bool:
        """Whether a run that is scheduled neither rests nor has a launch that is not settled."""
        return self._enrolled is None or self._launcher.is_available(self._enrolled, accession)

    def stop(self) -> None:
        """Begin no new work; ``run`` returns when the verdicts of this beat are written. Calls live on."""
        self._leaving.set()
        self._launcher.drain()
        self.retire()

    def retire(self) -> None:
        """The account is not to be served any more: begin no new work, see through the calls under way, then end."""
        self._launcher.revoke()
        self._desk.enrolling.move(self._profile.name)
        self.stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Beat until stopped."""
        try:
            while not self.stopping.is_set():
                wait = await self.beat()
                self._line.next_beat, self._line.beat_since = time.monotonic() + wait, None
                await self._sleep(wait)
            self._line.state = account_line.State.STOPPING
            # Whoever serves the account next need not wait for its calls: it launches nothing that the journal fences.
            self._give_back()
            await guard.unless(self._leaving, self._launcher.finish())
            await self._launcher.stop()
        except asyncio.CancelledError:
            await self._launcher.stop(at_once=True)
            raise
        finally:
            self._arrive_nowhere()
            await self._rounds.stop()

    async def once(self) -> bool:
        """One beat and the launches that it began; returns whether the account fared well.

        whitestar calls are not waited for: they last for hours, live on, and are adopted next time.
        """
        self._watch.thorough = True
        try:
            await self.beat()
            while self._line.state is account_line.State.OK and self._cycle.has_more:
                await self.beat()
            await self._launcher.join()
            await self._rounds.join()
        finally:
            await self._launcher.stop()
            await self._rounds.stop()
        seen = not self._watch.sweep_trouble
        settled = seen and not self._line.in_doubt and not self._line.held and not self._cycle.wants_journal
        troubled = self._launcher.trouble or self._rounds.trouble or self._desk.intended.journal.trouble
        return self._line.state is account_line.State.OK and not troubled and settled

    async def beat(self) -> float:
        """One cycle, and what it says of the account; returns the seconds until the next."""
        self._line.next_beat, self._line.beat_since = None, time.monotonic()
        try:
            await self._refresh_journal()
            enrolled = self._enrolled or await guard.unless(self.stopping, self._enrol())
            if enrolled is None:
                # Stopped, or its profile or secrets changed meanwhile: nothing is known of it yet.
                return 0.0
            await self._cycle.cycle(enrolled)
        except errors.LoginRefusedError as exc:
            return self._refused(exc)
        except (errors.ProfileError, errors.CredentialError) as exc:
            return self._fail(account_line.State.MISCONFIGURED, exc)
        except errors.NiassaOrchError as exc:
            return self._fail(account_line.State.BACKING_OFF, exc)
        return self._succeed()

    async def _refresh_journal(self) -> None:
        """A journal that cannot be read or written launches nothing, and all faces say so; propagation goes on."""
        with contextlib.suppress(errors.JournalError):
            await self._desk.intended.refresh()
        with contextlib.suppress(errors.AuditError):
            await self._desk.trail.check(self._profile.name)
        self._desk.orders.look()
        self._desk.told.tell_journal(self._desk.intended.journal.trouble)
        self._desk.signs.beat()

    def _give_back(self) -> None:
        """Whoever else may serve the same runs."""
        self._watch.leave()
        self._desk.enrolling.release(self._profile.name)

    def _arrive_nowhere(self) -> None:
        """Nobody waits for what it had by a profile that is gone, though it does not work by its new one."""
        if self._desk.enrolling.is_moving(self._profile.name):
            self._give_back()

    async def _enrol(self) -> enrolling.Enrolled | None:
        """The account as its profile and its secrets say, or ``None`` when they changed meanwhile."""
        before = self._refreshed
        enrolled = await self._desk.enrolling.enrol(self._profile)
        if before != self._refreshed:
            return None
        self._enrolled = enrolled
        self._line.account, self._line.advice = enrolled.account, enrolled.warning
        return enrolled

    def _succeed(self) -> float:
        beat = self._desk.service.beat
        self._refused_since = None
        failing, self._failed = self._throttle.succeed() or self._failed, False
        trouble = self._launcher.trouble
        alarm = self._launcher.rests.alarm or self._rounds.alarm
        self._tell(account_line.State.BACKING_OFF if trouble else account_line.State.OK, trouble, alarm)
        if failing:
            self._desk.told.event("account.recovered", account=self._profile.name)
        wait = beat.interval_seconds * (1 + random.uniform(-beat.jitter, beat.jitter))  # noqa: S311 - spreads load
        # A limit on launches a beat would cost a second beat when this one comes a moment too early.
        again = self._desk.intended.limits.again_in_seconds
        return min(wait, again(self._enrolled.account, time.monotonic())) if self._enrolled else wait

    def _fail(self, state: account_line.State, exc: errors.NiassaOrchError) -> float:
        self._refused_since = None
        self._arrive_nowhere()
        wait = self._throttle.fail(time.monotonic())
        alarm = str(exc) if rests.needs_person(exc) else ""
        self._report(state, str(exc), board.Level.ERROR if alarm else board.Level.WARNING, alarm)
        return wait

    def _refused(self, exc: errors.LoginRefusedError) -> float:
        """401 may be a hiccup: asked again soon, believed when it lasts, then asked seldom. Secrets are read again."""
        now = time.monotonic()
        user = self._enrolled.account.web_user if self._enrolled else self._profile.name
        theirs = f"{self._profile.settings_file} of {self._profile.unix_user}"
        where = self._desk.service.secrets.place(self._profile.web_service) or theirs
        reason = f"the web service refuses the login of {user}; look at the password in {where} ({exc})"
        self._enrolled = None
        self._watch.leave()
        self._arrive_nowhere()
        self._refused_since = now if self._refused_since is None else self._refused_since
        self._throttle.fail(now)
        if now - self._refused_since < _LOGIN_BELIEVED_SECONDS:
            self._report(account_line.State.LOGIN_REFUSED, reason, board.Level.WARNING)
            return _LOGIN_SOON_SECONDS
        # Only now: a hiccup hands no runs over to another profile, whose Unix user may be another one.
        self._give_back()
        self._report(account_line.State.WRONG_PASSWORD, reason, board.Level.ERROR, reason)
        return _LOGIN_SELDOM_SECONDS

    def _report(self, state: account_line.State, reason: str, level: board.Level, alarm: str = "") -> None:
        changed = (self._line.state, self._line.reason) != (state, reason)
        self._tell(state, reason, alarm)
        if changed:
            name = "account." + state.replace(" ", "_")
            self._desk.told.event(name, account=self._profile.name, level=level, reason=reason)

    def _tell(self, state: account_line.State, reason: str, alarm: str) -> None:
        self._line.state, self._line.reason, self._line.alarm = state, reason, alarm

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        if not self.stopping.is_set():
            self._wake.clear()
