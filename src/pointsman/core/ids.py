"""Content hashes: two things have one hash if and only if they say the same."""

from __future__ import annotations

import hashlib

import msgspec

__all__ = ["HASH_LENGTH", "content_hash", "hash_bytes"]

HASH_LENGTH = 16
"""Hex digits kept of a SHA-256: 64 bits, so among a million items a clash has odds below 10⁻⁷."""


_SORTED = msgspec.json.Encoder(order="sorted")


def hash_bytes(data: bytes) -> str:
    """First 16 hex digits of the SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()[:HASH_LENGTH]


def content_hash(value: object) -> str:
    """Hash of any JSON-like value or Struct, independent of key order and of the process.

    Numbers keep their type (1 and 1.0 differ); a Decimal hashes as its text.
    """
    return hash_bytes(_SORTED.encode(value))
