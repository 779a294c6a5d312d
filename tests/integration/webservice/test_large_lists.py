import asyncio
import json
import sys

import pytest

from tests.fakes import neighbours
from tests.integration.webservice import rows

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE_BYTES = 200_000_000
MOST_KILOBYTES = 32 * 1024


async def streaming(_there: object, asked: neighbours.Asked, writer: asyncio.StreamWriter) -> bool:
    """A list as large as its host says, chunked, made while it is sent."""
    writer.write(HEAD)
    for piece in rows.pieces(LARGE_BYTES if "host=large" in asked.target else 1_000_000, rows.LINES_OF_4_KB):
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    return True


@pytest.mark.timeout(110)
async def test_a_list_of_200_megabytes_grows_the_process_by_less_than_32() -> None:
    async with neighbours.neighbour(streaming) as there:
        reader = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.webservice.list_reader", there.url, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await reader.communicate()
    cost = json.loads(said)
    assert reader.returncode == 0
    assert cost["runs"] > 40_000
    assert cost["grown_kilobytes"] < MOST_KILOBYTES, cost
