"""What can answer: a model at a provider with its parameters, known by the hash of its content.

The bake-off measures a variant, a recommendation names it, a gateway serves it, and the hash is
what proves that all three speak of the same thing.
"""

from __future__ import annotations

import msgspec

from pointsman.core.ids import content_hash

__all__ = ["Variant"]


class Variant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way of getting an answer. Neither its name, nor a key, nor a price changes what it is."""

    provider: str
    """Name of a provider: `openai`, `anthropic`, `replay`, `scripted`, …"""
    model: str
    base_url: str | None = None
    """Where it is served, if not at the provider's own address."""
    dialect: str | None = None
    """The protocol, if not the provider's own."""
    params: dict[str, object] = msgspec.field(default_factory=dict)
    """Request parameters that hold for every call (`temperature`, `max_output_tokens`, …)."""
    system: str | None = None
    """System prompt put before the conversation of a case that brings none."""
    adapter: str | None = None
    """Prompt adapter, by name."""
    source_hash: str | None = None
    """For answers that come from a file or a script: the hash of that source."""

    @property
    def hash(self) -> str:
        """Content hash, 16 hex digits; stable across processes, machines and key order."""
        return content_hash(self)
