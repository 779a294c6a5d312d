import pathlib

import pytest

from niassa_orch import errors
from niassa_orch.seqware import sudo_rules

FRAGMENT = pathlib.Path(__file__).parents[3] / "deploy" / "sudoers.d" / "niassa-orch"


def test_the_file_in_deploy_is_what_the_command_writes_for_the_default_names() -> None:
    assert FRAGMENT.read_text("utf-8") == sudo_rules.Rules().text()


@pytest.mark.parametrize("intercept", [True, False])
def test_every_line_is_explained_by_a_comment_right_above_it(intercept: bool) -> None:
    lines = sudo_rules.Rules(intercept=intercept).text().splitlines()
    rules = [number for number, line in enumerate(lines) if line and not line.startswith("#")]
    assert len(rules) == 9
    assert all(lines[number - 1].startswith("# ") for number in rules)


def test_the_names_that_are_given_and_no_others_are_in_the_rules() -> None:
    rules = sudo_rules.Rules("svc", "lab", pathlib.Path("/opt/orch-1.0/mediator"))
    lines = [line for line in rules.text().splitlines() if line and not line.startswith("#")]
    assert all(line.startswith(("Defaults:svc ", "Defaults!/opt/orch-1.0/mediator ")) for line in lines[:-1])
    assert lines[-1] == "svc ALL = (%lab) NOPASSWD: NOSETENV: /opt/orch-1.0/mediator"
    assert "accounts " not in "".join(lines)


NAMES = ["", "ALL", "NIASSA", "Niassa", "%wheel", "+net", "#0", "1a", "a b", "a,b", "a=b", "a:b", "a\nb", "a\n", "a!b"]
NAMES += ["a\\b", 'a"b', "a%b", "a#b", "-a", ".a", "ä", "a" * 33, "a*", "$a", "a$"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_sudoers_could_read_otherwise_is_refused(name: str) -> None:
    with pytest.raises(errors.SettingsError, match="cannot stand in sudoers"):
        sudo_rules.Rules(service_user=name)
    with pytest.raises(errors.SettingsError, match="cannot stand in sudoers"):
        sudo_rules.Rules(group=name)


PATHS = ["mediator", "/", "/a/mediators", "/a/bash", "/a b/mediator", "/a*/mediator", "/a/../mediator"]
PATHS += ["/a,b/mediator", "/a=b/mediator", "/a:b/mediator", "/a\\b/mediator", "/a/mediator\n", "/a\n/mediator"]
PATHS += [
    "/a?/mediator",
    "/[ab]/mediator",
    '/"a"/mediator',
    "//a/mediator",
    "/.a/mediator",
    "/a!/mediator",
    "/ä/mediator",
]
PATHS += ["/a#/mediator", "/%a/mediator", "/a/^mediator", "/ALL mediator", "/a/mediator $"]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_sudoers_could_read_otherwise_is_refused(path: str) -> None:
    with pytest.raises(errors.SettingsError, match="cannot stand in sudoers"):
        sudo_rules.Rules(mediator=pathlib.Path(path))


@pytest.mark.parametrize("names", [("root", "a"), *(("a", group) for group in sudo_rules.POWERFUL_GROUPS)])
def test_neither_root_serves_nor_do_administrators_have_work_run(names: tuple[str, str]) -> None:
    with pytest.raises(errors.SettingsError, match="neither may be root's"):
        sudo_rules.Rules(*names)


@pytest.mark.parametrize(
    ("said", "knows"),
    [
        ("Sudo version 1.9.13p3\nConfigure options: ...", True),
        ("Sudo version 1.9.8", True),
        ("Sudo version 1.9.5p2", False),
        ("Sudo version 1.8.29", False),
        ("Sudo version 1.10.0", True),
        ("sudo-rs 0.2.5", True),
        ("", True),
    ],
)
def test_an_option_that_an_older_sudo_does_not_know_is_left_out_for_it(said: str, knows: bool) -> None:
    assert sudo_rules.knows_intercept(said) == knows
    assert ("intercept" in sudo_rules.Rules(intercept=knows).text()) == knows
