"""The command ``demo``: plays the main job on the sandbox, and prints what became of every run."""

import contextlib
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from typing import Annotated

import rich.console
import typer

from niassa_orch.sandbox import demo as main_job
from niassa_orch.sandbox import demo_report, demo_table, demo_users, ending, offspring

_EXIT_FAILURE = 1
_WIDTH_OFF_TERMINAL = 220
#: How long engine calls may take to end by themselves when the demo is over.
_LAST_CALLS_SECONDS = 5.0


def demo(
    users: Annotated[
        bool, typer.Option("--users", help="With real Unix users, made for it and removed after (root, sudo).")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the sandbox directory, to look at it.")] = False,
) -> None:
    """The main job on the embedded sandbox, in under a minute: some thirty runs, every kind of trouble among them.

    Ends with a table of every run; exit code 0 only if each came to the expected end. Ended by a signal it takes
    everything away and says so: exit code 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
    """
    if users and keep:
        message = "--keep does not go with --users: the Unix users to whom the files belong are removed"
        raise typer.BadParameter(message)
    if not _play(with_users=users, keep=keep):
        raise typer.Exit(_EXIT_FAILURE)


def _play(*, with_users: bool, keep: bool) -> bool:
    """Play the demo and print what became of every run; returns whether all is as expected.

    Whatever ends it, nothing of it is left: the service, the engine calls, the directory, the Unix users.

    Raises:
        typer.Exit: A signal ended it; with 128 + n.
    """
    try:
        with ending.orderly() as end, demo_users.stage() if with_users else _own_stage(keep=keep) as stage:
            end.check()
            with offspring.household(_LAST_CALLS_SECONDS):
                rows = end.run(main_job.play(stage))
    except ending.EndedEarlyError as exc:
        print(f"demo stopped; {'the sandbox is kept' if keep else 'nothing is left behind'}")
        raise typer.Exit(exc.exit_code) from None
    return _report(rows, with_users=with_users)


@contextlib.contextmanager
def _own_stage(*, keep: bool) -> Iterator[main_job.Stage]:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="niassa-orch-demo-"))
    try:
        directory.chmod(0o755)
        if keep:
            print(f"the sandbox is kept in {directory}", flush=True)
        yield main_job.own_stage(directory / "sandbox")
    finally:
        if not keep:
            shutil.rmtree(directory)


def _report(rows: Sequence[demo_report.Row], *, with_users: bool) -> bool:
    console = rich.console.Console()
    if not console.is_terminal:
        console.width = _WIDTH_OFF_TERMINAL
    console.print(demo_table.render(rows, console.width, with_users=with_users))
    strange = [row for row in rows if not row.is_as_expected]
    for row in strange:
        print(f"{row.accession} ({row.name}): expected {row.expected}, saw {row.seen} {'; '.join(row.remarks)}")
    print(f"{len(rows) - len(strange)} of {len(rows)} runs as expected")
    return not strange
