"""docs/operating.md is for whoever is paged at night: its commands, events and anchors are those that there are."""

import ast
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pydantic
import pytest
import typer.main

from niassa_orch import cli
from niassa_orch.config import profile_keys, settings
from niassa_orch.core import account_line
from niassa_orch.domain import settling, transitions
from tests.documents import operating_page

ROOT = pathlib.Path(__file__).parents[2]
PAGE = operating_page.read()
#: What an accession, a name and a word of an operator stand for on the page.
_PLACEHOLDERS: Mapping[str, str] = {"ACCESSION": "1234", "FILE": "/etc/niassa-orch/niassa-orch.toml"}
_LINK = re.compile(r"operating\.md#([\w-]+)")


def _parse(words: Sequence[str]) -> None:
    """Let the real command line read these words, and carry nothing out; one word alone names a command."""
    command: Any = typer.main.get_command(cli.application)
    context, rest = None, [_PLACEHOLDERS.get(word, word) for word in words]
    while hasattr(command, "get_command"):
        context = type(command).context_class(command, parent=context, info_name=command.name)
        _, rest, _ = command.make_parser(context).parse_args(rest)
        if not rest and command.invoke_without_command:
            return
        found = command.get_command(context, rest[0]) if rest else None
        assert found is not None, f"there is no command {' '.join(rest)!r}"
        command, rest = found, rest[1:]
    if len(words) > 1:
        command.make_context(command.name, rest, parent=context)


@pytest.mark.parametrize("words", sorted(set(map(tuple, operating_page.command_lines(PAGE)))), ids=" ".join)
def test_every_command_on_the_page_is_one_that_the_command_line_takes(words: tuple[str, ...]) -> None:
    _parse(words)


def test_a_command_that_the_command_line_does_not_take_is_found_out() -> None:
    lines = operating_page.command_lines("```sh\nA=1 orch doubts --jsonn  # no\n```\n`orch nix`\n")
    assert lines == [["doubts", "--jsonn"], ["nix"]]
    for words in lines:
        with pytest.raises(Exception, match=r"--jsonn|no command 'nix'"):
            _parse(words)


def _in_sources() -> Iterator[str]:
    for file in ROOT.glob("niassa_orch/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _composed() -> Iterator[str]:
    """Events whose names the sources put together."""
    yield from (f"launch.{outcome}".replace(" ", "_") for outcome in settling.Outcome)
    yield from (f"job.{act}" for act in transitions.Act)
    yield from (f"account.{state}".replace(" ", "_") for state in account_line.State)
    yield from (f"{what}.{how}" for what in ("journal", "audit") for how in ("unusable", "recovered"))


def _keys(model: type[pydantic.BaseModel], before: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{before}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel):
            yield from _keys(field.annotation, f"{before}{name}.")


def test_every_event_and_setting_that_the_page_names_is_there() -> None:
    known = {*_in_sources(), *_composed(), *_keys(settings.Settings), *(key for key, _ in profile_keys.every_key())}
    named = operating_page.event_names(PAGE)
    assert len(named) >= 40
    assert named - known == set()


def test_every_link_to_a_page_leads_to_one() -> None:
    files = [*ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*"), ROOT / "README.md", *ROOT.glob("niassa_orch/**/*.py")]
    wanted = {anchor for file in files if file.is_file() for anchor in _LINK.findall(file.read_text("utf-8"))}
    wanted |= set(re.findall(r"\]\(#([\w-]+)\)", PAGE))
    assert wanted - {section.anchor for section in operating_page.sections(PAGE)} == set()


def test_each_page_says_what_is_seen_what_it_means_what_to_do_and_how_to_try_it() -> None:
    symptoms = [section for section in operating_page.sections(PAGE) if "**See.**" in section.text]
    assert len(symptoms) >= 20
    lacking = [one.heading for one in symptoms if not ("eans" in one.text and "o.**" in one.text and one.tried)]
    assert lacking == []
    first, _, _ = PAGE.partition("\n## ")
    assert [one.heading for one in symptoms if f"(#{one.anchor})" not in first] == []
