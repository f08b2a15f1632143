"""What every client is asked to do, and how the table groups it."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import msgspec

__all__ = [
    "ANSWER",
    "BEFORE",
    "CASES",
    "CITIES",
    "FEATURES",
    "IMAGE",
    "IMAGE_URL",
    "MAX_TOKENS",
    "PROVIDERS",
    "RESULTS",
    "TEMPERATURE",
    "TOOLS",
    "Case",
]

PROVIDERS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")

KNOWN_QUESTION = "What do the lighthouse keepers of Tromsø say at dusk?"
ANSWER = (
    'They say “bli her”, 「留下」, 👩‍🚀 and "stay":\n\n\tone \\ two, <three> & {"four": 5}.'
    "  Then nothing at all until the morning, ÅÄÖ."
)
"""Text that breaks whoever cuts bytes instead of characters or escapes twice."""

BEFORE = ("You answer in the words of the north. Æøå.", "Is anybody there?", "Yes: a keeper, and 2 gulls.")
"""System prompt, and the turn that came before."""

TEMPERATURE = 0.5
MAX_TOKENS = 300

TOOLS: tuple[dict[str, Any], ...] = (
    {
        "name": "get_weather",
        "description": "Weather of the next days.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where.", "enum": ['Tromsø "nord" \\ 北']},
                "days": {"type": "integer", "description": "How far ahead."},
            },
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
    {
        "name": "list_ships",
        "description": "Ships in a harbour.",
        "parameters": {
            "type": "object",
            "properties": {"harbour": {"type": "string", "description": "Its name.", "enum": ["Hammerfest"]}},
            "required": ["harbour"],
            "additionalProperties": False,
        },
    },
)
CITIES = {"get_weather": 'Tromsø "nord" \\ 北', "list_ships": "Hammerfest"}
"""The one argument of each that has only one value."""
RESULTS = {"get_weather": "snow, −3 °C", "list_ships": "Nordlys; Fram (“forward”)"}


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((x * 7 + y * 13) % 256 for x in range(width * 3)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


IMAGE = base64.b64encode(_png(24, 16)).decode()
IMAGE_URL = "https://images.example/lighthouse.png"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do."""

    op: str
    """What the driver does: `ask`, `stream`, `call_tools`, `stream_tools`, `structured`."""
    question: str = "What is to be done about the lamp?"
    fault: str | None = None
    """What the provider does instead of answering."""
    paced: bool = False
    """Tokens come one by one, as from a real model; otherwise all at once."""
    error: str | None = None
    """The kind of error the SDK must raise; None: it must succeed."""
    says: str = ""
    """What must be in the error's message."""
    key: str = "good"
    route: str | None = None
    """The model name asked for; by default the route of this case."""
    image: str | None = None
    image_url: str | None = None


CASES: dict[str, Case] = {
    "whole": Case(op="ask", question=KNOWN_QUESTION),
    "cut at max_tokens": Case(op="ask", question=KNOWN_QUESTION, fault="truncation"),
    "streamed": Case(op="stream", paced=True, question=KNOWN_QUESTION),
    "whole tool calls": Case(op="call_tools"),
    "streamed tool calls": Case(op="stream_tools"),
    "structured": Case(op="structured"),
    "image bytes": Case(op="ask", image=IMAGE),
    "image address": Case(op="ask", image_url=IMAGE_URL),
    "wrong key": Case(op="ask", key="wrong", error="auth", says="this API key is not known here"),
    "provider refuses our key": Case(
        op="ask", fault="401", error="auth", says="the provider refused the gateway's own key: scripted: incorrect API key"
    ),
    "no such model here": Case(op="ask", route="nobody", error="not_found", says="there is no model called 'nobody' here"),
    "no such model there": Case(op="ask", fault="404", error="not_found", says="scripted: the model does not exist"),
    "429": Case(op="ask", fault="429;retry_after=30", error="rate_limit", says="scripted: rate limit reached"),
    "429 to a stream": Case(op="stream", fault="429;retry_after=31", error="rate_limit", says="scripted: rate limit reached"),
    "overloaded": Case(op="ask", fault="overloaded", error="overloaded", says="scripted: "),
    "too long": Case(op="ask", fault="context_too_long", error="too_long", says="prompt is too long"),
    "error in mid-stream": Case(
        op="stream",
        paced=True,
        fault="error-in-stream;after=5",
        error="mid_stream",
        says="scripted: the model failed while it answered",
    ),
    "connection lost in mid-stream": Case(
        op="stream", paced=True, fault="cut;after=5", error="mid_stream", says="the answer was cut off"
    ),
}

FEATURES: dict[str, tuple[str, ...]] = {
    "chat": ("whole", "cut at max_tokens"),
    "streaming": ("streamed",),
    "parallel tools": ("whole tool calls", "streamed tool calls"),
    "structured output": ("structured",),
    "images": ("image bytes", "image address"),
    "401": ("wrong key", "provider refuses our key"),
    "404": ("no such model here", "no such model there"),
    "429": ("429", "429 to a stream"),
    "overloaded": ("overloaded",),
    "context too long": ("too long",),
    "error in mid-stream": ("error in mid-stream", "connection lost in mid-stream"),
}
"""The columns of the table, and the cases each consists of."""
