import os
import pathlib
import socket
import stat

import pytest

from niassa_orch import errors
from niassa_orch.control import peers, place
from niassa_orch.domain import orders


def test_a_folder_of_any_length_will_do_and_the_mode_is_right_before_anybody_is_let_in(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / ("x" * 200) / "run"
    with place.bound(folder, 0o660, "") as listening:
        path = folder / place.NAME
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(folder.stat().st_mode) & 0o007 == 0
        with place.short(folder) as name, socket.socket(socket.AF_UNIX) as asking:
            with pytest.raises(ConnectionRefusedError):
                asking.connect(name)
            listening.listen()
            asking.connect(name)
    assert not path.exists()


def test_what_an_earlier_process_left_is_taken_away(tmp_path: pathlib.Path) -> None:
    with socket.socket(socket.AF_UNIX) as left, place.short(tmp_path) as name:
        left.bind(name)
    with place.bound(tmp_path, 0o600, "") as listening:
        listening.listen()
        with place.short(tmp_path) as name, socket.socket(socket.AF_UNIX) as asking:
            asking.connect(name)


def test_a_second_service_does_not_take_the_socket_of_the_first(tmp_path: pathlib.Path) -> None:
    with place.bound(tmp_path, 0o600, ""):
        before = (tmp_path / place.NAME).stat().st_ino
        with pytest.raises(errors.ControlError, match="another service has"), place.bound(tmp_path, 0o600, ""):
            pass
        assert (tmp_path / place.NAME).stat().st_ino == before


def test_what_is_no_socket_is_left_and_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / place.NAME).write_text("mine")
    with pytest.raises(errors.ControlError, match="cannot be made"), place.bound(tmp_path, 0o600, ""):
        pass
    assert (tmp_path / place.NAME).read_text() == "mine"


def test_a_folder_that_others_may_write_to_is_refused_with_what_to_do(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(errors.ControlError, match="chmod go-w"), place.bound(tmp_path, 0o600, ""):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_group_that_there_is_not_is_told_with_what_to_do(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.ControlError, match="groupadd"), place.bound(tmp_path, 0o600, "niorch-nobody-here"):
        pass


def test_the_kernel_says_who_is_at_the_other_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peers.uid_of(ours) == os.getuid()


def test_a_user_without_a_name_is_a_number() -> None:
    assert peers.operator(987_654_321) == orders.Operator(987_654_321, "")


def test_only_root_the_service_and_the_group_give_orders() -> None:
    assert peers.may_order(orders.Operator(0, "root"), "")
    assert peers.may_order(orders.Operator(os.geteuid(), ""), "")
    assert not peers.may_order(peers.operator(65_534), "")
    assert not peers.may_order(peers.operator(65_534), "root")
    assert not peers.may_order(orders.Operator(987_654_321, ""), "root")
