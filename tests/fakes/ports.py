"""A port that nobody has, for what must be told its port before it listens.

Not one of those that the kernel gives to connections (/proc/sys/net/ipv4/ip_local_port_range): of these another process
may take one between our look and our use.
"""

import contextlib
import random
import socket

_BELOW_EPHEMERAL = range(20_000, 32_000)


def free() -> int:
    """Somewhere on 127.0.0.1."""
    while True:
        port = random.SystemRandom().choice(_BELOW_EPHEMERAL)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
