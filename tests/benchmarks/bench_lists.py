"""How fast a list of runs is read, beside bare pyexpat with the same kind of handlers doing nothing. Prints, asserts
nothing. Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_lists``.
"""

import pathlib
import sys
import time
from collections.abc import Callable
from xml.parsers import expat

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.webservice import lists
from tests.integration.webservice import rows

TOTAL_BYTES = 100_000_000
CHUNK_BYTES = 64 * 1024
ROUNDS = 3


def bare(document: bytes) -> int:
    """Expat with handlers that do nothing."""
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = lambda _name, _attributes: None
    parser.EndElementHandler = lambda _name: None
    parser.CharacterDataHandler = lambda _text: None
    for start in range(0, len(document), CHUNK_BYTES):
        parser.Parse(document[start : start + CHUNK_BYTES], False)
    parser.Parse(b"", True)
    return 0


def ours(document: bytes) -> int:
    """The parser of the client, keeping every second row."""
    parser = lists.RunListParser(lambda owner: owner == rows.OURS)
    for start in range(0, len(document), CHUNK_BYTES):
        parser.feed(document[start : start + CHUNK_BYTES])
    return len(parser.close())


def best_seconds(read: Callable[[bytes], int], document: bytes) -> float:
    """The best of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        read(document)
        taken.append(time.perf_counter() - begun)
    return min(taken)


def main() -> None:
    """Measure both and print the figures."""
    document = b"".join(rows.pieces(TOTAL_BYTES))
    megabytes = len(document) / 1e6
    bare_seconds, our_seconds = best_seconds(bare, document), best_seconds(ours, document)
    print(f"list of {megabytes:.0f} MB, {ours(document)} rows kept")
    print(f"bare pyexpat   {megabytes / bare_seconds:7.1f} MB/s")
    print(f"RunListParser  {megabytes / our_seconds:7.1f} MB/s   ratio {bare_seconds / our_seconds:.2f}")


if __name__ == "__main__":
    main()
