"""The command about sudo: prints the rules, installs them with the mediator, compares what is installed.

It reads options, calls one thing and prints; the looking and the writing are in ``admin``.
"""

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Sequence
from typing import Annotated

import typer

from niassa_orch.admin import asking_sudo, findings, placing, sudoers_install
from niassa_orch.admin import sudoers as looks
from niassa_orch.config import settings
from niassa_orch.seqware import installation, sudo_rules

_SEQWARE = pathlib.Path("/usr/local/bin/seqware")


def sudoers(
    context: typer.Context,
    install: Annotated[bool, typer.Option("--install", help="Put rules and mediator in place (root only).")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare with what is installed; changes nothing.")] = False,
    service_user: Annotated[str, typer.Option(help="The Unix user of the service.")] = sudo_rules.SERVICE_USER,
    group: Annotated[str, typer.Option(help="The group of the accounts' Unix users.")] = sudo_rules.GROUP,
    mediator: Annotated[
        pathlib.Path | None,
        typer.Option(readable=False, help="The mediator's path.  [default: engine.mediator of the settings]"),
    ] = None,
    # Whether a file can be read is a matter of the look.
    fragment: Annotated[
        pathlib.Path, typer.Option(readable=False, help="The file of sudoers.")
    ] = placing.DEFAULT_FRAGMENT,
    seqware: Annotated[
        pathlib.Path | None,
        typer.Option(readable=False, help="With --install: the seqware command for a new mediator.json."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --install or --check: for machines.")] = False,
) -> None:
    """What sudo must allow: prints the rules, each explained. With --install puts them in place, with --check looks.

    --install keeps a mediator.json that is there, and ends with the same look as --check. Exit code 1 if anything is
    wrong: one line each, with the command that mends it.
    """
    if install and check:
        message = "say one of --install and --check; --install ends with a check"
        raise typer.BadParameter(message)
    if (as_json and not (install or check)) or (seqware and not install):
        message = "--json goes with --install or --check, and --seqware with --install"
        raise typer.BadParameter(message)
    path = mediator or settings.load(context.obj).engine.mediator
    place = placing.Placing(sudo_rules.Rules(service_user, group, path, asking_sudo.knows_intercept()), fragment)
    if not (install or check):
        print(place.rules.text(), end="")
        return
    done = sudoers_install.install(place, _configuration(seqware)) if install else ()
    _tell(done, looks.look(place), as_json=as_json)


def _configuration(seqware: pathlib.Path | None) -> installation.MediatorConfiguration:
    """For a ``mediator.json`` that is not there yet: the command that was named, else the one on our PATH."""
    if seqware is not None and not seqware.is_absolute():
        message = f"--seqware {seqware}: an absolute path is needed"
        raise typer.BadParameter(message)
    return installation.MediatorConfiguration((str(seqware or shutil.which("seqware") or _SEQWARE),))


def _tell(done: Sequence[str], found: Sequence[findings.Finding], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"done": list(done), "findings": [dataclasses.asdict(one) for one in found]}, indent=2))
    else:
        for line in (*done, *found):
            print(line)
        if not found:
            print("nothing is wrong: rules, mediator and mediator.json are root's and as they should be")
    if found:
        raise typer.Exit(1)
