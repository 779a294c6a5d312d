"""Makes deploy/grafana-dashboard.json: ``make docs``."""

import json
import pathlib
from typing import Any, Final

FILE: Final = pathlib.Path(__file__).parents[2] / "deploy" / "grafana-dashboard.json"
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_ON: Final = 'instance=~"$instance"'
#: Title, kind of panel, unit, and what is drawn: expression and legend.
_PANELS: Final = (
    (
        "Launching is stopped",
        "stat",
        "short",
        [('sum(niassa_orch_orders_in_force{kind="stop-launching", %s})', "stops")],
    ),
    (
        "Journal and audit usable",
        "stat",
        "short",
        [("min(niassa_orch_journal_usable{%s})", "journal"), ("min(niassa_orch_audit_usable{%s})", "audit")],
    ),
    (
        "Wait for a person",
        "stat",
        "short",
        [
            ("sum(niassa_orch_held_launches{%s})", "held"),
            ('sum(niassa_orch_accounts{state="wrong password", %s})', "wrong password"),
            ("sum(niassa_orch_profiles_refused{%s})", "profiles refused"),
        ],
    ),
    ("In doubt", "stat", "short", [("sum(niassa_orch_in_doubt_launches{%s})", "in doubt")]),
    ("Last good poll", "stat", "s", [("max(niassa_orch_last_good_poll_age_seconds{%s})", "ago")]),
    ("Up", "stat", "s", [("min(niassa_orch_uptime_seconds{%s})", "for")]),
    ("Runs by status", "timeseries", "short", [("sum by (status) (niassa_orch_runs{%s})", "{{status}}")]),
    (
        "Runs ended an hour",
        "timeseries",
        "short",
        [("sum by (status) (increase(niassa_orch_runs_ended_total{%s}[1h]))", "{{status}}")],
    ),
    (
        "How late statuses come",
        "timeseries",
        "s",
        [
            ("histogram_quantile(0.5, sum by (le) (rate(niassa_orch_freshness_seconds_bucket{%s}[15m])))", "p50"),
            ("histogram_quantile(0.95, sum by (le) (rate(niassa_orch_freshness_seconds_bucket{%s}[15m])))", "p95"),
        ],
    ),
    (
        "Launches",
        "timeseries",
        "short",
        [
            ("sum(niassa_orch_launches_in_30_minutes{%s})", "in 30 minutes"),
            ("sum(niassa_orch_in_flight_launches{%s})", "in flight"),
        ],
    ),
    ("Accounts by state", "timeseries", "short", [("sum by (state) (niassa_orch_accounts{%s})", "{{state}}")]),
    ("Servers that answer", "timeseries", "short", [("niassa_orch_neighbour_up{%s}", "{{kind}} {{url}}")]),
    ("How long a poll takes", "timeseries", "s", [("niassa_orch_neighbour_poll_seconds{%s}", "{{kind}} {{url}}")]),
    (
        "HTTP requests a second",
        "timeseries",
        "reqps",
        [
            ("sum(rate(niassa_orch_http_requests_total{%s}[5m]))", "made"),
            ("sum(rate(niassa_orch_http_requests_of_cron_total{%s}[5m]))", "crontabs would have made"),
        ],
    ),
    (
        "Pool and engine calls",
        "timeseries",
        "short",
        [
            ("sum(niassa_orch_pool_busy{%s})", "pool busy"),
            ("sum(niassa_orch_pool_waiting{%s})", "pool waiting"),
            ("sum(niassa_orch_engine_calls_busy{%s})", "engine calls"),
            ("sum(niassa_orch_engine_calls_waiting{%s})", "engine calls waiting"),
        ],
    ),
    (
        "Longest waits",
        "timeseries",
        "s",
        [
            ("max(niassa_orch_longest_lock_wait_seconds{%s})", "for the engine's lock"),
            ("max(niassa_orch_longest_engine_call_seconds{%s})", "for an engine call"),
        ],
    ),
    (
        "Wiped by others",
        "timeseries",
        "short",
        [
            ("sum(increase(niassa_orch_user_requests_restored_total{%s}[1h]))", "users' requests put back"),
            ("sum(increase(niassa_orch_user_requests_lost_total{%s}[1h]))", "users' requests that may be lost"),
            ("sum(increase(niassa_orch_jobs_restored_total{%s}[1h]))", "jobs put back"),
        ],
    ),
    (
        "Accounts that do not fare well",
        "table",
        "short",
        [('niassa_orch_account_state{state!~"ok|disabled", %s}', "{{account}}: {{state}}")],
    ),
    (
        "Oldest polls by account",
        "timeseries",
        "s",
        [("topk(10, niassa_orch_account_last_good_poll_age_seconds{%s})", "{{account}}")],
    ),
    (
        "CPU and memory",
        "timeseries",
        "short",
        [
            ('sum(rate(process_cpu_seconds_total{job="niassa-orch", %s}[5m]))', "cores"),
            ('sum(process_resident_memory_bytes{job="niassa-orch", %s}) / 2^30', "GiB"),
        ],
    ),
)


def dashboard() -> dict[str, Any]:
    """What Grafana imports; it asks for the data source."""
    panels: list[dict[str, Any]] = []
    left, top, height = 0, 0, 0
    for number, (title, kind, unit, drawn) in enumerate(_PANELS, 1):
        width, tall = (4, 4) if kind == "stat" else (12, 8)
        if left + width > 24:
            left, top = 0, top + height
        place = {"x": left, "y": top, "w": width, "h": tall}
        panels.append(_panel(number, title, kind, unit, drawn) | {"gridPos": place})
        left, height = left + width, tall
    return {
        "title": "niassa-orch",
        "uid": "niassa-orch",
        "description": "Launching and propagating workflow runs. What to do about an alert: docs/operating.md.",
        "tags": ["niassa"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), _instance()]},
        "panels": panels,
    }


def _panel(number: int, title: str, kind: str, unit: str, drawn: list[tuple[str, str]]) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": _SOURCE,
            "expr": expression % _ON,
            "legendFormat": legend,
            "instant": kind == "table",
        }
        for index, (expression, legend) in enumerate(drawn)
    ]
    defaults = {"unit": unit, "min": 0}
    return {
        "id": number,
        "title": title,
        "type": kind,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": targets,
    }


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _instance() -> dict[str, Any]:
    return {
        "name": "instance",
        "type": "query",
        "datasource": _SOURCE,
        "query": "label_values(niassa_orch_uptime_seconds, instance)",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
    }


def text() -> str:
    """The file as it should be."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
