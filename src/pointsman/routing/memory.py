"""Where a policy remembers what it answered a conversation before."""

from __future__ import annotations

from typing import Protocol

__all__ = ["MOST_NOTE", "Memory", "NoMemory"]

MOST_NOTE = (1 << 15) - 1
"""Largest note that can be kept."""


class Memory(Protocol):
    """Notes by conversation, shared by all who serve a route. Neither method waits or raises."""

    def recall(self, conversation: int, *, however_old: bool) -> int | None:
        """The note on a conversation; None if there is none, or none of late and an old one is not wanted."""
        ...

    def note(self, conversation: int, note: int) -> None:
        """Keep a note of 0 to `MOST_NOTE` in place of an older one; a memory that is full keeps what it has."""
        ...


class NoMemory:
    """Remembers nothing."""

    def recall(self, conversation: int, *, however_old: bool) -> int | None:  # noqa: ARG002  # the contract's
        """Nothing."""
        return None

    def note(self, conversation: int, note: int) -> None:
        """Forget it."""
