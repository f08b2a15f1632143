"""A real OTLP/HTTP collector for the length of a `with` block: it decodes what it is sent and keeps it."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def plain(value: Any) -> Any:
    """An attribute's value as Python has it."""
    kind = value.WhichOneof("value")
    return tuple(plain(v) for v in value.array_value.values) if kind == "array_value" else getattr(value, kind)


def attributes_of(thing: Any) -> dict[str, Any]:
    return {a.key: plain(a.value) for a in thing.attributes}


class Collector:
    """What arrived so far."""

    def __init__(self) -> None:
        self.base_url = ""
        self.status = 200
        self.spans: list[Any] = []
        self.resources: list[dict[str, Any]] = []
        self.metrics: dict[str, Any] = {}
        self.headers: list[dict[str, str]] = []
        self.raw = b""
        self.refused = 0

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        if self.status != 200:
            self.refused += 1
            return self.status
        self.headers.append(headers)
        self.raw += body
        if path == "/v1/traces":
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(attributes_of(group.resource))
                self.spans += [span for scope in group.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics |= {m.name: m for scope in group.scope_metrics for m in scope.metrics}
        else:
            return 404
        return 200

    def wait_for(self, spans: int, within_s: float = 20.0) -> list[Any]:
        """All spans, once there are so many."""
        end_s = time.monotonic() + within_s
        while len(self.spans) < spans and time.monotonic() < end_s:
            time.sleep(0.01)
        assert len(self.spans) >= spans, f"{len(self.spans)} of {spans} spans"
        return self.spans


@contextlib.contextmanager
def collector() -> Iterator[Collector]:
    """Listen on a free port."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status = found.take(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
