import pathlib

import pytest

from niassa_orch.config import settings
from niassa_orch.core import accounts_watch
from tests.fakes import neighbours_in_memory as fakes

_MOUNTS = """\
24 30 0:22 / /proc rw,nosuid shared:13 - proc proc rw
30 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
87 30 0:45 / /etc/niassa-orch/my\\040accounts rw,relatime shared:61 master:4 - nfs4 filer:/export/orch rw,vers=4.2
88 30 0:46 / /mnt/sshfs rw - fuse.sshfs person@there:/ rw
99 30 0:47 / /broken
"""


@pytest.mark.parametrize(
    ("device", "kind"),
    [((254, 1), "ext4"), ((0, 45), "nfs4"), ((0, 46), "fuse.sshfs"), ((0, 47), ""), ((0, 4), ""), ((8, 1), "")],
)
def test_the_kind_of_a_file_system_is_what_the_table_of_mounts_says_of_its_device(
    device: tuple[int, int], kind: str
) -> None:
    assert accounts_watch.kind_in(_MOUNTS, *device) == kind


@pytest.mark.parametrize(
    ("kind", "remote"),
    [("nfs", True), ("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("9p", True), ("ext4", False), ("", False)],
)
def test_a_network_file_system_is_known_by_its_kind(kind: str, *, remote: bool) -> None:
    assert accounts_watch.is_remote(kind) is remote


async def test_switched_off_nothing_is_listened_to_and_nothing_is_told(tmp_path: pathlib.Path) -> None:
    told = fakes.board_of()
    alarms: list[str] = []
    watch = accounts_watch.AccountsWatch(tmp_path, settings.AccountsWatch.OFF, told, lambda: alarms.append("!"))
    await watch.run()
    assert (alarms, fakes.names(told)) == ([], [])
