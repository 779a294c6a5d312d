"""``python -m niassa_orch`` and the ``niassa-orch`` command: the same thing."""

from niassa_orch import cli


def main() -> None:
    """Run the command line; leaves by SystemExit with a documented exit code."""
    cli.main()


if __name__ == "__main__":
    main()
