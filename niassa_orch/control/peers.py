"""Who is at the other end of a connection, as the kernel says, and whether that user may give orders.

The socket's mode decides who connects, and so who sees; orders are taken from root, the service's own user, and members
of the group that the settings name. Called by ``server`` and ``connections``.
"""

import contextlib
import grp
import os
import pwd
import socket
import struct

from niassa_orch.domain import orders

#: pid, uid and gid of the peer when it connected.
_CREDENTIALS = struct.Struct("3i")


def uid_of(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket, when it connected. Asks the kernel alone; raises OSError."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(told)
    return int(uid)


def operator(uid: int) -> orders.Operator:
    """A user by number, with the name that this machine knows for it, or ``""``. Asks the user database."""
    try:
        return orders.Operator(uid, pwd.getpwuid(uid).pw_name)
    except KeyError:
        return orders.Operator(uid, "")


def may_order(by: orders.Operator, group: str) -> bool:
    """Whether a user may do more than look. Asks the user database, which may block."""
    if by.uid in (0, os.geteuid()):
        return True
    with contextlib.suppress(KeyError):
        wanted = grp.getgrnam(group).gr_gid if group else None
        entry = pwd.getpwuid(by.uid)
        return wanted is not None and wanted in os.getgrouplist(entry.pw_name, entry.pw_gid)
    return False
