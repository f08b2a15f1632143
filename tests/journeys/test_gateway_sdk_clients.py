"""Official SDKs through a real `pointsman serve` to every provider protocol: a part of what `make test-clients` runs."""

import sys

import pytest

from clients.cells import CASES, PROVIDERS
from clients.judge import complaints
from clients.roster import CLIENTS
from clients.running import run_cells
from clients.stage import Request, providers, serving
from pointsman.core.chat import ChatReply, ChatRequest, Choice, FinishReason, Text

HERE = [
    c for c in CLIENTS if c.module in ("openai_chat", "openai_responses", "anthropic_messages", "google_genai") and c.home != "js"
]
SOME = ("whole", "streamed", "whole tool calls", "structured", "image bytes", "wrong key", "too long", "error in mid-stream")


@pytest.fixture(scope="module")
def behind():
    """The scripted providers behind every gateway here."""
    with providers() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(behind):
    """One gateway for all clients here."""
    with serving(behind) as running:
        yield running


@pytest.mark.parametrize("client", HERE, ids=lambda client: client.name)
def test_an_official_sdk_works_with_every_provider_protocol(client, behind, gateway):
    """Given a gateway before four protocols, when an SDK changes its base URL alone, then it notices nothing."""
    outcome = run_cells(client, behind, gateway, only=SOME, python=sys.executable)
    assert len(outcome.complaints) == len(PROVIDERS) * len(SOME)
    assert {cell: said for cell, said in outcome.complaints.items() if said} == {}


def test_a_cell_is_not_good_if_anything_differs():
    """The judge would say so: of an answer in other words, an error that was swallowed, and one of a strange class."""
    client = HERE[0]
    seen = {"text": "other", "pieces": 0, "finish": "stop", "calls": [], "parsed": None, "usage": None, "error": None}
    said = Choice(parts=(Text(text="words"),), finish=FinishReason.STOP)
    request = Request(ChatRequest(model="m", messages=()), ChatReply(choices=(said,)))
    found = " ".join(complaints(client, CASES["whole"], seen, [request]))
    assert "of 'words' came 'other'" in found
    assert "no usage" in found
    assert "system prompt was ''" in found
    assert "no error" in " ".join(complaints(client, CASES["429"], seen, [request]))
    strange = seen | {"error": {"classes": ["builtins.ValueError"], "status": None, "message": "scripted: rate limit reached"}}
    assert "builtins.ValueError, not openai.RateLimitError" in " ".join(complaints(client, CASES["429"], strange, [request]))
