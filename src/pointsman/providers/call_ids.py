"""Ids for tool calls of providers that give none.

A call needs an id so that its result can be sent back, and the id must differ from that of every
other call in the conversation. It is derived from the reply, so reading the same bytes twice gives
the same id.
"""

from __future__ import annotations

from pointsman.core.ids import content_hash

__all__ = ["derived_call_id"]


def derived_call_id(*origin: object) -> str:
    """An id made of what sets this call apart: id or time of its reply, choice, position, name."""
    return f"call_{content_hash([str(o) for o in origin])}"
