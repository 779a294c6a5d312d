"""The way of commands to the running service, and what is said when none answers. No command lives here.

Whoever may open the socket looks; root, the service's user and the members of its group give orders. What can be
written into the journal works without a service too, for root and the service's user. Called by the rooms of commands.
"""

import asyncio
import contextlib
import json
import os
import pwd
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import pydantic
import typer

from niassa_orch import errors, logs
from niassa_orch.commands import beginning
from niassa_orch.config import settings
from niassa_orch.control import client, documents, peers
from niassa_orch.domain import orders
from niassa_orch.faces import plain

if TYPE_CHECKING:
    from niassa_orch.core import operating

_Answer = TypeVar("_Answer")
_Body = TypeVar("_Body", bound=pydantic.BaseModel)
_SUFFIX = ".toml"


def complete_accounts(context: typer.Context, incomplete: str) -> list[str]:
    """Names of profiles that begin so, for the shell: names of files, nothing of which is read. Never fails."""
    with contextlib.suppress(Exception):
        service = settings.load(context.find_root().params.get("config"))
        return [name for name in account_names(service) if name.startswith(incomplete)]
    return []


def account_names(service: settings.Settings) -> list[str]:
    """The accounts that have a profile, by the names of their files."""
    try:
        files = [file.name for file in service.accounts_dir.iterdir()]
    except OSError as exc:
        message = f"accounts_dir {service.accounts_dir} cannot be read: {exc.strerror}"
        raise errors.SettingsError(message) from exc
    return sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX) and not name.startswith("."))


Account = Annotated[
    str | None, typer.Argument(metavar="ACCOUNT", help="One account; or say --all.", autocompletion=complete_accounts)
]
All = Annotated[bool, typer.Option("--all", help="All accounts, those of tomorrow too.")]
Reason = Annotated[str, typer.Option(help="Why, in a few words, for whoever looks next.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def ask(service: settings.Settings, work: Callable[[client.Client], Awaitable[_Answer]]) -> _Answer:
    """Ask the service that runs by these settings.

    Raises:
        NoServiceError: None answers.
        ControlError: It does not take it, or may not be asked by us.
    """

    async def asked() -> _Answer:
        async with client.connected(service.effective_runtime_dir) as way:
            return await work(way)

    return asyncio.run(asked())


def beside(
    service: settings.Settings,
    redactor: logs.Redactor,
    silent: errors.NoServiceError,
    work: Callable[["operating.Operating", orders.Operator], Awaitable[_Answer]],
) -> _Answer:
    """Do on the journal what no service answered to; only who may write there as the service does.

    Args:
        service: The settings of the process.
        redactor: Takes secrets out of the audit trail.
        silent: Why the service was not asked.
        work: What to do, and who wants it.

    Raises:
        ControlError: We are neither root nor the service's user.
        JournalError: There is no journal, or it cannot be used.
    """
    # Who reaches the service needs nothing of what it is made of, and should not wait for that.
    from niassa_orch.core import ordering

    with contextlib.suppress(OSError):
        owner = service.state_dir.stat().st_uid
        if os.geteuid() not in (0, owner):
            message = f"{silent}; while none answers, only root and {_name(owner)} write into its journal"
            raise errors.ControlError(message) from silent

    async def worked() -> _Answer:
        with ordering.without_service(service, redactor.redact, lambda: account_names(service)) as operates:
            return await work(operates, peers.operator(os.getuid()))

    return asyncio.run(worked())


def body(kind: type[_Body], **said: Any) -> _Body:
    """What is said to the service; raises ``typer.BadParameter`` for what cannot be written."""
    try:
        return kind(**said)
    except pydantic.ValidationError as exc:
        raise typer.BadParameter(documents.misread(exc)) from exc


def order(
    context: typer.Context,
    what: str,
    body: documents.OrderBody,
    *,
    as_json: bool,
    otherwise: Callable[["operating.Operating", orders.Operator], Awaitable["operating.Answer"]] | None = None,
) -> None:
    """Give an order, and print what was done and through what.

    Args:
        context: Of the command.
        what: The order, as the control socket calls it.
        body: What it says.
        as_json: Print it for machines.
        otherwise: The same without a service; ``None``: it makes no sense without one.
    """
    service, redactor = beginning.at_once(context)
    try:
        answer = ask(service, lambda way: way.order(what, body)) | {"through": "service"}
    except errors.NoServiceError as exc:
        if otherwise is None:
            raise
        done = beside(service, redactor, exc, otherwise)
        answer = {"said": done.text, "orders": [str(one) for one in done.about], "through": "journal"}
    tell(answer, as_json=as_json)


def tell(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print what was done."""
    if answer["through"] == "journal":
        print("niassa-orch: no service answers; this was written into the journal", file=sys.stderr)
    print(json.dumps(answer, indent=2) if as_json else plain.line(answer["said"]))


def whose(account: str | None, *, for_all: bool) -> str | None:
    """The account that is meant, ``None`` for all; raises ``typer.BadParameter``."""
    if (account is None) is not for_all:
        message = "say one account, or --all"
        raise typer.BadParameter(message)
    return account


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
