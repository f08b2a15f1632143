"""Which key a request carries, wherever its protocol puts it, and what the server calls it: never by its text."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from urllib.parse import parse_qs

from pointsman.core.ids import hash_bytes

__all__ = ["api_key", "key_name"]


def api_key(headers: Mapping[bytes, bytes], query: bytes) -> str | None:
    """The key as it was sent; None if there is none. Header names are lower case."""
    bearer = headers.get(b"authorization")
    if bearer is not None:
        return bearer.decode("latin-1").removeprefix("Bearer ").strip()
    found = headers.get(b"x-api-key") or headers.get(b"x-goog-api-key") or headers.get(b"api-key")
    if found is not None:
        return found.decode("latin-1")
    return parse_qs(query.decode("latin-1")).get("key", [None])[0] if b"key=" in query else None


@functools.lru_cache(maxsize=10_000)
def key_name(key: str | None) -> str | None:
    """The name of a key in ledger and log: its content hash, so that a test can look up the key it sent."""
    return None if key is None else hash_bytes(key.encode("utf-8", "surrogatepass"))
