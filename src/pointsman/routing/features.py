"""What a policy may know of a request: cheap to see, and without a model's help."""

from __future__ import annotations

import msgspec

__all__ = ["Features"]


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """One request from outside."""

    body_bytes: int
    """Size of the request as it came: with text alone about four to a token."""
    stream: bool
    conversation: int = 0
    """Number of the conversation, of 48 bits; 0 where the policy does not ask for it or the request does not tell."""
    continues: bool = False
    """Whether the request holds earlier answers; told only to a policy that asks for the conversation."""
    named: bool = False
    """Whether the client itself named the conversation."""
