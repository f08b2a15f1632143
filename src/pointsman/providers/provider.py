"""What answers: the contract that HTTP providers, `scripted` and `replay` share."""

from __future__ import annotations

from typing import Protocol

import msgspec

from pointsman.core.chat import ChatReply, ChatRequest
from pointsman.core.exchange import Exchange

__all__ = ["Answer", "Call", "Provider"]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be answered. Only `request` ever leaves the machine."""

    request: ChatRequest
    case_id: str = ""
    """Which case of a test set this is; `replay` looks answers up by it and `scripted` seeds by it."""
    repeat: int = 0
    target: object = None
    """The right answer, for `scripted` alone, which gives it with the chance its script says."""
    tags: tuple[str, ...] = ()
    """The case's tags, for `scripted` alone, whose quality may differ by tag."""
    queued_s: float = 0.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. A failed call is an answer too: its `reply` is None and its exchange says why."""

    exchange: Exchange
    reply: ChatReply | None = None


class Provider(Protocol):
    """Answers calls for one variant. Never raises for an upstream failure: it returns it."""

    async def answer(self, call: Call) -> Answer:
        """Answer one call, retries included. Cancelling the task cancels the upstream request."""
        ...

    async def close(self) -> None:
        """Release connections and files; afterwards `answer` must not be called."""
        ...
