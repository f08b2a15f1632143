"""What is counted: one table of names, units and meanings, from which both the code and the docs are made.

The text format is Prometheus's (https://prometheus.io/docs/instrumenting/exposition_formats/). It is written
here and not by its client library, because money is summed exactly, as decimals, and because the counts of all
workers meet in one process anyway. Labels take only names from the configuration, so their number is bounded.
"""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from pointsman import __version__
from pointsman.core.served import Served
from pointsman.core.units import add_usd, usd_text
from pointsman.telemetry.batch import Batch

__all__ = ["LABELS", "METRICS", "Metric", "Metrics", "Samples"]

_LATENCY_EDGES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_OVERHEAD_EDGES_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets."""


_WHERE = ("route", "variant")
_MOVE = ("migration", "route")
METRICS: tuple[Metric, ...] = (
    Metric(name="pointsman_requests_total", kind="counter", unit="requests", labels=(*_WHERE, "protocol", "tenant", "status"),
           meaning="Requests that are over, by what the client was told; 499 if it left first."),
    Metric(name="pointsman_fallbacks_total", kind="counter", unit="requests", labels=_WHERE,
           meaning="Requests answered by another variant than the chosen one."),
    Metric(name="pointsman_broken_streams_total", kind="counter", unit="requests", labels=_WHERE,
           meaning="Streams that ended with an error after their first byte."),
    Metric(name="pointsman_lossy_requests_total", kind="counter", unit="requests", labels=_WHERE,
           meaning="Requests of which the provider's protocol could not say everything."),
    Metric(name="pointsman_attempts_total", kind="counter", unit="attempts", labels=_WHERE,
           meaning="Calls to providers, retries included."),
    Metric(name="pointsman_attempt_failures_total", kind="counter", unit="attempts", labels=(*_WHERE, "failure"),
           meaning="Calls to providers that failed, by class."),
    Metric(name="pointsman_tokens_total", kind="counter", unit="tokens", labels=(*_WHERE, "direction", "source"),
           meaning="Tokens read and written, by whose count it is."),
    Metric(name="pointsman_cost_usd_total", kind="counter", unit="US dollars", labels=(*_WHERE, "tenant"),
           meaning="What requests cost, exactly, where the price is known."),
    Metric(name="pointsman_unpriced_requests_total", kind="counter", unit="requests", labels=_WHERE,
           meaning="Requests that used something whose price nobody knows, in whole or in part."),
    Metric(name="pointsman_request_seconds", kind="histogram", unit="seconds", labels=("route",), edges=_LATENCY_EDGES_S,
           meaning="From a request's arrival to the last byte of its answer."),
    Metric(name="pointsman_first_byte_seconds", kind="histogram", unit="seconds", labels=("route",), edges=_LATENCY_EDGES_S,
           meaning="From a request's arrival to the first byte of its answer."),
    Metric(name="pointsman_answer_seconds", kind="histogram", unit="seconds", labels=_WHERE, edges=_LATENCY_EDGES_S,
           meaning="From asking the variant that answered to its last byte, where it answered."),
    Metric(name="pointsman_first_token_seconds", kind="histogram", unit="seconds", labels=_WHERE, edges=_LATENCY_EDGES_S,
           meaning="From asking the variant that answered to its first token, where the answer was streamed."),
    Metric(name="pointsman_answers_total", kind="counter", unit="answers", labels=(*_WHERE, "finish"),
           meaning="Answers by why they ended; refusals and truncations among them."),
    Metric(name="pointsman_ratings_total", kind="counter", unit="ratings", labels=_WHERE,
           meaning="Ratings of answers that came in by `POST /v1/feedback`."),
    Metric(name="pointsman_rating_sum_total", kind="counter", unit="ratings", labels=_WHERE,
           meaning="Sum of these ratings, each from 0 to 1; divided by their number it is the satisfaction."),
    Metric(name="pointsman_overhead_seconds", kind="histogram", unit="seconds", labels=("route",), edges=_OVERHEAD_EDGES_S,
           meaning="The part of the time to the first byte that was not spent waiting for providers."),
    Metric(name="pointsman_in_flight", kind="gauge", unit="requests", labels=("worker",), meaning="Requests being served."),
    Metric(name="pointsman_event_loop_lag_seconds", kind="gauge", unit="seconds", labels=("worker",),
           meaning="Largest lateness of a worker's event loop since its last report."),
    Metric(name="pointsman_dropped_records_total", kind="counter", unit="requests", labels=("worker",),
           meaning="Requests that were served but not recorded, because their records could not be written fast enough."),
    Metric(name="pointsman_faults_total", kind="counter", unit="requests", labels=("worker",),
           meaning="Requests that met a fault of the gateway's own; what it was stands on stderr."),
    Metric(name="pointsman_open_breakers", kind="gauge", unit="workers", labels=("variant",),
           meaning="How many workers do not ask a variant at the moment, because it kept failing."),
    Metric(name="pointsman_unwritten_records", kind="gauge", unit="requests", meaning="Records that wait for the ledger."),
    Metric(name="pointsman_unlogged_requests_total", kind="counter", unit="requests",
           meaning="Requests whose line the access log would not take; the ledger has them all the same."),
    Metric(name="pointsman_unfit_records_total", kind="counter", unit="requests",
           meaning="Requests whose record the ledger cannot hold, such as a count beyond 64 bits; each is named on stderr."),
    Metric(name="pointsman_kept_bodies_total", kind="counter", unit="requests",
           meaning="Requests whose bodies were drawn, redacted and written (`store.bodies`)."),
    Metric(name="pointsman_dropped_bodies_total", kind="counter", unit="requests",
           meaning="Requests whose bodies were drawn and not kept: there was no room, or they could not be redacted."),
    Metric(name="pointsman_dropped_spans_total", kind="counter", unit="requests",
           meaning="Requests whose spans the OpenTelemetry collector did not get."),
    Metric(name="pointsman_unmirrored_requests_total", kind="counter", unit="requests", labels=("worker", "reason"),
           meaning="Requests that were drawn for a shadow and not mirrored."),
    Metric(name="pointsman_alert_firing", kind="gauge", unit="1", labels=("rule", *_WHERE),
           meaning="1 while an alert of `pointsman.yaml` fires."),
    Metric(name="pointsman_undelivered_alerts_total", kind="counter", unit="notices",
           meaning="Notices of alerts that a receiver did not take."),
    Metric(name="pointsman_migration_info", kind="gauge", unit="1", labels=(*_MOVE, "baseline", "candidate"),
           meaning="The newest migration of a route, until a day after its end; every gateway on one store tells the same."),
    Metric(name="pointsman_migration_status", kind="gauge", unit="1", labels=(*_MOVE, "status"),
           meaning="1 for the status it has, 0 for the others."),
    Metric(name="pointsman_migration_waiting", kind="gauge", unit="1", labels=(*_MOVE, "reason"),
           meaning="1 while it goes no further for that reason."),
    Metric(name="pointsman_migration_phase", kind="gauge", unit="1", labels=_MOVE,
           meaning="Number of the phase it is in, from 0."),
    Metric(name="pointsman_migration_candidate_ratio", kind="gauge", unit="ratio", labels=_MOVE,
           meaning="Share of new users or conversations that get the candidate."),
    Metric(name="pointsman_migration_evidence_ratio", kind="gauge", unit="ratio", labels=(*_MOVE, "check"),
           meaning="Evidence of harm as a share of what a rollback needs: a guardrail at 1 rolls back."),
    Metric(name="pointsman_migration_candidate_units", kind="gauge", unit="units", labels=_MOVE,
           meaning="Users or conversations that have had the candidate."),
    Metric(name="pointsman_migration_candidate_requests", kind="gauge", unit="requests", labels=_MOVE,
           meaning="Requests that were tried with the candidate."),
    Metric(name="pointsman_migration_shadow_pairs", kind="gauge", unit="pairs", labels=_MOVE,
           meaning="Mirrored requests that were compared."),
    Metric(name="pointsman_migration_spent_usd", kind="gauge", unit="US dollars", labels=_MOVE,
           meaning="What the candidate has cost."),
    Metric(name="pointsman_migration_silent_seconds", kind="gauge", unit="seconds", labels=_MOVE,
           meaning="Time since a controller last said how it stands; when it grows, nobody decides."),
    Metric(name="pointsman_reload_failures_total", kind="counter", unit="reloads",
           meaning="Configurations that were refused; the last good one stayed in force."),
    Metric(name="pointsman_worker_restarts_total", kind="counter", unit="processes",
           meaning="Workers that died and were replaced."),
    Metric(name="pointsman_workers_current", kind="gauge", unit="processes",
           meaning="Workers that serve the configuration in force."),
    Metric(name="pointsman_snapshot_info", kind="gauge", unit="1", labels=("snapshot",),
           meaning="The configuration in force, by its hash."),
    Metric(name="pointsman_snapshot_loaded_timestamp_seconds", kind="gauge", unit="Unix seconds",
           meaning="When the configuration in force was read."),
    Metric(name="pointsman_build_info", kind="gauge", unit="1", labels=("version", "python"), meaning="What is running."),
)  # fmt: skip

LABELS: dict[str, str] = {
    "route": "A route of `pointsman.yaml`; empty for requests that reached none: no key, no such model, not JSON.",
    "variant": "A variant of `pointsman.yaml`: the one that answered or failed last, for attempts the one that was asked.",
    "tenant": "A tenant of `pointsman.yaml`; `anybody` where nobody needs a key, empty where the key was missing or unknown.",
    "protocol": "What the client spoke: `openai_chat`, `openai_responses`, `openai_embeddings`, `anthropic_messages`, `gemini`.",
    "status": "The HTTP status of the answer; `499` if the client left first. Of a migration: `running`, `completed` (everybody "
    "has the candidate), `closed`, `rolled_back` or `aborted`.",
    "finish": "Why an answer ended, in the words of OpenAI's protocol where it has one; `none` where the provider did not say.",
    "migration": "Id of a migration; only the newest of each route has samples.",
    "baseline": "The variant a migration leaves.",
    "candidate": "The variant a migration goes to.",
    "check": "A check's name in `migration.yaml`.",
    "reason": "Why a migration waits: `paused` by a person, `held` by the evidence, or `approval` by a person "
    "asked for. Why a request was not mirrored: "
    "`budget`, `effects`, `queue full`, `rate limit`, `too large`, `no answer` (of the baseline), `fault`.",
    "rule": "An alert's name in `pointsman.yaml`, or one of the usual ones.",
    "failure": "The [class of the failure](../concepts/providers.md).",
    "direction": "`input` or `output`.",
    "source": "`provider`, or `estimated` where the provider did not say.",
    "worker": "Number of the worker, from 0.",
    "snapshot": "Hash of a configuration.",
    "version": "Of Pointsman.",
    "python": "Version of Python.",
}
"""What each label takes for values."""

_Labels = tuple[str, ...]
Samples = dict[str, dict[_Labels, float]]
"""Values by metric and by its labels."""


class Metrics:
    """Counts of all workers since the start."""

    def __init__(self) -> None:
        self._counts: Samples = {m.name: {} for m in METRICS if m.kind == "counter"}
        self._gauges: Samples = {m.name: {} for m in METRICS if m.kind == "gauge"}
        self._histograms: dict[str, dict[_Labels, _Histogram]] = {m.name: {} for m in METRICS if m.kind == "histogram"}
        self._edges = {m.name: m.edges for m in METRICS if m.kind == "histogram"}
        self._usd: dict[_Labels, Decimal] = {}
        self._workers: dict[int, Batch] = {}
        self._variants: tuple[str, ...] = ()
        self._snapshot = ""
        self._gauges["pointsman_build_info"][__version__, platform.python_version()] = 1
        self.reload_failures = 0
        self.worker_restarts = 0
        self.unwritten = 0
        self.unlogged = 0
        self.unfit = 0
        self.kept_bodies = 0
        self.dropped_bodies = 0
        self.dropped_spans = 0
        self.undelivered_alerts = 0
        self.firing: Iterable[_Labels] = ()
        """(rule, route, variant) of the alerts that fire."""
        self.migrations: Samples = {}
        """How migrations stand; what is not in it has no samples."""

    def serving(self, snapshot: str, variants: Iterable[str], at_s: float) -> None:
        """Another configuration is in force since `at_s` (Unix seconds), with these variants."""
        self._snapshot, self._variants = snapshot, tuple(variants)
        self._gauges["pointsman_snapshot_info"] = {(snapshot,): 1}
        self._gauges["pointsman_snapshot_loaded_timestamp_seconds"][()] = at_s

    def died(self, worker: int) -> None:
        """A worker is gone, and with it what only it knew of the moment."""
        self.worker_restarts += 1
        self._workers.pop(worker, None)
        for name in ("pointsman_in_flight", "pointsman_event_loop_lag_seconds"):
            self._gauges[name].pop((str(worker),), None)

    def rate(self, route: str, variant: str, score: float) -> None:
        """Take in a rating, from 0 to 1, of an answer of that variant."""
        self._add("ratings", (route, variant))
        self._add("rating_sum", (route, variant), score)

    def report(self, batch: Batch) -> None:
        """Take in what a worker reports."""
        worker = (str(batch.worker),)
        self._gauges["pointsman_in_flight"][worker] = batch.in_flight
        self._gauges["pointsman_event_loop_lag_seconds"][worker] = batch.lag_s
        self._counts["pointsman_dropped_records_total"][worker] = batch.dropped
        self._counts["pointsman_faults_total"][worker] = batch.faults
        for reason, count in batch.unmirrored.items():
            self._counts["pointsman_unmirrored_requests_total"][(*worker, reason)] = count
        self.dropped_bodies += batch.dropped_bodies
        self._workers[batch.worker] = batch
        for served in batch.served:
            self._take(served)

    def exposition(self) -> str:
        """All of it in Prometheus's text format."""
        self._gauges["pointsman_unwritten_records"][()] = self.unwritten
        self._counts["pointsman_unlogged_requests_total"][()] = self.unlogged
        self._counts["pointsman_unfit_records_total"][()] = self.unfit
        self._counts["pointsman_kept_bodies_total"][()] = self.kept_bodies
        self._counts["pointsman_dropped_bodies_total"][()] = self.dropped_bodies
        self._counts["pointsman_dropped_spans_total"][()] = self.dropped_spans
        self._counts["pointsman_undelivered_alerts_total"][()] = self.undelivered_alerts
        self._gauges["pointsman_alert_firing"] = dict.fromkeys(self.firing, 1)
        for metric in METRICS:
            if metric.name.startswith("pointsman_migration_"):
                self._gauges[metric.name] = self.migrations.get(metric.name, {})
        self._counts["pointsman_reload_failures_total"][()] = self.reload_failures
        self._counts["pointsman_worker_restarts_total"][()] = self.worker_restarts
        now = self._workers.values()
        self._gauges["pointsman_workers_current"][()] = sum(w.snapshot == self._snapshot for w in now)
        self._gauges["pointsman_open_breakers"] = {(v,): sum(v in w.open_breakers for w in now) for v in self._variants}
        lines: list[str] = []
        for metric in METRICS:
            lines += (f"# HELP {metric.name} {metric.meaning} Unit: {metric.unit}.", f"# TYPE {metric.name} {metric.kind}")
            lines += self._samples(metric)
        return "\n".join(lines) + "\n"

    def _samples(self, metric: Metric) -> list[str]:
        name = metric.name
        if metric.kind == "histogram":
            found = sorted(self._histograms[name].items())
            return [line for labels, histogram in found for line in histogram.lines(metric, labels)]
        if name == "pointsman_cost_usd_total":
            return [f"{name}{_text(metric.labels, labels)} {usd_text(usd)}" for labels, usd in sorted(self._usd.items())]
        values: Mapping[_Labels, float] = self._counts[name] if metric.kind == "counter" else self._gauges[name]
        return [f"{name}{_text(metric.labels, labels)} {_number(value)}" for labels, value in sorted(values.items())]

    def _take(self, served: Served) -> None:
        where = route, _ = (served.route or "", served.variant or "")
        exchange = served.exchange
        self._add("requests", (*where, served.protocol, served.tenant or "", str(served.status)))
        if served.fell_back:
            self._add("fallbacks", where)
        if served.released and 200 <= served.status < 300 and exchange.failure is not None:
            self._add("broken_streams", where)
        if served.losses:
            self._add("lossy_requests", where)
        for attempt in exchange.attempts if served.variant is not None else ():
            asked = (route, attempt.variant or served.variant or "")
            self._add("attempts", asked)
            if attempt.failure is not None:
                self._add("attempt_failures", (*asked, attempt.failure.kind))
        self._money(served, where)
        self._observe("request", (route,), served.total_s)
        if served.first_byte_s is not None:
            self._observe("first_byte", (route,), served.first_byte_s)
        if served.overhead_s is not None:
            self._observe("overhead", (route,), served.overhead_s)
        if exchange.failure is None and served.variant is not None and exchange.attempts:
            self._answer(served, where)

    def _answer(self, served: Served, where: _Labels) -> None:
        exchange = served.exchange
        self._add("answers", (*where, exchange.finish or "none"))
        if exchange.latency_s:
            self._observe("answer", where, exchange.latency_s)
        if exchange.ttft_s:
            self._observe("first_token", where, exchange.ttft_s)

    def _money(self, served: Served, where: _Labels) -> None:
        usage, cost = served.exchange.usage, served.exchange.cost
        for variant, used in ((where[1], usage), *((a.variant or where[1], a.usage) for a in served.exchange.attempts)):
            if used is not None:
                self._add("tokens", (where[0], variant, "input", used.source), used.total_input_tokens or 0)
                self._add("tokens", (where[0], variant, "output", used.source), used.total_output_tokens or 0)
        if usage is not None and (cost is None or not cost.complete):
            self._add("unpriced_requests", where)
        if cost is not None:
            labels = (*where, served.tenant or "")
            self._usd[labels] = add_usd(self._usd.get(labels, Decimal(0)), cost.usd)

    def _add(self, what: str, labels: _Labels, count: float = 1) -> None:
        counts = self._counts[f"pointsman_{what}_total"]
        counts[labels] = counts.get(labels, 0) + count

    def _observe(self, what: str, labels: _Labels, seconds: float) -> None:
        name = f"pointsman_{what}_seconds"
        found = self._histograms[name].get(labels)
        if found is None:
            found = self._histograms[name][labels] = _Histogram(self._edges[name])
        found.add(seconds)


class _Histogram:
    __slots__ = ("_buckets", "_edges", "_sum")

    def __init__(self, edges: tuple[float, ...]) -> None:
        self._edges = edges
        self._buckets = [0] * (len(edges) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._buckets[bisect_left(self._edges, value)] += 1
        self._sum += value

    def lines(self, metric: Metric, labels: _Labels) -> list[str]:
        lines, reached = [], 0
        for edge, count in zip((*self._edges, None), self._buckets, strict=True):
            reached += count
            bound = "+Inf" if edge is None else f"{edge:g}"
            lines.append(f"{metric.name}_bucket{_text((*metric.labels, 'le'), (*labels, bound))} {reached}")
        lines.append(f"{metric.name}_sum{_text(metric.labels, labels)} {self._sum!r}")
        lines.append(f"{metric.name}_count{_text(metric.labels, labels)} {reached}")
        return lines


def _text(names: tuple[str, ...], values: _Labels) -> str:
    if not names:
        return ""
    pairs = (f'{n}="{_escaped(v)}"' for n, v in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.16g}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
