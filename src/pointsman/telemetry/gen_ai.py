"""A record in the words of OpenTelemetry's conventions for generative AI: names, attributes, buckets.

https://opentelemetry.io/docs/specs/semconv/gen-ai/. No text of anybody is among them: no prompt, no answer,
and no error message, since providers quote what they were sent. What the conventions have no word for is
called `pointsman.…`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pointsman.core.exchange import Attempt
from pointsman.core.served import CLIENT_GONE, Served
from pointsman.core.units import usd_text
from pointsman.core.usage import Usage

__all__ = ["HISTOGRAMS", "Asked", "Attributes", "attempt_attributes", "error_type", "operation", "request_attributes"]

Attributes = dict[str, str | bool | int | float | tuple[str, ...]]

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "openai_responses": "openai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""Where the conventions' name of a provider is not ours."""

_DURATION_EDGES_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST_EDGES_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_TOKEN_EDGES = tuple(float(4**n) for n in range(14))

HISTOGRAMS: dict[str, tuple[str, str, tuple[float, ...]]] = {
    "gen_ai.client.operation.duration": ("s", "Duration of one call to a provider.", _DURATION_EDGES_S),
    "gen_ai.client.operation.time_to_first_chunk": ("s", "From a call to a provider to the first piece.", _FIRST_EDGES_S),
    "gen_ai.client.token.usage": ("{token}", "Tokens that a call to a provider read and wrote.", _TOKEN_EDGES),
    "gen_ai.server.request.duration": ("s", "Duration of one request, as its client sees it.", _DURATION_EDGES_S),
    "gen_ai.server.time_to_first_token": ("s", "To the first byte of an answer, as its client sees it.", _FIRST_EDGES_S),
}
"""Unit, meaning and buckets by the name of the metric."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant is, as far as spans tell it."""

    provider: str
    """Our name of it."""
    model: str
    host: str | None = None
    port: int | None = None

    def attributes(self) -> Attributes:
        """Whom a call went to."""
        found: Attributes = {
            "gen_ai.provider.name": _PROVIDERS.get(self.provider, self.provider),
            "gen_ai.request.model": self.model,
        }
        if self.host is not None:
            found["server.address"] = self.host
        if self.port is not None:
            found["server.port"] = self.port
        return found


def operation(served: Served) -> str:
    """`embeddings` or `chat`."""
    return "embeddings" if served.protocol == "openai_embeddings" else "chat"


def error_type(served: Served) -> str | None:
    """Why a request ended badly, from a closed list; None if it did not."""
    failure = served.exchange.failure
    if served.status == CLIENT_GONE:
        return "client_gone"
    if failure is not None:
        return str(failure.kind)
    return str(served.status) if served.status >= 400 else None


def request_attributes(served: Served) -> Attributes:
    """Of the request as a whole. Usage stands on the calls alone, so that a backend that adds it up counts it once."""
    exchange = served.exchange
    given = {
        "gen_ai.operation.name": operation(served),
        "gen_ai.request.model": served.route,
        "gen_ai.request.stream": served.stream or None,
        "http.response.status_code": served.status,
        "error.type": error_type(served),
        "pointsman.decision": served.decision,
        "pointsman.route": served.route,
        "pointsman.variant": served.variant,
        "pointsman.tenant": served.tenant,
        "pointsman.protocol": served.protocol,
        "pointsman.reason": served.reason,
        "pointsman.snapshot": served.snapshot,
        "pointsman.fell_back": served.fell_back,
        "pointsman.losses": served.losses or None,
        "pointsman.first_byte_s": served.first_byte_s,
        "pointsman.overhead_s": served.overhead_s,
        "pointsman.cost_usd": usd_text(exchange.cost.usd) if exchange.cost is not None else None,
    }
    return _known(given)


def attempt_attributes(served: Served, number: int, variants: Mapping[str, Asked]) -> Attributes:
    """Of call `number`, from 0. Of a variant nobody knows any more only the name is told."""
    exchange = served.exchange
    attempt: Attempt = exchange.attempts[number]
    last = number == len(exchange.attempts) - 1
    name = attempt.variant or served.variant
    asked = variants.get(name or "")
    given = {
        "gen_ai.operation.name": operation(served),
        **(asked.attributes() if asked is not None else {}),
        "gen_ai.request.stream": served.stream or None,
        "gen_ai.response.model": exchange.served_model if last else None,
        "gen_ai.response.finish_reasons": (str(exchange.finish),) if last and exchange.finish is not None else None,
        "gen_ai.response.time_to_first_chunk": attempt.ttft_s,
        "error.type": str(attempt.failure.kind) if attempt.failure is not None else None,
        "http.response.status_code": attempt.failure.status if attempt.failure is not None else None,
        "pointsman.variant": name,
        "pointsman.attempt": number + 1,
        "pointsman.backoff_s": attempt.backoff_s or None,
        "pointsman.key": attempt.key,
        "pointsman.provider_request_id": attempt.request_id,
        **_usage(exchange.usage if last else attempt.usage),
    }
    return _known(given)


def _usage(usage: Usage | None) -> dict[str, object]:
    if usage is None:
        return {}
    written = [n for n in (usage.cache_write_tokens, usage.cache_write_1h_tokens) if n is not None]
    return {
        "gen_ai.usage.input_tokens": usage.total_input_tokens,
        "gen_ai.usage.output_tokens": usage.total_output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": sum(written) if written else None,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        "pointsman.usage_source": usage.source,
    }


def _known(given: Mapping[str, object]) -> Attributes:
    return {name: value for name, value in given.items() if value is not None}  # type: ignore[misc]  # every value above is one of the allowed kinds
