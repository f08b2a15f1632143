"""Something we believe about the world, who says so, and when that was looked up."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

__all__ = ["Fact"]

T = TypeVar("T")


class Fact(msgspec.Struct, Generic[T], frozen=True):
    """A value with its provenance. What nobody says is `None` in place of the Fact, never a Fact of `False` or 0."""

    value: T
    source: str
    """Who says so: a package with its version, a page, a model card, a paper."""
    checked_on: str
    """ISO date on which the source was read."""
