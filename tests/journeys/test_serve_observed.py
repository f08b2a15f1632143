"""What `pointsman serve` tells of the requests it served: metrics, spans, access log, headers and ledger say the same."""

import json
import urllib.error
import urllib.request
from decimal import Decimal
from hashlib import sha256

from prometheus_client.parser import text_string_to_metric_families

from support.gateway import variant
from support.otlp import attributes_of, collector
from support.scripted_server import scripted_server
from support.serving import ADMIN_KEY, serving, until, with_admin

TENANT_KEY = "pm-tenant-key"
UPSTREAM_KEY = "sk-upstream-secret"
COLLECTOR_KEY = "collector-key"
PROMPT = "the colour of my front door"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def ask(running, model, key=TENANT_KEY, **more):
    """Headers of the answer, whatever its status."""
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], **more}
    headers = {"authorization": f"Bearer {key}", "traceparent": PARENT}
    request = urllib.request.Request(f"{running.openai_url}/chat/completions", data=json.dumps(body).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            reply.read()
            return reply.headers
    except urllib.error.HTTPError as error:
        error.close()
        return error.headers


def config(up, receiver):
    variants = {"good": variant(up.base_url), "bad": variant(up.base_url, model="x+500")}
    routes = {"good": {"variant": "good"}, "saved": {"variant": "bad", "retries": 0, "fallbacks": ["good"]}}
    return with_admin(
        {"variants": variants, "routes": routes},
        tenants={"acme": {"keys": ["sha256:" + sha256(TENANT_KEY.encode()).hexdigest()]}},
        otel={"endpoint": receiver.base_url, "headers": {"x-key": COLLECTOR_KEY}, "service_name": "gate"},
        access_log="access.jsonl",
    )


def test_all_that_observes_a_request_says_the_same_and_nothing_secret(tmp_path):
    with scripted_server() as up, collector() as receiver:
        with serving(tmp_path, config(up, receiver), workers=2) as running:
            headers = [ask(running, "good"), ask(running, "saved"), ask(running, "good", stream=True), ask(running, "nobody")]
            headers.append(ask(running, "good", key="wrong"))
            until(lambda: len(running.rows("decision")) == 5, "five records in the ledger")
            roots = until(lambda: [s for s in receiver.spans if s.kind == s.SPAN_KIND_SERVER][4:] and receiver.spans, "spans")
            exposition = running.admin("/metrics")[1]
            shown = json.dumps(running.admin("/snapshot")[1])
            assert running.stop() == 0
            said = running.said(after_end=True)
        log = (tmp_path / "access.jsonl").read_bytes()
        lines = {line["decision"]: line for line in map(json.loads, log.splitlines())}
        ledger = {r["decision"]: r for r in running.rows()}
        spans = {attributes_of(s)["pointsman.decision"]: s for s in roots if s.kind == s.SPAN_KIND_SERVER}
        decisions = {h["x-pointsman-decision"] for h in headers}
        assert set(lines) == set(ledger) == set(spans) == decisions

        for h in headers:
            line, row = lines[h["x-pointsman-decision"]], ledger[h["x-pointsman-decision"]]
            told = attributes_of(spans[h["x-pointsman-decision"]])
            assert line["usd"] == row["usd"] == told.get("pointsman.cost_usd")
            assert line["status"] == row["status"] == told["http.response.status_code"]
            assert h["x-pointsman-variant"] == line["variant"] == told.get("pointsman.variant")
            assert h.get("x-pointsman-cost-usd") == (line["usd"] if not line["stream"] else None)
            assert line["trace"] == PARENT[3:35] == spans[line["decision"]].trace_id.hex()

        assert sorted(line["status"] for line in lines.values()) == [200, 200, 200, 401, 404]
        below = [attributes_of(s) for s in roots if s.kind == s.SPAN_KIND_CLIENT]
        assert sorted((s["pointsman.variant"], s.get("error.type")) for s in below) == sorted(
            [("good", None)] * 3 + [("bad", "transient")], key=str
        )
        assert {s["server.address"] for s in below} == {"127.0.0.1"}

        found = {
            (s.name, *sorted(s.labels.items())): s.value for f in text_string_to_metric_families(exposition) for s in f.samples
        }
        total = sum(Decimal(line["usd"] or 0) for line in lines.values())
        assert [v for k, v in found.items() if k[0] == "pointsman_cost_usd_total" and v] != []
        assert sum(Decimal(str(v)) for k, v in found.items() if k[0] == "pointsman_cost_usd_total") == total
        assert sum(v for k, v in found.items() if k[0] == "pointsman_requests_total") == 5
        assert found["pointsman_workers_current",] == 2
        assert found["pointsman_attempt_failures_total", ("failure", "transient"), ("route", "saved"), ("variant", "bad")] == 1

        assert receiver.metrics["gen_ai.client.operation.duration"].histogram.data_points
        kept = b"".join(p.read_bytes() for p in (tmp_path / ".pointsman").iterdir())
        everything = kept + log + receiver.raw + (exposition + shown + said).encode()
        for secret in (TENANT_KEY, UPSTREAM_KEY, ADMIN_KEY, COLLECTOR_KEY, PROMPT, "wrong"):
            assert secret.encode() not in everything, secret


def test_requests_are_unhurt_by_a_collector_that_is_away(tmp_path):
    """They are answered and recorded, and what nobody got is counted."""
    with scripted_server() as up, collector() as receiver:
        given = config(up, receiver)
        given["gateway"]["otel"] = {"endpoint": receiver.base_url}
        receiver.status = 400
        with serving(tmp_path, given) as running:
            assert all(ask(running, "good")["x-pointsman-variant"] == "good" for _ in range(20))
            until(lambda: running.metric("pointsman_dropped_spans_total") == 20, "twenty counted")
            assert running.metric("pointsman_requests_total", status="200") == 20
            assert running.said().count("OpenTelemetry") == 1
            assert running.stop() == 0
        assert receiver.refused


def test_the_standards_own_variable_is_enough(tmp_path):
    with scripted_server() as up, collector() as receiver:
        given = config(up, receiver)
        del given["gateway"]["otel"]
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.base_url, "OTEL_SERVICE_NAME": "named-by-variable"}
        with serving(tmp_path, given, env=env) as running:
            ask(running, "good")
            assert running.stop() == 0
        assert {r["service.name"] for r in receiver.resources} == {"named-by-variable"}
        assert len(receiver.spans) == 2
