"""What one request and its answer said, on the way from who served it to who may keep it."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Bodies", "SensitiveKind"]

SensitiveKind = Literal["key", "email", "iban", "card", "phone"]
"""What can be recognised in bodies, and hidden."""


class Bodies(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """People's own words, and not yet redacted: it must reach no disk and no log as it is."""

    decision: str
    """Id of the request, as in the ledger."""
    at_s: float
    """When it arrived, Unix seconds."""
    route: str
    variant: str | None = None
    tenant: str | None = None
    request: bytes
    """As the client sent it."""
    answer: bytes | None = None
    """The choices of a `ChatReply` in JSON, whatever the protocol; None: the client got none, or no text (embeddings)."""
    request_cut: bool = False
    """Whether the request went on."""
    answer_cut: bool = False
    """Whether the answer went on."""

    @property
    def size_bytes(self) -> int:
        """Of both together."""
        return len(self.request) + len(self.answer or b"")
