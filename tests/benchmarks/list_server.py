"""A server of lists of any size in a process of its own, for ``bench_lists``: each is made while it is sent.

The host of the query says how many megabytes: ``host=500``; with ``host=500-odd`` no row can be kept. Rows have
4 kB. Prints its address, and ends when its standard input does.
Run by the benchmark: ``python -m tests.benchmarks.list_server``.
"""

import asyncio
import re
import sys

from tests.fakes import neighbours
from tests.integration.webservice import rows

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"


async def streaming(_there: object, asked: neighbours.Asked, writer: asyncio.StreamWriter) -> bool:
    """As many megabytes as the host says, in chunks."""
    megabytes = re.search(r"host=([0-9]+)", asked.target)
    writer.write(HEAD)
    total_bytes = int(megabytes[1]) * 1_000_000 if megabytes else 0
    for piece in rows.pieces(total_bytes, rows.LINES_OF_4_KB, odd="-odd" in asked.target):
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    return True


async def serve() -> None:
    """Serve until standard input ends."""
    async with neighbours.neighbour(streaming) as there:
        sys.stdout.write(there.url + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
