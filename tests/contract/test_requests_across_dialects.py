"""Every recorded request, written in every other protocol and back: what it asks stays, or a loss names what is gone."""

from __future__ import annotations

import pytest

from pointsman.core.chat import ChatRequest
from pointsman.core.failure import ProviderError
from pointsman.providers.dialect import DIALECTS, Dialect
from support.dialect_recordings import requests
from support.meaning import request_facts, unexplained
from support.shared import needs_shared

pytestmark = needs_shared("data/wire")

TARGETS = ["openai_chat", "openai_responses", "anthropic_messages", "gemini"]
REFUSED = {"vertex/opentelemetry-python-contrib__test_generate_content_invalid_role.json#0"}
"""A recording of a client's fault."""


def hop(request: ChatRequest, target: Dialect) -> tuple[ChatRequest, list[str]]:
    """The request as a server of `target` reads it, and what went away without being named."""
    wire = target.write_request(request)
    back = target.read_request(wire.body, wire.path)
    missing = unexplained(request_facts(request), request_facts(back), wire.losses)
    return back, [f"{said.at}: {str(said.what)[:200]}" for said in missing]


@pytest.mark.parametrize("target_name", TARGETS)
@pytest.mark.parametrize("source_name", DIALECTS.names())
def test_no_recorded_request_loses_anything_in_silence(source_name: str, target_name: str) -> None:
    """On the way there and on the way back, all that is gone is named."""
    source, target = DIALECTS.load(source_name), DIALECTS.load(target_name)
    problems: dict[str, list[str]] = {}
    for recorded in requests(source_name):
        if recorded.name in REFUSED:
            with pytest.raises(ProviderError):
                source.read_request(recorded.request, recorded.path)
            continue
        there, silent = hop(source.read_request(recorded.request, recorded.path), target)
        _, silent_back = hop(there, source)
        if silent or silent_back:
            problems[recorded.name] = [*silent, *(f"on the way back: {s}" for s in silent_back)]
    assert problems == {}
