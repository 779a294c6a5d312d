"""Where the administrator's files are: the fragment of sudoers, the mediator and its ``mediator.json``.

Called by the looks, by the installation, and by the command line, which makes one from its options.
"""

import dataclasses
import pathlib
import shlex

from niassa_orch import errors
from niassa_orch.seqware import installation, sudo_rules

DEFAULT_FRAGMENT = pathlib.Path("/etc/sudoers.d/niassa-orch")


@dataclasses.dataclass(frozen=True, slots=True)
class Placing:
    """What belongs where.

    Args:
        rules: Who may run which mediator.
        fragment: The file of sudoers that says so.

    Raises:
        SettingsError: sudo would never read a file of that name.
    """

    rules: sudo_rules.Rules
    fragment: pathlib.Path = DEFAULT_FRAGMENT

    def __post_init__(self) -> None:
        if not self.fragment.is_absolute() or "." in self.fragment.name or self.fragment.name.endswith("~"):
            message = (
                f"{self.fragment}: sudo reads no file with a dot in its name or ~ at its end; not {DEFAULT_FRAGMENT}?"
            )
            raise errors.SettingsError(message)

    @property
    def mediator(self) -> pathlib.Path:
        """The mediator's path."""
        return self.rules.mediator

    @property
    def configuration(self) -> pathlib.Path:
        """The path of ``mediator.json``, beside the mediator."""
        return self.mediator.with_name(installation.CONFIGURATION)

    def command(self, option: str = "") -> str:
        """This command line with the same names and places, to be run as root."""
        words = ["niassa-orch", "sudoers", *([option] if option else [])]
        for name, value, default in (
            ("--service-user", self.rules.service_user, sudo_rules.SERVICE_USER),
            ("--group", self.rules.group, sudo_rules.GROUP),
            ("--mediator", str(self.mediator), str(installation.DEFAULT_MEDIATOR)),
            ("--fragment", str(self.fragment), str(DEFAULT_FRAGMENT)),
        ):
            words += [name, value] if value != default else []
        return shlex.join(words)

    def aside(self, path: pathlib.Path) -> str:
        """Moves what is in the way of a file of ours aside, under a name that sudo skips, and installs."""
        quoted = shlex.quote(str(path))
        return f"mv -nT -- {quoted} {quoted}.old && {self.command('--install')}"


def of_service(user: str, mediator: pathlib.Path) -> Placing:
    """For the service that runs as this Unix user; whoever is root looks for another, of the default name.

    Raises:
        SettingsError: sudo's rules could not name the user or the mediator.
    """
    return Placing(sudo_rules.Rules(sudo_rules.SERVICE_USER if user == "root" else user, mediator=mediator))
