"""Modules that fit in the head: the sizes that docs/architecture.md promises to keep."""

import ast
import pathlib

import pytest

import niassa_orch

PACKAGE = pathlib.Path(niassa_orch.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
#: Each must be one plain file that runs alone as an account's user.
STANDALONE = {PACKAGE / "seqware" / "mediator.py", PACKAGE / "sandbox" / "seqware.py"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(module: pathlib.Path) -> list[_Function]:
    return [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, _Function)]


def _body_lines(function: _Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("module", sorted(set(MODULES) - STANDALONE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_has_at_most_250_lines(module: pathlib.Path) -> None:
    assert len(module.read_text().splitlines()) <= 250


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_body_of_a_function_has_at_most_30_lines(module: pathlib.Path) -> None:
    long = {function.name: _body_lines(function) for function in _functions(module) if _body_lines(function) > 30}
    assert not long


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_what_lives_in_it(module: pathlib.Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))
