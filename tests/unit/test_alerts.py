"""What deploy/ gives to Prometheus and Grafana, held against what we export."""

import dataclasses
import json
import pathlib
import re
import shutil
import subprocess

import pytest

from niassa_orch.core import account_line
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
#: For each alert what makes it fire, minute by minute, and after how many minutes it does.
FIRES = {
    "Down": ('up{job="niassa-orch"}', "0x400", 6),
    "NothingPolled": ("niassa_orch_last_good_poll_age_seconds", "0+60x400", 17),
    "BeatHangs": ("niassa_orch_longest_beat_seconds", "0+60x400", 22),
    "ProfilesNotRead": ("niassa_orch_profiles_read", "0x400", 6),
    "Stopped": ('niassa_orch_orders_in_force{kind="stop-launching",scope="all"}', "1x400", 241),
    "Paused": ('niassa_orch_orders_in_force{kind="pause",scope="account"}', "1x1500", 1441),
    "JournalUnusable": ("niassa_orch_journal_usable", "0x400", 3),
    "AuditUnusable": ("niassa_orch_audit_usable", "0x400", 3),
    "LaunchHeld": ("niassa_orch_held_launches", "2x400", 6),
    "LaunchInDoubt": ("niassa_orch_in_doubt_launches", "1x400", 61),
    "WrongPassword": ('niassa_orch_accounts{state="wrong password"}', "1x400", 3),
    "LoginRefused": ('niassa_orch_accounts{state="login refused"}', "1x400", 31),
    "Misconfigured": ("niassa_orch_profiles_refused", "1x400", 11),
    "WebServiceDown": ('niassa_orch_neighbour_up{kind="webservice",url="http://ws"}', "0x400", 11),
    "OozieDown": ('niassa_orch_neighbour_up{kind="oozie",url="http://oozie"}', "0x400", 11),
    "StatusesLate": ('niassa_orch_freshness_seconds_bucket{le="+Inf"}', "0+5x400", 17),
    "LockHeld": ("niassa_orch_longest_lock_wait_seconds", "0+60x400", 67),
    "EngineCallHangs": ("niassa_orch_overdue_engine_calls", "1x400", 6),
    "AccountsNeedPerson": ("niassa_orch_accounts_need_person", "1x400", 16),
    "RunsLeftAlone": ("niassa_orch_runs_left_alone", "1x400", 16),
    "RequestLost": ("niassa_orch_user_requests_lost_total", "0 0 1x400", 3),
    "OrphanedRuns": ("niassa_orch_orphaned_runs", "3x400", 61),
}
#: A service that does well.
WELL = {
    'up{job="niassa-orch"}': "1x1500",
    'niassa_orch_accounts{state="ok"}': "2x1500",
    "niassa_orch_last_good_poll_age_seconds": "5x1500",
    "niassa_orch_profiles_read": "1x1500",
    "niassa_orch_journal_usable": "1x1500",
    "niassa_orch_audit_usable": "1x1500",
    "niassa_orch_user_requests_lost_total": "4x1500",
    "niassa_orch_profiles_refused": "0x1500",
    'niassa_orch_freshness_seconds_bucket{le="60"}': "0+1x1500",
    'niassa_orch_freshness_seconds_bucket{le="900"}': "0+1x1500",
    'niassa_orch_freshness_seconds_bucket{le="+Inf"}': "0+1x1500",
}


def firing(expression: str, minutes: int, count: int) -> dict[str, object]:
    """So many alerts fire after so many minutes."""
    samples = [{"labels": "{}", "value": count}] if count else []
    return {"expr": f"count(ALERTS{{{expression}}})", "eval_time": f"{minutes}m", "exp_samples": samples}


def scene(series: dict[str, str], *expected: dict[str, object]) -> dict[str, object]:
    """What Prometheus is to make of some series; all are of one instance."""
    of_one = {
        (name[:-1] + ',instance="a"}' if name.endswith("}") else name + '{instance="a"}'): values
        for name, values in series.items()
    }
    inputs = [{"series": name, "values": values} for name, values in of_one.items()]
    return {"interval": "1m", "input_series": inputs, "promql_expr_test": expected}


@pytest.fixture(scope="module")
def exported() -> str:
    """Everything that is ever exported: every state has an account, and every kind of order is given."""
    accounts = tuple(dataclasses.replace(snapshots.ALICE, name=state.name, state=state) for state in account_line.State)
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


def test_each_alert_fires_when_it_should_and_none_while_all_is_well(tmp_path: pathlib.Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus): nobody has seen an alert of deploy/ fire")
    assert [f"NiassaOrch{name}" for name in FIRES] == [rule.partition("\n")[0] for rule in RULES]
    scenes = [scene(WELL, firing('alertname=~"Niassa.*"', 1440, 0))]
    for name, (series, values, minutes) in FIRES.items():
        mine = f'alertname="NiassaOrch{name}",alertstate="firing"'
        scenes.append(scene(WELL | {series: values}, firing(mine, minutes - 2, 0), firing(mine, minutes, 1)))
    file = tmp_path / "alerts.json"
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": scenes}))
    tested = subprocess.run(
        [promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


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
