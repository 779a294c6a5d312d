"""What the service tells systemd, by the protocol of ``sd_notify(3)``: datagrams to the socket in ``NOTIFY_SOCKET``.

The variable is taken out of our environment, so that nothing that we start speaks in our name. Called by ``app``.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, MutableMapping

_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@contextlib.contextmanager
def notifier(environment: MutableMapping[str, str] = os.environ) -> Iterator[Callable[[str], None]]:
    """What tells systemd, for as long as the context lasts; nothing is told where nobody asked for it.

    Args:
        environment: Of the process; the variables of the protocol are taken out of it.
    """
    address = environment.get(_VARIABLES[0], "")
    for name in _VARIABLES:
        environment.pop(name, None)
    if not address.startswith(("/", "@")):
        yield lambda _state: None
        return
    # An abstract name begins with a NUL, which an environment cannot hold.
    place = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as way:

        def notify(state: str) -> None:
            # Who does not listen must not stop the work: the watchdog will do what it does.
            with contextlib.suppress(OSError):
                way.sendto(state.encode(), place)

        yield notify
