import os
import pathlib
import socket

import pytest

from niassa_orch import service_notes


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_what_is_told_and_nobody_that_we_start_can_speak_for_us(
    tmp_path: pathlib.Path, abstract: bool
) -> None:
    name = f"niorch-{os.getpid()}" if abstract else str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hearing:
        hearing.bind(f"\0{name}" if abstract else name)
        environment = {"NOTIFY_SOCKET": f"@{name}" if abstract else name, "WATCHDOG_USEC": "60000000", "PATH": "/bin"}
        with service_notes.notifier(environment) as notify:
            notify("READY=1")
        assert hearing.recv(100) == b"READY=1"
    assert environment == {"PATH": "/bin"}


@pytest.mark.parametrize("address", [None, "", "relative", "/nowhere/at/all"])
def test_where_nobody_listens_nothing_happens(address: str | None) -> None:
    environment = {} if address is None else {"NOTIFY_SOCKET": address}
    with service_notes.notifier(environment) as notify:
        notify("READY=1")
    assert environment == {}
