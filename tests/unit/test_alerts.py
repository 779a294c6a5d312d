"""What deploy/ gives to Prometheus and Grafana, held against what we export."""

import dataclasses
import json
import re
import shutil
import subprocess

import pytest

from niassa_orch.core import board
from niassa_orch.domain import orders
from niassa_orch.faces import metrics
from tests.documents import grafana
from tests.unit.faces import snapshots

DEPLOY = grafana.FILE.parent
ALERTS = DEPLOY / "prometheus-alerts.yml"
RULES = ALERTS.read_text(encoding="utf-8").split("\n      - alert: ")[1:]
DASHBOARD = grafana.FILE.read_text(encoding="utf-8")
#: Prometheus says these of every service that it scrapes.
ITS_OWN = {"job", "instance"}


@pytest.fixture(scope="module")
def exported() -> str:
    """Everything that is ever exported: every state has an account, and every kind of order is given."""
    accounts = tuple(dataclasses.replace(snapshots.ALICE, name=state.name, state=state) for state in board.State)
    given = tuple(snapshots.ordered(kind, account) for kind in orders.Kind for account in ("", "bob"))
    whole = dataclasses.replace(snapshots.BUSY, accounts=accounts, orders=given)
    return metrics.text(whole, 1000, metrics.content_type("")).decode()


@pytest.mark.parametrize("text", [*RULES, DASHBOARD], ids=[rule.partition("\n")[0] for rule in RULES] + ["grafana"])
def test_every_metric_and_label_that_is_asked_for_is_exported(text: str, exported: str) -> None:
    asked = text.replace('\\"', '"')
    names = set(re.findall(r"\b(?:niassa_orch|process)_\w+", asked.replace("niassa-orch", "")))
    assert names or "up{job=" in asked
    missing = {name for name in names if not re.search(rf"^{name}(\{{| )", exported, re.MULTILINE)}
    assert not missing
    for label, _, values in re.findall(r'\b(\w+)(=~|!~|!=|=)"([^"$]*)"', asked):
        if label not in ITS_OWN:
            for value in values.split("|"):
                assert f'{label}="{value}"' in exported


def test_each_alert_says_what_is_wrong_how_grave_that_is_and_where_it_says_what_to_do() -> None:
    assert len(RULES) > 15
    for rule in RULES:
        name, _, body = rule.partition("\n")
        assert re.fullmatch(r"NiassaOrch[A-Za-z]+", name)
        assert re.search(r"severity: (page|ticket)\}", body), name
        assert re.search(r'summary: "\S.{20,}"', body), name
        assert re.search(r'description: "\S.{40,}"', body), name
        assert re.search(r"runbook: docs/operating\.md#[a-z-]+\n", body), name


def test_promtool_finds_nothing_wrong_with_the_alerts() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip(
            "promtool is not installed (Debian: prometheus): the syntax of deploy/prometheus-alerts.yml is not checked"
        )
    checked = subprocess.run(
        [promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES)} rules found" in checked.stdout


def test_the_dashboard_of_grafana_is_as_its_table_says() -> None:
    assert grafana.text() == DASHBOARD, "make docs"
    panels = json.loads(DASHBOARD)["panels"]
    places = [panel["gridPos"] for panel in panels]
    taken = {
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    }
    assert len(taken) == sum(place["w"] * place["h"] for place in places), "two panels lie on each other"
    assert all(place["x"] + place["w"] <= 24 for place in places)
