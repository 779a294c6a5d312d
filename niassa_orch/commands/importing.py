"""The command of the administrator who has crontabs: ``import``. It reads, calls one thing, prints; no logic.

Exit codes as those of ``cli``; 1 also where anything was not understood, or could not be served.
"""

import json
import pathlib
from typing import Annotated

import rich.box
import rich.table
import rich.text
import typer

from niassa_orch.admin import crontabs, mediator_needs, migrate, migrate_report, reading
from niassa_orch.admin.shell import engine_calls, states
from niassa_orch.commands import beginning
from niassa_orch.faces import plain

_EXIT_FAILURE = 1


def import_crontabs(
    context: typer.Context,
    users: Annotated[list[str] | None, typer.Argument(metavar="USER", help="Whose crontabs to read.")] = None,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            metavar="[USER:]PATH",
            help="A crontab in a file: of this user, or without one a system crontab with a column of users.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Write profiles for the accounts that crontabs serve today, and say which lines of them to disable then.

    Reads crontabs, the scripts that they call and the users' seqware settings, each as that user; never changes a
    crontab, a script, or a profile that is there. As root for any user, else for yourself. Exit code 1 if anything was
    not understood or cannot be served: it is said, line by line.
    """
    service = beginning.settings_of(context)
    if not users and not files:
        message = "name users whose crontabs are to be read, or files with --file"
        raise typer.BadParameter(message)
    reader = reading.Reader(service.engine.mediator)
    around = reader.surroundings()
    sources = [*_of_users(users or [], reader, around), *_of_files(files or [], reader, around)]
    mediator = mediator_needs.read(service.engine.mediator)
    host = migrate.Host(service, reader.settings, reading.home_of, reading.is_root, mediator, is_own=reading.is_own)
    found = migrate.plan(sources, host)
    if not dry_run:
        found = migrate.write(found, host)
    if as_json:
        print(json.dumps(migrate_report.to_json(found, dry_run=dry_run), indent=2))
    else:
        _show(found)
    if not found.is_whole:
        raise typer.Exit(_EXIT_FAILURE)


def _of_users(users: list[str], reader: reading.Reader, around: states.Surroundings) -> list[migrate.Source]:
    found = []
    for user in dict.fromkeys(users):
        name, edit = f"crontab of {user}", f"crontab -e -u {user}"
        try:
            crontab = crontabs.look(reader.crontab(user), around, user)
            found.append(migrate.Source(name, edit, crontab))
        except engine_calls.UnclearError as exc:
            found.append(migrate.Source(name, edit, trouble=str(exc)))
    return found


def _of_files(files: list[str], reader: reading.Reader, around: states.Surroundings) -> list[migrate.Source]:
    found = []
    for named in dict.fromkeys(files):
        before, colon, after = named.partition(":")
        user, path = (before, after) if colon and "/" not in before else (None, named)
        name, edit = path, f"edit {path}"
        try:
            crontab = crontabs.look(reader.file(pathlib.Path(path).absolute()), around, user)
            found.append(migrate.Source(name, edit, crontab))
        except engine_calls.UnclearError as exc:
            found.append(migrate.Source(name, edit, trouble=str(exc)))
    return found


def _show(found: migrate.Plan) -> None:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column in migrate_report.columns():
        table.add_column(column, overflow="fold")
    for row in migrate_report.rows(found):
        table.add_row(*(rich.text.Text(plain.line(cell)) for cell in row))
    if found.findings:
        beginning.console().print(table)
    else:
        print("No line of these crontabs is known to launch or propagate.\n")
    for line in migrate_report.lines(found):
        print(plain.line(line))
