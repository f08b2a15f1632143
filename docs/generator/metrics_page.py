"""`reference/metrics.md`: what the admin listener counts, from the table that the counters are made of."""

from __future__ import annotations

from generator.markdown import code, page, table
from pointsman.telemetry.metrics import LABELS, METRICS

__all__ = ["pages"]

_HOW = (
    "`GET /metrics` on the admin listener answers in Prometheus's text format, for all workers "
    "together. Labels take their values from `pointsman.yaml` or from closed lists, never from a request: a client that asks for "
    'models nobody serves adds to one series, `route=""`, and makes none.'
)
_MORE = (
    "Ready to use: a [dashboard for Grafana](../../examples/monitoring/dashboard.json), "
    "[alerts](../../examples/monitoring/alerts.yml) and a [scrape configuration](../../examples/monitoring/prometheus.yml)."
)


def pages() -> dict[str, str]:
    """The page, by its path below `reference`."""
    rows = [(code(m.name), m.kind, m.unit, ", ".join(code(label) for label in m.labels), m.meaning) for m in METRICS]
    labels = [(code(name), meaning) for name, meaning in LABELS.items()]
    edges = [(code(m.name), ", ".join(f"{edge:g}" for edge in m.edges)) for m in METRICS if m.edges]
    return {
        "metrics.md": page(
            "Metrics", _HOW, table(("metric", "kind", "unit", "labels", "meaning"), rows),
            "## Labels", table(("label", "values"), labels),
            "## Buckets", table(("histogram", "upper bounds, in seconds"), edges), _MORE,
        )
    }  # fmt: skip
