"""The dashboard and the alerts speak of metrics and labels that exist, and every metric is looked at somewhere."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from generator.dashboard import PANELS

from pointsman.telemetry.metrics import METRICS
from support.docs import REPOSITORY

MONITORING = REPOSITORY / "examples/monitoring"
LABELS = {m.name: {*m.labels, *(("le",) if m.edges else ())} for m in METRICS}
ALERTS = {r["alert"]: r for g in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"] for r in g["rules"]}
QUERIES = {p.title: p.query for p in PANELS} | {name: rule["expr"] for name, rule in ALERTS.items()}
_NAME = re.compile(r"\b(pointsman_\w+?)(_bucket|_sum|_count)?\b(?:\{([^}]*)\})?")


def uses(query: str) -> list[tuple[str, set[str]]]:
    """Metrics of a query, with the labels it selects by."""
    found = []
    for name, suffix, selector in _NAME.findall(query):
        assert name in LABELS, f"{name}: there is no such metric"
        assert bool(suffix) == ("le" in LABELS[name]), f"{name}{suffix}"
        found.append((name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))))
    return found


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_query_selects_and_groups_by_labels_its_metrics_have(query: str):
    used = uses(query)
    grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", query) for label in group.split(",")}
    for name, selected in used:
        assert selected <= LABELS[name], name
    assert not used or grouped <= set.union(*(LABELS[name] for name, _ in used))
    assert query.count("(") == query.count(")")


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_tells_only_labels_that_its_query_keeps(name: str):
    rule = ALERTS[name]
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    groups = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
    kept = {label.strip() for label in groups[0].split(",")} if groups else {x for n, _ in uses(rule["expr"]) for x in LABELS[n]}
    assert told <= kept
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_a_misspelt_metric_would_be_noticed():
    with pytest.raises(AssertionError, match="no such metric"):
        uses("rate(pointsman_request_total[5m])")


def test_every_counter_of_trouble_is_shown():
    """What has no picture, and why not, stands here."""
    shown = {name for query in QUERIES.values() for name, _ in uses(query)}
    aside = {"lossy_requests_total", "workers_current", "snapshot_info", "build_info"}
    aside |= {"migration_info", "migration_candidate_requests"}  # counts, of interest to scripts
    aside |= {"snapshot_loaded_timestamp_seconds", "dropped_spans_total", "undelivered_alerts_total", "alert_firing"}
    aside |= {"kept_bodies_total", "dropped_bodies_total"}  # a sample for reading, off unless asked for
    assert {m.name for m in METRICS} - shown == {f"pointsman_{name}" for name in aside}


def test_the_scrape_configuration_names_the_admin_listener_and_the_alerts():
    scrape = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    assert scrape["rule_files"] == ["alerts.yml"]
    assert scrape["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:8081"]
    assert json.loads((MONITORING / "dashboard.json").read_text())["panels"]
