"""Words on a command line that nothing can be called: refused in a line, not in a traceback."""

import pathlib

import pytest

from tests.integration.cli import commands

#: A byte that is no UTF-8.
BYTE = "\udcff"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pause", BYTE), "account: "),
        (("pause", "bob", "--reason", f"disk {BYTE}"), "reason: "),
        (("stop-launching", "--all", "--reason", BYTE), "reason: "),
        (("urgent", "9" * 30), "accession: "),
        (("pause", ""), "account: "),
    ],
)
def test_an_order_that_cannot_be_written_is_wrong_usage(
    tmp_path: pathlib.Path, words: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "niassa-orch.toml"
    file.write_text(f'state_dir = "{tmp_path}"\n', "utf-8")
    ended = commands.done("--config", str(file), *words)
    assert ended.returncode == 2, ended.stderr
    assert f"Invalid value: {said}" in ended.stderr
