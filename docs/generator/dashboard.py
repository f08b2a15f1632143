"""`examples/monitoring/dashboard.json`: what Grafana shows of a gateway, panel by panel."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

__all__ = ["PANELS", "Panel", "dashboard"]

_RANGE = "$__rate_interval"
_WHERE = "{{route}} → {{variant}}"
_HERE = 'route=~"$route"'


class Panel(NamedTuple):
    """One picture: a query, how its lines are called, and Grafana's word for the unit."""

    title: str
    query: str
    legend: str
    unit: str
    about: str = ""


def _rate(metric: str, by: str, where: str = _HERE) -> str:
    return f"sum by ({by}) (rate({metric}{{{where}}}[{_RANGE}]))"


def _quantile(metric: str, q: float, by: str = "route") -> str:
    return f"histogram_quantile({q:g}, {_rate(f'{metric}_bucket', f'le, {by}')})"


def _share(part: str, whole: str, where: str = _HERE) -> str:
    return f"{_rate(part, 'route, variant', where)} / {_rate(whole, 'route, variant')}"


def _migration(metric: str, by: str = "") -> str:
    """Every gateway on one store tells the same of it, so the largest is taken and not the sum."""
    return f"max by (route, migration{by}) (pointsman_migration_{metric}{{{_HERE}}})"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Traffic": (
        Panel("Requests", _rate("pointsman_requests_total", "route, variant"), _WHERE, "reqps"),
        Panel("Answers by status", _rate("pointsman_requests_total", "status"), "{{status}}", "reqps",
              "499: the client left first"),
        Panel("Share of each variant",
              f"{_rate('pointsman_requests_total', 'route, variant')}"
              f" / on (route) group_left {_rate('pointsman_requests_total', 'route')}",
              _WHERE, "percentunit"),
        Panel("In flight", "sum by (worker) (pointsman_in_flight)", "worker {{worker}}", "short"),
    ),
    "Time": (
        Panel("First byte, p50", _quantile("pointsman_first_byte_seconds", 0.5), "{{route}}", "s"),
        Panel("First byte, p95", _quantile("pointsman_first_byte_seconds", 0.95), "{{route}}", "s"),
        Panel("Whole request, p95", _quantile("pointsman_request_seconds", 0.95), "{{route}}", "s"),
        Panel("The gateway's own part, p99", _quantile("pointsman_overhead_seconds", 0.99), "{{route}}", "s",
              "Time to the first byte that was not spent waiting for providers"),
    ),
    "Money": (
        Panel("Dollars an hour", f"3600 * {_rate('pointsman_cost_usd_total', 'route, variant')}", _WHERE, "currencyUSD"),
        Panel("Dollars an hour, by tenant", f"3600 * {_rate('pointsman_cost_usd_total', 'tenant')}", "{{tenant}}", "currencyUSD"),
        Panel("Tokens", _rate("pointsman_tokens_total", "variant, direction"), "{{variant}} {{direction}}", "short"),
        Panel("Requests without a whole price", _rate("pointsman_unpriced_requests_total", "variant"), "{{variant}}", "reqps"),
    ),
    "Providers": (
        Panel("Failed attempts", _rate("pointsman_attempt_failures_total", "variant, failure"),
              "{{variant}} {{failure}}", "reqps"),
        Panel("Answered by a fallback", _rate("pointsman_fallbacks_total", "route, variant"), _WHERE, "reqps"),
        Panel("Streams that broke off", _rate("pointsman_broken_streams_total", "route, variant"), _WHERE, "reqps"),
        Panel("Breakers that are open", "sum by (variant) (pointsman_open_breakers)", "{{variant}}", "short",
              "In how many workers"),
    ),
    "Variants side by side: how good": (
        Panel("Failed attempts", _share("pointsman_attempt_failures_total", "pointsman_attempts_total"), _WHERE, "percentunit"),
        Panel("Refusals", _share("pointsman_answers_total", "pointsman_answers_total",
              f'{_HERE}, finish=~"refusal|content_filter"'), _WHERE, "percentunit"),
        Panel("Truncated answers", _share("pointsman_answers_total", "pointsman_answers_total", f'{_HERE}, finish="length"'),
              _WHERE, "percentunit"),
        Panel("Satisfaction", _share("pointsman_rating_sum_total", "pointsman_ratings_total"), _WHERE, "percentunit",
              "Mean of the ratings by `POST /v1/feedback`"),
    ),
    "Variants side by side: how fast and how dear": (
        Panel("Answer, p95", _quantile("pointsman_answer_seconds", 0.95, "route, variant"), _WHERE, "s"),
        Panel("First token, p95", _quantile("pointsman_first_token_seconds", 0.95, "route, variant"), _WHERE, "s"),
        Panel("Cost per request", _share("pointsman_cost_usd_total", "pointsman_requests_total"), _WHERE, "currencyUSD"),
        Panel("Attempts per request", _share("pointsman_attempts_total", "pointsman_requests_total"), _WHERE, "short",
              "Above 1: retries"),
    ),
    "Migrations": (
        Panel("The candidate's share", _migration("candidate_ratio"), "{{route}}", "percentunit", "Of new users"),
        Panel("Evidence of harm", _migration("evidence_ratio", ", check"), "{{route}} {{check}}", "percentunit",
              "A guardrail at 100 % rolls back"),
        Panel("The candidate's users", _migration("candidate_units"), "{{route}}", "short"),
        Panel("The candidate's cost", _migration("spent_usd"), "{{route}}", "currencyUSD"),
    ),
    "Migrations: how far": (
        Panel("Status", f"{_migration('status', ', status')} == 1", "{{route}} {{status}}", "short"),
        Panel("Phase", _migration("phase"), "{{route}}", "short", "From 0"),
        Panel("Waits", f"{_migration('waiting', ', reason')} == 1", "{{route}} {{reason}}", "short"),
        Panel("Controller last heard", f"min by (route) (pointsman_migration_silent_seconds{{{_HERE}}})", "{{route}}", "s",
              "When it grows, nobody decides"),
    ),
    "Migrations: shadow": (
        Panel("Pairs compared", _migration("shadow_pairs"), "{{route}}", "short"),
        Panel("Not mirrored, by reason", f"sum by (reason) (increase(pointsman_unmirrored_requests_total[{_RANGE}]))",
              "{{reason}}", "short", "Drawn for the shadow, and left out"),
    ),
    "The gateway itself": (
        Panel("Event loop lag", "max by (worker) (pointsman_event_loop_lag_seconds)", "worker {{worker}}", "s",
              "A worker that is late with everything is short of CPU"),
        Panel("Records that wait", "sum(pointsman_unwritten_records)", "unwritten", "short"),
        Panel("Records lost", f"sum by (worker) (increase(pointsman_dropped_records_total[{_RANGE}]))",
              "worker {{worker}}", "short"),
        Panel("Faults, restarts, refused configurations",
              f"sum(increase(pointsman_faults_total[{_RANGE}])) + sum(increase(pointsman_worker_restarts_total[{_RANGE}]))"
              f" + sum(increase(pointsman_reload_failures_total[{_RANGE}]))", "all", "short"),
    ),
}  # fmt: skip
PANELS = tuple(panel for row in ROWS.values() for panel in row)


def dashboard() -> str:
    """The document to import."""
    panels: list[dict[str, Any]] = []
    for y, (title, row) in enumerate(ROWS.items()):
        panels.append({"type": "row", "title": title, "gridPos": {"x": 0, "y": y * 9, "w": 24, "h": 1}})
        panels += [_panel(panel, x, y) for x, panel in enumerate(row)]
    document = {
        "title": "Pointsman gateway",
        "uid": "pointsman-gateway",
        "schemaVersion": 39,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
            {"name": "route", "type": "query", "label": "Route", "multi": True, "includeAll": True, "allValue": ".*",
             "datasource": _SOURCE, "query": "label_values(pointsman_requests_total, route)", "refresh": 2},
        ]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }  # fmt: skip
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def _panel(panel: Panel, x: int, y: int) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": {"x": x * 6, "y": y * 9 + 1, "w": 6, "h": 8},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, "custom": {"fillOpacity": 10}}, "overrides": []},
        "targets": [{"refId": "A", "datasource": _SOURCE, "expr": panel.query, "legendFormat": panel.legend}],
    }
