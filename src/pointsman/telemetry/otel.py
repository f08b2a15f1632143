"""Records as OpenTelemetry spans and metrics, sent by OTLP over HTTP from a thread of its own.

Needs the extra `otel`. Requests never wait for it: records that find no room, or that the collector
does not take, are dropped and counted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from pointsman import __version__
from pointsman.core.exchange import Attempt
from pointsman.core.served import Served
from pointsman.telemetry.gen_ai import (
    HISTOGRAMS,
    Asked,
    Attributes,
    attempt_attributes,
    error_type,
    operation,
    request_attributes,
)
from pointsman.telemetry.ring import Ring
from pointsman.telemetry.trace_context import TraceContext, span_id, trace_of

__all__ = ["OtelExport"]

_CAPACITY = 20_000
_BATCH = 500
_WAIT_S = 0.5
_DIMENSIONS = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
    "server.port",
    "error.type",
)


class OtelExport:
    """Takes records in and sends them on until it is closed."""

    def __init__(
        self,
        *,
        endpoint: str | None,
        headers: Mapping[str, str],
        service: str | None,
        ratio: float,
        metrics_every_s: float,
        say: Callable[[str], None],
    ) -> None:
        """`endpoint` is the collector's base address; what is None or empty is as the OTEL_… variables have it."""
        # What goes wrong we say ourselves: once, and not a line for each try.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        self.ratio = ratio
        self.dropped = 0
        """Records whose spans nobody got."""
        self._say = say
        self._trouble = False
        self._variants: dict[str, Mapping[str, Asked]] = {}
        self._ring: Ring[Served] = Ring(_CAPACITY)
        base = endpoint.rstrip("/") if endpoint else None
        given = dict(headers) or None
        named = {"service.name": service} if service else {}
        resource = Resource.create({"service.version": __version__, **named})
        self._spans = OTLPSpanExporter(endpoint=base and f"{base}/v1/traces", headers=given)
        self._collected = _Collected()
        self._ids = _Ids()
        tracing = TracerProvider(sampler=ALWAYS_ON, resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        tracing.add_span_processor(self._collected)
        self._tracer = tracing.get_tracer("pointsman", __version__)
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(endpoint=base and f"{base}/v1/metrics", headers=given),
            export_interval_millis=metrics_every_s * 1000,
        )
        self._metering = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        meter = self._metering.get_meter("pointsman", __version__)
        self._histograms: dict[str, Histogram] = {
            name: meter.create_histogram(name, unit, meaning, explicit_bucket_boundaries_advisory=edges)
            for name, (unit, meaning, edges) in HISTOGRAMS.items()
        }
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="otel", daemon=True)
        self._thread.start()

    def serving(self, snapshot: str, variants: Mapping[str, Asked]) -> None:
        """What the variants of a configuration are; those before it are remembered for requests under way."""
        self._variants = {**dict(list(self._variants.items())[-7:]), snapshot: variants}

    def offer(self, served: Sequence[Served]) -> None:
        """Take records in; never waits."""
        before = self._ring.dropped
        for one in served:
            self._ring.offer(one)
        self.dropped += self._ring.dropped - before
        self._wake.set()

    def close(self, within_s: float = 3.0) -> None:
        """Send what is left, for about so many seconds at most."""
        self._closing = True
        self._wake.set()
        self._thread.join(within_s)
        self._spans.shutdown()  # type: ignore[no-untyped-call]  # the library says nothing of it
        self._thread.join(1.0)
        self._metering.shutdown(timeout_millis=within_s * 1000)
        self.dropped += len(self._ring)

    def _run(self) -> None:
        while True:
            self._wake.wait(_WAIT_S)
            self._wake.clear()
            while len(self._ring) and not (self._closing and self._trouble):
                self._send(self._ring.take(_BATCH))
            if self._closing:
                return

    def _send(self, batch: list[Served]) -> None:
        for served in batch:
            variants = self._variants.get(served.snapshot or "", {})
            calls = [attempt_attributes(served, n, variants) for n in range(len(_calls(served)))]
            self._measure(served, calls)
            trace = trace_of(served.decision, served.traceparent, self.ratio)
            if trace.sampled:
                self._write(served, trace, calls)
        spans = self._collected.take()
        if not spans:
            return
        if self._spans.export(spans) is SpanExportResult.SUCCESS:
            self._trouble = False
            return
        self.dropped += sum(span.kind is SpanKind.SERVER for span in spans)
        if not self._trouble:
            self._say("the OpenTelemetry collector does not take spans; they are dropped and counted until it does")
        self._trouble = True

    def _write(self, served: Served, trace: TraceContext, calls: list[Attributes]) -> None:
        """One span for the request, below it one for each call to a provider."""
        ended_s = served.at_s + served.total_s
        self._ids.next(trace.trace_id, span_id(served.decision, 0))
        said = request_attributes(served)
        root = self._tracer.start_span(
            _name(served, said), _context(trace), SpanKind.SERVER, attributes=said, start_time=_ns(served.at_s)
        )
        below = set_span_in_context(root, Context())
        for number, (attempt, attributes) in enumerate(zip(_calls(served), calls, strict=True), 1):
            self._ids.next(trace.trace_id, span_id(served.decision, number))
            call = self._tracer.start_span(
                _name(served, attributes), below, SpanKind.CLIENT, attributes=attributes, start_time=_ns(attempt.started_s)
            )
            if attempt.failure is not None:
                call.set_status(Status(StatusCode.ERROR))
            call.end(_ns(attempt.started_s + attempt.duration_s))
        if served.status >= 500 or (served.released and served.status == 200 and served.exchange.failure is not None):
            root.set_status(Status(StatusCode.ERROR))
        root.end(_ns(ended_s))

    def _measure(self, served: Served, calls: list[Attributes]) -> None:
        histograms = self._histograms
        for attempt, attributes in zip(_calls(served), calls, strict=True):
            told = _dimensions(attributes)
            if attempt.timed:
                histograms["gen_ai.client.operation.duration"].record(attempt.duration_s, told)
            if attempt.ttft_s is not None:
                histograms["gen_ai.client.operation.time_to_first_chunk"].record(attempt.ttft_s, told)
            for kind in ("input", "output"):
                tokens = attributes.get(f"gen_ai.usage.{kind}_tokens")
                if isinstance(tokens, int):
                    histograms["gen_ai.client.token.usage"].record(tokens, {**told, "gen_ai.token.type": kind})
        error = error_type(served)
        provider = calls[-1].get("gen_ai.provider.name") if calls else None
        told = _dimensions({
            "gen_ai.operation.name": operation(served),
            **({"gen_ai.request.model": served.route} if served.route is not None else {}),
            **({"gen_ai.provider.name": provider} if provider is not None else {}),
            **({"error.type": error} if error is not None else {}),
        })  # fmt: skip
        histograms["gen_ai.server.request.duration"].record(served.total_s, told)
        if served.first_byte_s is not None and error is None:
            histograms["gen_ai.server.time_to_first_token"].record(served.first_byte_s, told)


class _Collected(SpanProcessor):
    """Holds spans that have ended until they are taken. One thread writes and takes."""

    def __init__(self) -> None:
        self._spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self._spans.append(span)

    def take(self) -> list[ReadableSpan]:
        taken, self._spans = self._spans, []
        return taken


class _Id(NamedTuple):
    trace: int
    span: int


class _Ids(IdGenerator):
    """Gives the next span the ids it was told."""

    def __init__(self) -> None:
        self._id = _Id(1, 1)

    def next(self, trace: int, span: int) -> None:
        self._id = _Id(trace, span)

    def generate_trace_id(self) -> int:
        return self._id.trace

    def generate_span_id(self) -> int:
        return self._id.span


def _calls(served: Served) -> Sequence[Attempt]:
    """Attempts that reached for a provider: a request we refused ourselves has one that did not."""
    return [a for a in served.exchange.attempts if a.variant is not None]


def _context(trace: TraceContext) -> Context:
    if trace.parent_id is None:
        return Context()
    parent = SpanContext(trace.trace_id, trace.parent_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    span: Span = NonRecordingSpan(parent)
    return set_span_in_context(span, Context())


def _name(served: Served, attributes: Attributes) -> str:
    """`chat gpt-5`: what the conventions call a span."""
    return f"{operation(served)} {attributes.get('gen_ai.request.model', '')}".rstrip()


def _dimensions(attributes: Attributes) -> Attributes:
    return {name: attributes[name] for name in _DIMENSIONS if name in attributes}


def _ns(at_s: float) -> int:
    return round(at_s * 1e9)
