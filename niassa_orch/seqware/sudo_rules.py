"""What sudo lets the service do: run the mediator as members of one group, and nothing else; the text that says so.

Pure: names in, text out; nothing is read or written. ``admin.sudoers`` prints, installs and compares it, the sandbox
gives it to the Unix users that it makes, and ``deploy/sudoers.d/niassa-orch`` holds it for the default names.
"""

import dataclasses
import pathlib
import re
import string

from niassa_orch import errors
from niassa_orch.seqware import installation

SERVICE_USER = "niassa"
GROUP = "niassa-accounts"

#: What ``useradd`` makes, and no word that means something to sudoers: ALL, an alias, %group, +netgroup, #uid.
_NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
#: No blank, wildcard, comma, colon, equals sign, backslash or quote: sudoers would read something else.
_PATH = re.compile(r"(/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+")
#: Whoever is in one of these is, or may become, root.
POWERFUL_GROUPS = frozenset({"root", "wheel", "sudo", "admin", "shadow", "disk", "docker", "lxd", "kmem"})
#: The first sudo that knows the option ``intercept``; visudo refuses a file with an option that it does not know.
_INTERCEPT_SINCE = (1, 9, 8)

_TEXT = string.Template("""\
# What niassa-orch may do through sudo: run its mediator as the Unix users of the accounts, nothing else.
#
# Written by `niassa-orch sudoers`; `niassa-orch sudoers --install` puts it in place, `--check` compares.
# The name of the file has no dot and no ~, or sudo skips it. One account more is one member more of the group, not a
# change here:
#   usermod -aG $group niassa-bob
# Try it, as the service user:
#   sudo -n -H -u niassa-bob -- $mediator version
#
# The mediator, its folder and its mediator.json must belong to root and be writable by root alone: the mediator refuses
# to work otherwise. It checks its arguments (a verb and digits) itself, so that these rules work with every version of
# sudo. Never make root, or anybody who administrates this host, a member of the group.
# No aliases: an alias of the same name in another file would be an error in all of sudoers.

# With fqdn (Debian's default) and a DNS server that is silent, every call takes 20 seconds.
Defaults:$service !fqdn
# A service has no terminal.
Defaults:$service !requiretty
# Of the caller's environment only LANG and TZ come through, if they look like what they are, also where other rules
# keep more for everybody: some variables (OPENSSL_CONF, for one) make programs load code, as any account.
Defaults:$service env_reset, !env_keep, env_check = "LANG TZ"
# Where programs are found depends on nobody's PATH.
Defaults:$service secure_path = /usr/sbin\\:/usr/bin\\:/sbin\\:/bin
# No mail to root for every refused call: the service reports refusals itself.
Defaults:$service !mail_badpass

# log_output and log_input put pipes between the service and the engine: the lock on the transcript and the engine's
# evidence would end with sudo.
Defaults!$mediator !log_output, !log_input
# $noexec
Defaults!$mediator !noexec$intercept
# No file that the service has open reaches an account, but the three of every program.
Defaults!$mediator closefrom = 3

# The service user, on every host: as a member of the group, without a password, with no variable set on the command
# line, this one file.
$service ALL = (%$group) NOPASSWD: NOSETENV: $mediator
""")


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """Who may run which mediator as the members of which group.

    Args:
        service_user: The Unix user of the service.
        group: The group of the accounts' Unix users.
        mediator: The mediator's path, which ends in ``mediator``.
        intercept: Whether this host's sudo knows the option ``intercept`` (``knows_intercept``).

    Raises:
        SettingsError: A name or the path could mean something else to sudoers.
    """

    service_user: str = SERVICE_USER
    group: str = GROUP
    mediator: pathlib.Path = installation.DEFAULT_MEDIATOR
    intercept: bool = True

    def __post_init__(self) -> None:
        for what, name in (("service user", self.service_user), ("group", self.group)):
            if not _NAME.fullmatch(name):
                message = (
                    f"the {what} {name!r} cannot stand in sudoers: a small letter or _, then up to 31 of a-z 0-9 _ . -"
                )
                raise errors.SettingsError(message)
        if self.service_user == "root" or self.group in POWERFUL_GROUPS:
            message = (
                f"service user {self.service_user}, group {self.group}: neither may be root's or an administrator's"
            )
            raise errors.SettingsError(message)
        if not _PATH.fullmatch(str(self.mediator)) or self.mediator.name != installation.MEDIATOR:
            message = f"the mediator's path {str(self.mediator)!r} cannot stand in sudoers: it must be absolute, end in"
            message += (
                " /mediator, and have nothing in it but letters, digits and . _ + -, no part beginning with a dot"
            )
            raise errors.SettingsError(message)

    @property
    def granted(self) -> str:
        """The one rule as ``sudo -l -U`` lists it."""
        return f"(%{self.group}) NOSETENV: NOPASSWD: {self.mediator}"

    def text(self) -> str:
        """The whole fragment, every line of it explained."""
        broken = "noexec and intercept break" if self.intercept else "noexec breaks"
        return _TEXT.substitute(
            service=self.service_user,
            group=self.group,
            mediator=self.mediator,
            noexec=f"{broken} the seqware wrapper, which is a shell script that starts java.",
            intercept=", !intercept" if self.intercept else "",
        )


def knows_intercept(version: str) -> bool:
    """Whether the sudo that says this for ``sudo -V`` knows ``intercept``; one that cannot be read is taken for new."""
    found = re.search(r"Sudo version (\d+)\.(\d+)\.(\d+)", version)
    return found is None or tuple(map(int, found.groups())) >= _INTERCEPT_SINCE
