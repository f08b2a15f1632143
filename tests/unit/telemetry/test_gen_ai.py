"""The words are those of OpenTelemetry's conventions, and nothing anybody wrote is among them."""

import re
from decimal import Decimal
from pathlib import Path

import opentelemetry.semconv._incubating.attributes.gen_ai_attributes as published
import opentelemetry.semconv._incubating.metrics.gen_ai_metrics as published_metrics
import pytest

from pointsman.core.exchange import Cost
from pointsman.core.usage import Usage
from pointsman.providers.provider_row import provider_names
from pointsman.telemetry import gen_ai
from pointsman.telemetry.gen_ai import HISTOGRAMS, Asked, attempt_attributes, error_type, request_attributes
from support.served import attempt, failure, served

MAIN = Asked(provider="openai", model="gpt-5", host="api.openai.com", port=443)
OLD = {"gen_ai.system", "gen_ai.prompt", "gen_ai.completion", "gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"}


def test_every_gen_ai_name_is_a_published_one_and_none_is_deprecated():
    """Against the package that OpenTelemetry generates from the conventions."""
    names = {v for k, v in vars(published).items() if k.startswith("GEN_AI_")} - OLD
    names |= {v for k, v in vars(published_metrics).items() if k.startswith("GEN_AI_") and isinstance(v, str)}
    code = Path(gen_ai.__file__).read_text()
    used = set(re.findall(r'"(gen_ai\.[a-z_.]+)"', code))
    assert len(used) > 12
    assert used <= names


def test_providers_go_by_the_conventions_names():
    known = {e.value for e in published.GenAiProviderNameValues}
    told = {p: Asked(provider=p, model="m").attributes()["gen_ai.provider.name"] for p in provider_names()}
    assert {told[p] for p in ("openai", "anthropic", "gemini", "vertex", "azure", "mistral", "groq", "xai", "deepseek")} <= known
    assert told["vllm"] == "vllm"


def test_histograms_have_the_units_the_conventions_give():
    assert {unit for unit, _, _ in HISTOGRAMS.values()} == {"s", "{token}"}
    assert HISTOGRAMS["gen_ai.client.token.usage"][2][:4] == (1, 4, 16, 64)
    assert HISTOGRAMS["gen_ai.client.token.usage"][2][-1] == 67108864


def test_a_good_answer_in_full():
    usage = Usage(input_tokens=10, cache_read_tokens=90, cache_write_tokens=5, output_tokens=3, reasoning_tokens=4)
    record = served(usage=usage, attempts=(attempt(ttft_s=0.1, request_id="req_1"),), stream=True)
    assert attempt_attributes(record, 0, {"main": MAIN}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "m-2026",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.1,
        "gen_ai.usage.input_tokens": 105,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 90,
        "gen_ai.usage.cache_creation.input_tokens": 5,
        "gen_ai.usage.reasoning.output_tokens": 4,
        "server.address": "api.openai.com",
        "server.port": 443,
        "pointsman.variant": "main",
        "pointsman.attempt": 1,
        "pointsman.provider_request_id": "req_1",
        "pointsman.usage_source": "provider",
    }
    said = request_attributes(record)
    assert said["pointsman.cost_usd"] == "0.00125"
    assert said["gen_ai.request.model"] == "r"
    assert said["http.response.status_code"] == 200
    assert "error.type" not in said
    assert not any("usage" in name for name in said)


def test_usage_stands_on_one_span_alone():
    """Of two calls the first of which broke off, each has its own, so a sum counts nothing twice."""
    cut = attempt("main", failure=failure(), usage=Usage(input_tokens=7, output_tokens=3, source="estimated"))
    record = served(variant="spare", attempts=(cut, attempt("spare")))
    told = [attempt_attributes(record, n, {"main": MAIN}) for n in (0, 1)]
    assert [t["gen_ai.usage.output_tokens"] for t in told] == [3, 100]
    assert [t.get("gen_ai.response.model") for t in told] == [None, "m-2026"]
    assert "gen_ai.provider.name" not in told[1]


@pytest.mark.parametrize(
    "record, error",
    [
        (served(), None),
        (served(status=499), "client_gone"),
        (served(status=502, attempts=(attempt(failure=failure("timeout")),)), "timeout"),
        (served(status=200, attempts=(attempt(failure=failure("transient")),)), "transient"),
        (served(status=404, attempts=()), "404"),
    ],
)
def test_an_error_has_a_type_from_a_closed_list(record, error):
    assert error_type(record) == error


def test_what_a_provider_said_in_an_error_is_told_nowhere():
    """It may quote the prompt."""
    said = failure("client_fault", message="bad word: my secret prompt", code="x")
    record = served(status=400, attempts=(attempt(failure=said),), cost=Cost(usd=Decimal(0), source="t"))
    told = {**request_attributes(record), **attempt_attributes(record, 0, {"main": MAIN})}
    assert not any("secret" in str(value) for value in told.values())
