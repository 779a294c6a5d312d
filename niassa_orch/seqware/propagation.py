"""Lets the engine propagate statuses as an account's Unix user, and asks that user's Oozie whether it is well.

Both go through the mediator. A propagation is no launch: nothing is lost when it dies, and nothing has to be settled,
so there is no transcript. But it is not ended with us: an engine that is killed between a job's kill and the record of
it leaves a cancelled run failed. It has the mediator's deadline. Called by the core.
"""

import collections.abc
import json

from niassa_orch.seqware import answers, query

_PROBE_SECONDS = 30.0
_ANSWER_BYTES = 16 * 1024


async def propagate(argv: collections.abc.Sequence[str], *, deadline_seconds: float) -> answers.Propagated:
    """Let the engine ask Oozie about runs and write what it hears; returns how its call ended.

    Args:
        argv: Of the verb ``propagate``, with the accessions.
        deadline_seconds: When it is ended from here; longer than the mediator's own deadline.

    Raises SudoRefusedError (sudo did not run the mediator), MediatorRefusedError (it said no), else EngineCallError (no
    answer in time). Who is cancelled leaves the call to its end.
    """
    parse = answers.parse_propagated
    found = await query.question(argv, b"", deadline_seconds, _ANSWER_BYTES, parse, outlives=True)
    return query.understood("propagate", found)


async def probe(argv: collections.abc.Sequence[str], oozie_url: str) -> answers.Probe:
    """Ask an Oozie server for its versions, as the account's user; ``argv`` is that of the verb ``probe``.

    Raises as ``propagate`` does.
    """
    stdin = json.dumps({"url": oozie_url}).encode()
    found = await query.question(argv, stdin, _PROBE_SECONDS, _ANSWER_BYTES, answers.parse_probe)
    return query.understood("probe", found)
