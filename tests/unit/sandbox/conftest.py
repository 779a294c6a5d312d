"""Before the first test: no event loop is lying about.

The looptime plugin asks for the current event loop around tests that are not async too; in Python 3.11 that makes one
which nobody closes, and some later test gets the blame for it. Said to be none, none is made.
"""

import asyncio

asyncio.set_event_loop(None)
