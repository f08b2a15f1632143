"""What a policy may know of a request: cheap to see, and without a model's help."""

from __future__ import annotations

import msgspec

__all__ = ["Features"]


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """One request from outside."""

    body_bytes: int
    """Size of the request as it came: with text alone about four to a token."""
    stream: bool
