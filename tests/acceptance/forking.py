"""Commands of niassa-orch one after another, each in a process that is forked where all was imported before.

What a command does is as ever; what it saves is the second in which Python imports the program anew. The text of this
module is run by ``python -c`` as the service's user; orders and answers are JSON, a line each. Used by ``stages``; what
is about starting and ending a process starts a real one there.
"""

import json
import os
import sys
import traceback
from typing import Any

from niassa_orch import __main__ as product


def carried_out(order: dict[str, Any]) -> dict[str, Any]:
    """The exit code of a command, and all that it said."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _become(order, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as said:
        text = said.read().decode()
    return {"exit_code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "text": text}


def _become(order: dict[str, Any], output: int) -> None:
    """The command; does not come back."""
    code = 1
    try:
        for target in (1, 2):
            os.dup2(output, target)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(order["environment"])
        sys.argv = ["niassa-orch", *order["words"]]
        product.main()
    except SystemExit as exc:
        code = int(exc.code or 0)
    except BaseException:  # noqa: BLE001 - it is told as Python would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    # The product imports it at its start; here once for all.
    from niassa_orch import cli

    assert cli.application
    for line in sys.stdin:
        sys.stdout.write(json.dumps(carried_out(json.loads(line))) + "\n")
        sys.stdout.flush()
