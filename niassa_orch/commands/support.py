"""The command ``support``: packs what somebody needs who helps from afar, and prints what is in it."""

import asyncio
import dataclasses
import datetime
import pathlib
import re
import tempfile
from typing import Annotated

import typer

from niassa_orch import app, errors, logs
from niassa_orch.admin import bundle, links, support
from niassa_orch.admin import check as looks
from niassa_orch.commands import beginning
from niassa_orch.config import settings
from niassa_orch.control import client, documents
from niassa_orch.domain import spans
from niassa_orch.faces import account_values, plain

_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
_Found = list[bundle.Part | bundle.Absent]


def pack(
    context: typer.Context,
    output: Annotated[pathlib.Path | None, typer.Option(help="The file to write; must not exist.")] = None,
    since: Annotated[str, typer.Option(metavar="2d|DATE", help="Of journal and audit trail what came after.")] = "3d",
    log: Annotated[
        pathlib.Path | None, typer.Option(help="A log whose last lines are wanted.  [default: that of the settings]")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="With what niassa-orch check says; takes longer.")] = False,
) -> None:
    """Pack settings, profiles, states, logs and an extract of the journal into one file, for somebody who helps.

    Without passwords, bodies of answers or texts of runs; MANIFEST.txt in it, which is printed, says what is in it and
    what was left out and why. Run it as the service's user or as root; the service may run meanwhile or not. Example:
    niassa-orch support --output /tmp/help.tar.gz. Exit code 1 if it cannot be written; nothing is overwritten.
    """
    service, redactor = beginning.one_shot(context)
    now = datetime.datetime.now(datetime.UTC)
    try:
        moment = spans.since(since, now)
    except ValueError as exc:
        message = f"--since: {exc}"
        raise typer.BadParameter(message) from exc
    file = output or pathlib.Path(_name(service, now))
    bundle.check_new(file)
    # Before all else: from here on the redactor knows every password that can be read.
    found = _accounts(service, redactor)
    found += support.parts(service, moment)
    found += [asyncio.run(_state(service)), _log(log or service.log.file)]
    found += [_check(service, redactor)] if check else [bundle.Absent("check.json", "only with --check")]
    parts = [one for one in found if isinstance(one, bundle.Part)]
    absent = [*support.ALWAYS_ABSENT, *(one for one in found if isinstance(one, bundle.Absent))]
    packed = bundle.pack(file, parts, absent, redactor.redact)
    for line in packed.manifest.splitlines():
        print(plain.line(line))
    print(f"written: {plain.line(str(packed.file))}")


def _name(service: settings.Settings, now: datetime.datetime) -> str:
    host = _UNSAFE.sub("_", service.effective_host)
    return f"niassa-orch-support-{host}-{now:%Y%m%dT%H%M%SZ}.tar.gz"


def _accounts(service: settings.Settings, redactor: logs.Redactor) -> _Found:
    try:
        shown = asyncio.run(app.accounts(service, redactor))
    except errors.NiassaOrchError as exc:
        return [bundle.Absent("accounts.json", str(exc))]
    text = support.as_json([account_values.to_json(one) for one in shown])
    part = bundle.Part("accounts.json", f"{len(shown)} profiles, each value and who said it; passwords masked", text)
    refused = [one.entry.profile for one in shown if one.entry.state != "ok"]
    why = f"of these accounts no password could be read, so none was looked for in the texts: {', '.join(refused)}"
    return [part, *([bundle.Absent("nothing, but note", why)] if refused else [])]


async def _state(service: settings.Settings) -> bundle.Part | bundle.Absent:
    try:
        async with client.connected(service.effective_runtime_dir) as asked:
            snapshot = await asked.snapshot()
    except errors.ControlError as exc:
        return bundle.Absent("state.json", str(exc))
    text = documents.whole(snapshot).decode()
    return bundle.Part("state.json", "the running service's accounts, neighbours, orders and last events", text)


def _log(file: pathlib.Path | None) -> bundle.Part | bundle.Absent:
    if file is None:
        why = "there is no log file; journald has it (journalctl -u niassa-orch), and state.json the last events"
        return bundle.Absent("log.txt", why)
    return support.log_tail(file)


def _check(service: settings.Settings, redactor: logs.Redactor) -> bundle.Part | bundle.Absent:
    found: list[links.Link] = []
    try:
        checked = looks.chosen(service, ())
        with tempfile.TemporaryDirectory(prefix="niassa-orch-check.") as place:
            asyncio.run(app.check(looks.hasty(service), pathlib.Path(place), redactor, checked, found.append))
    except errors.NiassaOrchError as exc:
        return bundle.Absent("check.json", str(exc))
    text = support.as_json([dataclasses.asdict(link) for link in found])
    return bundle.Part("check.json", "what niassa-orch check says of every link", text)
