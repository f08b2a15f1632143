"""One test case: an input, what a right answer is, and how it belongs to the set."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import Message, OutputFormat, Tool
from pointsman.core.ids import content_hash

__all__ = ["Case"]


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One input with its target. The hash covers what is asked and what is right, not the tags."""

    id: str
    messages: tuple[Message, ...]
    target: object = None
    """The right answer as a JSON value; a list means any of these is right; None if none is known."""
    tags: tuple[str, ...] = ()
    cluster: str | None = None
    """Cases that stand or fall together (one passage, one conversation, one user) share a cluster."""
    tools: tuple[Tool, ...] = ()
    output: OutputFormat | None = None
    edge: bool = False
    """Marked by the user as an edge case or known failure."""
    choices: tuple[str, ...] = ()
    """Options of a multiple-choice case in the order A, B, C …; empty for other cases."""

    @property
    def hash(self) -> str:
        """Content hash of id, input, options and target."""
        return content_hash((self.id, self.messages, self.target, self.tools, self.output, self.choices))
