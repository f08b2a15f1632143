"""The exposition, read by Prometheus's own client library."""

import json
import urllib.error
import urllib.request
from decimal import Decimal
from hashlib import sha256

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pointsman.core.exchange import Cost
from pointsman.core.usage import Usage
from pointsman.telemetry.batch import Batch
from pointsman.telemetry.metrics import LABELS, METRICS, Metrics
from support.gateway import gateway, variant
from support.scripted_server import scripted_server
from support.served import attempt, failure, served


def counted(*records, **batch):
    metrics = Metrics()
    metrics.serving("abc", ["main", "spare"], 1_790_000_000.5)
    metrics.report(Batch(**{"worker": 0, "snapshot": "abc", **batch, "served": records}))
    return metrics


def samples(metrics):
    """Value by name and labels, each of which stands there once."""
    found = {}
    for family in text_string_to_metric_families(metrics.exposition()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def value(metrics, name, **labels):
    return samples(metrics).get((name, frozenset(labels.items())))


def test_every_metric_of_the_table_is_told_with_its_kind_and_meaning_and_nothing_else_is():
    families = {f.name: f for f in text_string_to_metric_families(counted(served()).exposition())}
    told = {f"{n}_total" if f.type == "counter" else n: (f.type, f.documentation) for n, f in families.items()}
    assert told == {m.name: (m.kind, f"{m.meaning} Unit: {m.unit}.") for m in METRICS}


def test_the_table_keeps_prometheus_naming():
    """Counters end in `_total`, nothing else does; no name twice; base units; every label is explained, none is for nothing."""
    names = [m.name for m in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.name.startswith("pointsman_")
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert not metric.name.endswith(("_ms", "_milliseconds", "_minutes")), metric.name
        assert bool(metric.edges) == (metric.kind == "histogram"), metric.name
        assert list(metric.edges) == sorted(set(metric.edges)), metric.name
    assert {label for m in METRICS for label in m.labels} == set(LABELS)


def test_a_good_request_counts_once_in_each_place():
    metrics = counted(served())
    where = {"route": "r", "variant": "main"}
    assert value(metrics, "pointsman_requests_total", **where, protocol="openai_chat", tenant="acme", status="200") == 1
    assert value(metrics, "pointsman_attempts_total", **where) == 1
    assert value(metrics, "pointsman_tokens_total", **where, direction="input", source="provider") == 200
    assert value(metrics, "pointsman_tokens_total", **where, direction="output", source="provider") == 100
    assert value(metrics, "pointsman_cost_usd_total", **where, tenant="acme") == 0.00125
    silent = ("fallbacks", "broken_streams", "lossy_requests", "attempt_failures", "unpriced_requests")
    assert [n for (n, _), v in samples(metrics).items() if n in {f"pointsman_{s}_total" for s in silent} and v] == []


def test_each_attempt_counts_for_the_variant_that_was_asked():
    """A failed first one and a fallback that answered: the failure is not the fallback's."""
    record = served(variant="spare", fell_back=True, attempts=(attempt("main", failure=failure("timeout")), attempt("spare")))
    metrics = counted(record)
    assert value(metrics, "pointsman_attempt_failures_total", route="r", variant="main", failure="timeout") == 1
    assert value(metrics, "pointsman_attempt_failures_total", route="r", variant="spare", failure="timeout") is None
    assert value(metrics, "pointsman_attempts_total", route="r", variant="main") == 1
    assert value(metrics, "pointsman_attempts_total", route="r", variant="spare") == 1
    assert value(metrics, "pointsman_fallbacks_total", route="r", variant="spare") == 1


def test_what_a_broken_try_used_counts_for_the_variant_that_used_it():
    cut = attempt("main", failure=failure(), usage=Usage(input_tokens=7, output_tokens=3, source="estimated"))
    metrics = counted(served(variant="spare", fell_back=True, attempts=(cut, attempt("spare"))))
    assert value(metrics, "pointsman_tokens_total", route="r", variant="main", direction="output", source="estimated") == 3
    assert value(metrics, "pointsman_tokens_total", route="r", variant="spare", direction="output", source="provider") == 100


def test_money_is_summed_exactly():
    """A million times a tenth of a millionth of a cent is no rounding error: the text is the decimal sum."""
    metrics = counted()
    tiny = served(cost=Cost(usd=Decimal("0.000000001"), source="test"))
    metrics.report(Batch(worker=0, served=(tiny,) * 3))
    metrics.report(Batch(worker=1, served=(served(cost=Cost(usd=Decimal("123456789.1"), source="test")),)))
    line = next(x for x in metrics.exposition().splitlines() if x.startswith("pointsman_cost_usd_total{"))
    assert line.endswith(" 123456789.100000003")


def test_unknown_prices_are_counted_and_not_taken_for_zero():
    floor = Cost(usd=Decimal(1), source="test", complete=False)
    metrics = counted(served(cost=None), served(cost=floor), served(usage=None, cost=None))
    assert value(metrics, "pointsman_unpriced_requests_total", route="r", variant="main") == 2


@pytest.mark.parametrize(
    "record, broken",
    [
        (served(stream=True, attempts=(attempt(failure=failure()),)), 1),
        (served(stream=True, status=502, attempts=(attempt(failure=failure()),)), None),
        (served(status=499, attempts=(attempt(timed=False),)), None),
    ],
    ids=["broke off", "failed before its first byte", "client left"],
)
def test_only_a_stream_that_had_begun_can_break(record, broken):
    assert value(counted(record), "pointsman_broken_streams_total", route="r", variant="main") == broken


def test_histograms_are_cumulative_and_end_with_everything():
    """Values on an edge belong below it, as Prometheus has it."""
    metrics = counted(*(served(n, total_s=s) for n, s in enumerate((0.005, 0.0051, 0.3, 1e6))))
    found = samples(metrics)
    buckets = {dict(k)["le"]: v for (n, k), v in found.items() if n == "pointsman_request_seconds_bucket"}
    assert buckets["0.005"] == 1
    assert buckets["0.01"] == 2
    assert buckets["0.5"] == 3
    assert buckets["300"] == 3
    assert buckets["+Inf"] == 4 == value(metrics, "pointsman_request_seconds_count", route="r")
    assert value(metrics, "pointsman_request_seconds_sum", route="r") == pytest.approx(1000000.3101)
    assert list(buckets.values()) == sorted(buckets.values())


def test_the_state_of_workers_is_told_and_forgotten_with_them():
    metrics = counted(in_flight=3, lag_s=0.25, dropped=2, faults=1, open_breakers=("spare",), unmirrored={"budget": 5})
    metrics.report(Batch(worker=1, snapshot="old", open_breakers=("spare", "gone")))
    metrics.unwritten, metrics.reload_failures = 9, 4
    assert value(metrics, "pointsman_in_flight", worker="0") == 3
    assert value(metrics, "pointsman_event_loop_lag_seconds", worker="0") == 0.25
    assert value(metrics, "pointsman_dropped_records_total", worker="0") == 2
    assert value(metrics, "pointsman_unmirrored_requests_total", worker="0", reason="budget") == 5
    assert value(metrics, "pointsman_faults_total", worker="0") == 1
    assert value(metrics, "pointsman_unwritten_records") == 9
    assert value(metrics, "pointsman_reload_failures_total") == 4
    assert value(metrics, "pointsman_workers_current") == 1
    assert value(metrics, "pointsman_snapshot_info", snapshot="abc") == 1
    assert value(metrics, "pointsman_snapshot_loaded_timestamp_seconds") == 1_790_000_000.5
    assert {v: value(metrics, "pointsman_open_breakers", variant=v) for v in ("main", "spare", "gone")} == {
        "main": 0, "spare": 2, "gone": None,
    }  # fmt: skip
    metrics.died(1)
    assert value(metrics, "pointsman_open_breakers", variant="spare") == 1
    assert value(metrics, "pointsman_in_flight", worker="1") is None
    assert value(metrics, "pointsman_worker_restarts_total") == 1


def test_names_with_quotes_and_line_breaks_stay_what_they_are():
    odd = 'a"b\\c\nd'
    assert value(counted(served(variant=odd, attempts=())), "pointsman_fallbacks_total", route="r", variant=odd) is None
    found = samples(counted(served(variant=odd, attempts=())))
    assert any(dict(k).get("variant") == odd for n, k in found if n == "pointsman_requests_total")


def test_nothing_a_client_writes_makes_a_series():
    """Forty models nobody serves, forty users, forty wrong keys: as many series as one of each makes."""

    def post(base_url, key, model, user):
        body = json.dumps({"model": model, "user": user, "messages": [{"role": "user", "content": "x"}]}).encode()
        request = urllib.request.Request(f"{base_url}/v1/chat/completions", data=body, headers={"authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                reply.read()
        except urllib.error.HTTPError as error:
            error.close()

    tenants = {"acme": {"keys": ["sha256:" + sha256(b"good").hexdigest()]}}
    with scripted_server() as up, gateway({"variants": {"m": variant(up.base_url)}, "gateway": {"tenants": tenants}}) as running:
        sizes = []
        for times in (1, 39):
            for n in range(times):
                post(running.base_url, "good", "m", f"user-{times}-{n}")
                post(running.base_url, "good", f"other-{times}-{n}", "u")
                post(running.base_url, f"bad-{times}-{n}", "m", "u")
            records = running.wait_for(3 * times if times == 1 else 120)
            found = samples(counted(*records))
            sizes.append(len(found))
    assert sizes[0] == sizes[1]
    assert {dict(k)["route"] for n, k in found if n == "pointsman_requests_total"} == {"", "m"}
    assert {dict(k)["status"] for n, k in found if n == "pointsman_requests_total"} == {"200", "401", "404"}
    assert {dict(k)["tenant"] for n, k in found if n == "pointsman_requests_total"} == {"", "acme"}


def test_answers_count_by_variant_with_why_they_ended_how_long_they_took_and_how_they_were_rated():
    metrics = counted(served(), served(attempts=(attempt(failure=failure()),)))
    metrics.rate("r", "main", 0.5)
    metrics.rate("r", "main", 1.0)
    where = {"route": "r", "variant": "main"}
    answers = {k: v for k, v in samples(metrics).items() if k[0] == "pointsman_answers_total"}
    assert list(answers.values()) == [1]
    assert value(metrics, "pointsman_answer_seconds_count", **where) == 1
    assert value(metrics, "pointsman_ratings_total", **where) == 2
    assert value(metrics, "pointsman_rating_sum_total", **where) == 1.5
