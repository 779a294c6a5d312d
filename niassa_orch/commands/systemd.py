"""The command ``systemd``: prints the units for this installation, and installs nothing."""

import pathlib
import shutil
import sys
from typing import Annotated

import typer

from niassa_orch.admin import systemd as units
from niassa_orch.config import settings
from niassa_orch.seqware import sudo_rules


def systemd(
    context: typer.Context,
    timer: Annotated[bool, typer.Option("--timer", help="One cycle a minute instead of a service.")] = False,
    service_user: Annotated[str, typer.Option(help="The Unix user of the service.")] = sudo_rules.SERVICE_USER,
) -> None:
    """The unit of the service for these settings, each line explained. Prints it; put it where its first line says.

    With --timer: the two files of a cycle each minute, for hosts where no service may run.
    Example: niassa-orch systemd > /etc/systemd/system/niassa-orch.service
    """
    service = settings.load(context.obj)
    config = context.obj and context.obj.absolute()
    places = (service.state_dir, service.runtime_dir)
    of = units.Installation(_program(), config, service_user, *places, service.control.group)
    print("\n".join([units.once(of), units.timer()]) if timer else units.service(of), end="")


def _program() -> pathlib.Path:
    """The command that was called, by its absolute path."""
    called = pathlib.Path(sys.argv[0])
    if called.name != "niassa-orch":
        return pathlib.Path(shutil.which("niassa-orch") or units.Installation().program)
    return pathlib.Path(shutil.which(sys.argv[0]) or called).absolute()
