"""The shapes on the wire of Ollama's own API; unknown fields are ignored and absent ones default."""

from __future__ import annotations

from typing import Any

import msgspec

from pointsman.providers.token_ledger import Count

__all__ = ["ABSENT", "Call", "Function", "Line", "Turn", "present"]

ABSENT = msgspec.Raw(b"")
"""What a raw field holds if the wire did not have it."""


def present(field: msgspec.Raw) -> bool:
    """Whether a raw field was there and not null."""
    return bytes(field) not in (b"", b"null")


class Function(msgspec.Struct):
    name: str | None = None
    arguments: Any = None
    """The object itself; some servers in front of Ollama send JSON text."""


class Call(msgspec.Struct):
    id: str | None = None
    function: Function | None = None


class Turn(msgspec.Struct):
    """A message, in requests, replies and stream lines alike."""

    role: str | None = None
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[Call] | None = None
    tool_name: str | None = None
    name: str | None = None
    tool_call_id: str | None = None


class Line(msgspec.Struct):
    """A whole reply, or one line of a stream; `/api/chat` fills `message`, `/api/generate` fills `response`."""

    model: str | None = None
    created_at: str | None = None
    message: Turn | None = None
    response: str | None = None
    thinking: str | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: Count = None
    eval_count: Count = None
    error: Any = None

    @property
    def said(self) -> Turn | None:
        """What this line says, whichever endpoint it came from."""
        if self.message is not None or (self.response is None and self.thinking is None):
            return self.message
        return Turn(content=self.response, thinking=self.thinking)
