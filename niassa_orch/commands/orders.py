"""The commands by which operators act on the service: they give an order, print what was done, and decide nothing.

Exit codes: 0 done; 1 refused or failed, with the reason; 2 wrong usage; 78 settings. Every order is in the audit trail
with the Unix user who gave it.
"""

import datetime
from typing import Annotated

import typer

from niassa_orch.commands import asking
from niassa_orch.control import documents
from niassa_orch.domain import runs, spans


def pause(
    context: typer.Context,
    account: asking.Account = None,
    for_all: asking.All = False,
    launching_only: Annotated[
        bool, typer.Option("--launching-only", help="Statuses of what runs are propagated all the same.")
    ] = False,
    span: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="It ends by itself: 90s, 30m, 2h, 1d.")
    ] = None,
    reason: asking.Reason = "",
    as_json: asking.Json = False,
) -> None:
    """Launch nothing of an account, or of all, and propagate nothing either: until resume, or for a time.

    What is under way goes on to its end. A pause survives restarts. Without a service that answers it is written into
    the journal, and holds from the next start on.

    \b
    niassa-orch pause bob --launching-only --for 2h --reason "the disk is replaced"
    niassa-orch pause --all --for 30m
    """
    chosen = asking.whose(account, for_all=for_all)
    until = _until(span)
    body = asking.body(
        documents.OrderBody, account=chosen, all=for_all, launching_only=launching_only, until=until, reason=reason
    )
    asking.order(
        context,
        "pause",
        body,
        as_json=as_json,
        otherwise=lambda operates, by: operates.pause(
            chosen, by, launching_only=launching_only, until=until, reason=reason
        ),
    )


def resume(
    context: typer.Context,
    account: asking.Account = None,
    for_all: asking.All = False,
    as_json: asking.Json = False,
) -> None:
    """Lift pauses and stops of an account; with --all those that were ordered for all.

    What was ordered for all is not lifted for one, nor the other way round: it is said what still holds.

    \b
    niassa-orch resume bob
    niassa-orch resume --all
    """
    chosen = asking.whose(account, for_all=for_all)
    body = asking.body(documents.OrderBody, account=chosen, all=for_all)
    asking.order(context, "resume", body, as_json=as_json, otherwise=lambda operates, by: operates.resume(chosen, by))


def stop_launching(
    context: typer.Context,
    reason: asking.Reason,
    account: asking.Account = None,
    for_all: asking.All = False,
    as_json: asking.Json = False,
) -> None:
    """Launch nothing more, from this moment on, whatever restarts: until resume. The reddest thing on every face.

    Launches that only wait are given up; calls under way go on and are seen through; statuses are propagated. Works
    without a service too, and then holds from its next start on.

    \b
    niassa-orch stop-launching --all --reason "the file server is full"
    niassa-orch resume --all
    """
    chosen = asking.whose(account, for_all=for_all)
    body = asking.body(documents.OrderBody, account=chosen, all=for_all, reason=reason)
    asking.order(
        context,
        "stop-launching",
        body,
        as_json=as_json,
        otherwise=lambda operates, by: operates.stop_launching(chosen, by, reason=reason),
    )


def urgent(
    context: typer.Context,
    accession: Annotated[int, typer.Argument(min=1, metavar="ACCESSION", help="The run's accession.")],
    reason: asking.Reason = "",
    as_json: asking.Json = False,
) -> None:
    """Launch a run before the others of its account, within all limits.

    \b
    niassa-orch urgent 1234 --reason "the clinic waits"
    """
    run = runs.Accession(accession)
    asking.order(
        context,
        "urgent",
        asking.body(documents.OrderBody, accession=accession, reason=reason),
        as_json=as_json,
        otherwise=lambda operates, by: operates.urgent(run, by, reason=reason),
    )


def poll_now(
    context: typer.Context,
    account: asking.Account = None,
    for_all: asking.All = False,
    as_json: asking.Json = False,
) -> None:
    """Let the service look at an account, or at all, now instead of at the next beat.

    \b
    niassa-orch poll-now bob
    """
    body = asking.body(documents.OrderBody, account=asking.whose(account, for_all=for_all), all=for_all)
    asking.order(context, "poll-now", body, as_json=as_json)


def drain(context: typer.Context, as_json: asking.Json = False) -> None:
    """End the service politely, as SIGTERM does: nothing new is begun, verdicts are written, engine calls live on.

    Who starts it anew by itself (systemd with Restart=always) does so then: use systemctl stop there.

    \b
    niassa-orch drain
    """
    asking.order(context, "drain", documents.OrderBody(), as_json=as_json)


def reload(context: typer.Context, as_json: asking.Json = False) -> None:
    """Let the service read all profiles and secrets again and try what waits, as SIGHUP does.

    \b
    niassa-orch reload
    """
    asking.order(context, "reload", documents.OrderBody(), as_json=as_json)


COMMANDS = (pause, resume, stop_launching, urgent, poll_now, drain, reload)


def _until(span: str | None) -> datetime.datetime | None:
    if span is None:
        return None
    try:
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=spans.seconds(span))
    except ValueError as exc:
        raise typer.BadParameter(str(exc), param_hint="--for") from exc
