"""``python -m niassa_orch`` and the ``niassa-orch`` command: the same thing.

Signals wait while the rest is imported; ``cli`` and ``app`` let them come.
"""

from niassa_orch import early_signals


def main() -> None:
    """Run the command line; leaves by SystemExit with a documented exit code."""
    early_signals.hold()
    # Takes a second, in which a signal may come.
    from niassa_orch import cli

    cli.main()


if __name__ == "__main__":
    main()
