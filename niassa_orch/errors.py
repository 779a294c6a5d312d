"""The errors of niassa_orch, as one tree.

::

    NiassaOrchError
      SettingsError               the service's own settings            exit code 78
      ProfileError                one file of accounts.d
        UserSettingsError         the seqware settings of an account's Unix user
      CredentialError             a secret that is missing, unreadable or readable by others
      WebServiceError             a Niassa web service said no, or nothing
        LoginRefusedError         401: wrong password, or a hiccup of the server's database
        ForbiddenError            403
        RunNotFoundError          404
        WebServiceUnavailableError  (Transient) out of reach, time-out, 502, 503, 504
        WriteUnknownError         a PUT whose fate is unknown: read, then decide again
        MalformedAnswerError      an answer that is not what the protocol says, or too large
      OozieError
        JobUnknownError           400 E0604 (E0605 on an action): Oozie does not know the job
        OozieUnavailableError     (Transient) out of reach, 401, 404, 5xx, garbage: says nothing about the job
        OozieRefusedError         Oozie refused an action or a filter, with its code
      EngineCallError             the call of the seqware command as an account's user
        SudoRefusedError          sudo did not run the mediator
        EngineBusyError           (Transient) another call of the same Unix user lives
        EngineLockedError         (Transient) another process holds the engine's lock of the Unix user
        CrontabLaunchesError      a crontab of the Unix user still launches
        MediatorRefusedError      the mediator ran and said no
      InstallationError           the administrator's files were not put in place
      SupportError                a support bundle was not written
      ControlError                the control socket cannot be used, or the service refuses what was asked
        NoServiceError            nobody answers there
      JournalError                the journal cannot be read or written: nothing may be launched
        OvertakenError            another process settled the launch meanwhile, or a person said what became of it
        AuditError                the audit trail cannot be written: nothing is launched, killed, resumed or rerun
      OrderError                  what an operator ordered cannot be done; the message is for that person

A message says what, who, and what to do next. ``Transient`` marks what may be asked again. A time-out means unknown,
not failed. No message, field or repr holds a secret.
"""


class Transient(Exception):  # noqa: N818 - a mark beside an error, never raised on its own
    """Marks an error that may pass by itself, so that asking again makes sense."""


class NiassaOrchError(Exception):
    """Everything that niassa_orch raises on purpose."""


class SettingsError(NiassaOrchError):
    """The settings of the service cannot be used."""


class ProfileError(NiassaOrchError):
    """One profile cannot be used; the other accounts are not touched.

    Args:
        file: The profile's file name.
        key: The offending key, dotted (``web_service.url``), or ``""`` when the whole file is meant.
        reason: What is wrong and what to do next.
    """

    def __init__(self, file: str, key: str, reason: str) -> None:
        self.file = file
        self.key = key
        self.reason = reason
        super().__init__(": ".join(part for part in (file, key, reason) if part))


class UserSettingsError(ProfileError):
    """The seqware settings of an account's Unix user lack something, or could not be read as that user."""


class CredentialError(NiassaOrchError):
    """A secret is missing, unreadable, or readable by others."""


class WebServiceError(NiassaOrchError):
    """A Niassa web service said no, or nothing."""


class LoginRefusedError(WebServiceError):
    """401: wrong password, unknown user, or a hiccup of the server (protocol: answered alike)."""


class ForbiddenError(WebServiceError):
    """403: the login is right and the run is not for it."""


class RunNotFoundError(WebServiceError):
    """404: no run has this accession."""


class WebServiceUnavailableError(WebServiceError, Transient):
    """Out of reach, time-out, or a gateway's 502, 503, 504."""


class WriteUnknownError(WebServiceError):
    """A PUT that may or may not have taken (500, time-out, reset): read the run and decide again."""


class MalformedAnswerError(WebServiceError):
    """An answer that is not what the protocol says: cut, too large, wrong type, forbidden XML."""


class OozieError(NiassaOrchError):
    """An Oozie server said no, or nothing."""


class JobUnknownError(OozieError):
    """Oozie answered that it does not know this job (E0604, E0605): the only answer that means gone."""


class OozieUnavailableError(OozieError, Transient):
    """Out of reach, 401, 404, 5xx or garbage: it says nothing about any job."""


class OozieRefusedError(OozieError):
    """Oozie refused a filter or an action.

    Args:
        code: Oozie's error code, such as ``E0805``, or ``""``.
        message: What was asked and what Oozie said.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class EngineCallError(NiassaOrchError):
    """The seqware command could not be called as the account's Unix user."""


class SudoRefusedError(EngineCallError):
    """sudo did not run the mediator; nothing was started."""


class InstallationError(NiassaOrchError):
    """What sudo trusts was not put in place; nothing was changed, and the message says what to mend first."""


class SupportError(NiassaOrchError):
    """A support bundle was not written, and nothing is left of it."""


class JournalError(NiassaOrchError):
    """The journal cannot be read or written; nothing irreversible may be begun."""


class OvertakenError(JournalError):
    """Another process settled the launch meanwhile, or a person said what became of it: look again."""


class AuditError(JournalError):
    """The audit trail cannot be written; nothing irreversible may be begun, and no order is taken."""


class OrderError(NiassaOrchError):
    """What an operator ordered cannot be done; the message says to that person why, and what to do instead."""


class ControlError(NiassaOrchError):
    """The control socket cannot be made or used, or the service refuses what was asked."""


class NoServiceError(ControlError):
    """Nobody answers on the control socket."""


class EngineBusyError(EngineCallError, Transient):
    """A call of the same Unix user lives that nobody waits for; the engine has one lock a user."""


class EngineLockedError(EngineCallError, Transient):
    """Another process, such as a crontab's, holds the engine's lock of the Unix user: launches wait for it."""


class CrontabLaunchesError(EngineCallError):
    """A crontab of the Unix user launches as well, and the profile does not say that we may launch beside it."""


class OthersLaunchError(EngineCallError, Transient):
    """A crontab of another account's Unix user launches runs of this one as well."""


class CrontabUnreadableError(EngineCallError):
    """Whether a crontab of the Unix user launches cannot be known: launches wait until it is, as if it did."""


class MediatorRefusedError(EngineCallError):
    """The mediator ran and refused; nothing was launched."""
