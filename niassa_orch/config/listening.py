"""The table ``[web]``: where the web page, the metrics and the answers to probes are served, and to whom.

Whoever reaches the port sees names, reasons and the last events of all accounts; nothing can be changed there. So it is
off until somebody says where, and what other machines could reach is refused until somebody says that it is meant.
Part of ``settings``; used by ``faces.web``.
"""

import ipaddress
import re
from typing import Annotated, Self

import pydantic

from niassa_orch.config import documents

_LISTEN = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+)|localhost):(?P<port>[0-9]{1,5})", re.ASCII)
_MOST_PORT = 65535


def listen_at(text: str) -> str:
    """An address and a port, or ``""``; no host name but ``localhost``, which is 127.0.0.1 here: nothing asks DNS."""
    if text:
        _parse(text)
    return text


def _parse(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    reason = "is no address with a port, such as 127.0.0.1:9664 or [::1]:9664"
    found = _LISTEN.fullmatch(text)
    if found is None or not 0 < int(found["port"]) <= _MOST_PORT:
        raise ValueError(reason)
    try:
        return ipaddress.ip_address(found["six"] or found["four"] or "127.0.0.1"), int(found["port"])
    except ValueError:
        # Theirs would repeat the text.
        raise ValueError(reason) from None


class Web(documents.Table):
    """``listen``: where, such as ``127.0.0.1:9664``; ``""``: nowhere. ``open``: other machines are meant to reach it.

    With more accounts than ``accounts_metrics_limit`` metrics are of all accounts together only.
    """

    listen: Annotated[str, pydantic.AfterValidator(listen_at)] = ""
    open: bool = False
    accounts_metrics_limit: Annotated[int, pydantic.Field(ge=0)] = 1000

    @pydantic.model_validator(mode="after")
    def _check_open(self) -> Self:
        if self.listen and not self.open and not self.is_local:
            reason = (
                "listen: other machines reach this address, and everybody there would see the accounts' names and "
                "troubles: say open = true if that is meant, or let it listen at 127.0.0.1"
            )
            raise ValueError(reason)
        return self

    @property
    def place(self) -> tuple[str, int]:
        """Address and port; only where ``listen`` says any."""
        address, port = _parse(self.listen)
        return str(address), port

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the address."""
        return _parse(self.listen)[0].is_loopback
