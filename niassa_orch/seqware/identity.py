"""Who an engine call runs as, and what sudo means when it says no.

Pure: builds argument lists and messages, starts nothing. Everything that runs as an account goes through the
mediator; where the account's Unix user is our own, without sudo. Called by the core for launches and by ``query``.
The words of sudo are those of sudo 1.9 in the C locale (``call.environment`` sees to that).
"""

import collections.abc
import dataclasses
import pathlib
import re
import typing

SUDO = ("sudo", "-n", "-H", "-u")

Verb = typing.Literal[
    "launch", "launch-whitestar", "propagate", "settings", "texts", "lock", "crontab", "probe", "version"
]

#: What sudo writes, and what that means. The first match counts. Fields: service, user, mediator.
_MEANINGS = (
    (
        r"^sudo: No such file",
        "sudo is not installed, or not where programs of the system are: it is what changes to {user}",
    ),
    (
        r"unknown user|is not a valid user|no passwd entry",
        "the Unix user {user} does not exist on this host: create it, or correct unix_user in the profile",
    ),
    (
        r"no new privileges",
        "sudo cannot change users under no_new_privs: the systemd unit has a hardening option that implies it "
        "(NoNewPrivileges, Restrict..., SystemCallFilter, Protect... of the kernel); take it out",
    ),
    (
        r"must have a tty",
        "sudo wants a terminal: add to its rules the line `Defaults:{service} !requiretty`",
    ),
    (
        r"world writable|group writable|is owned by|bad permissions|should be mode",
        "sudo does not trust one of its own files: set owner root and mode 0440 for the file that it names",
    ),
    (
        r"syntax error|parse error",
        "sudo cannot read its rules: run `visudo -c` and mend the line that it names",
    ),
    (
        r"effective uid is not 0|must be setuid root|must be owned by uid 0",
        "sudo itself is not installed as root's set-uid program, or its file system is mounted nosuid",
    ),
    (
        r"command not found|unable to execute|No such file",
        "the mediator cannot be executed: install it root-owned with mode 0755 as {mediator}",
    ),
    (
        r"account .*expired|validation failure",
        "the account of the service user {service} is expired or locked: renew it",
    ),
    (
        r"password is required|not allowed to|may not run|not in the sudoers|terminal is required",
        "no rule lets {service} run {mediator} as {user}; add this one with visudo: "
        "`{service} ALL=({user}) NOPASSWD: {mediator}` (with the rule for a whole group in place it is enough to add "
        "{user} to that group; sudo says the same when {mediator} does not exist); `niassa-orch sudoers --check`, as "
        "root, says what is missing",
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """The Unix user that a call runs as. ``own``: it is the user that we run as ourselves, so sudo is not asked."""

    unix_user: str
    own: bool = False


def argv(
    identity: Identity, mediator: pathlib.Path, verb: Verb, accessions: collections.abc.Sequence[int] = ()
) -> list[str]:
    """The whole argument list of one call of the mediator: a verb and digits, never a secret."""
    call = [str(mediator), verb, *(str(int(accession)) for accession in accessions)]
    return call if identity.own else [*SUDO, identity.unix_user, "--", *call]


def parse_argv(words: collections.abc.Sequence[str]) -> tuple[Identity, pathlib.Path]:
    """The inverse of ``argv``: whose call it is, through which mediator. The name of our own user is not in it."""
    if tuple(words[: len(SUDO)]) == SUDO:
        return Identity(words[len(SUDO)]), pathlib.Path(words[len(SUDO) + 2])
    return Identity("", own=True), pathlib.Path(words[0])


def verb_of(words: collections.abc.Sequence[str]) -> str:
    """The verb of an argument list of ``argv``."""
    return words[len(SUDO) + 3] if tuple(words[: len(SUDO)]) == SUDO else words[1]


def explain_refusal(identity: Identity, mediator: pathlib.Path, text: str, *, service_user: str = "niassa") -> str:
    """What a call that never reached the mediator means, and what to do next.

    Args:
        identity: The Unix user of the call.
        mediator: The path that was called.
        text: What was written instead of the mediator's answer: sudo's words, or nothing.
        service_user: The name of the user that we run as, for the rule that is named.
    """
    said = " / ".join(line.strip() for line in text.splitlines() if line.strip())[:500]
    who = f"as {service_user} itself" if identity.own else f"as {identity.unix_user}"
    if identity.own:
        meaning = f"install it with mode 0755 and an interpreter that exists: {mediator}"
    else:
        fields = {"service": service_user, "user": identity.unix_user, "mediator": mediator}
        found = (words for pattern, words in _MEANINGS if re.search(pattern, text))
        meaning = next(found, "run the same command by hand as {service}: sudo -n -H -u {user} -- {mediator} version")
        meaning = meaning.format(**fields)
    return f"the mediator did not run {who}: {meaning}" + (f" (said: {said})" if said else "")
