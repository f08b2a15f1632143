"""Sticky assignment: the same unit gets the same number, on every machine and after every restart.

u = (first 8 bytes of BLAKE2b(salt ‖ 0x00 ‖ unit), big-endian, shifted right by 11) / 2^53, so u is a
double in [0, 1) whose every bit is used. The salt keeps two experiments on one population apart.
Golden vectors in the tests hold this formula still: changing it would reassign everybody at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

__all__ = ["conversation_number", "pick", "sticky_u"]


def sticky_u(salt: str, unit: str | bytes) -> float:
    """The unit's number in [0, 1). Uniform over units; independent for different salts."""
    said = unit if isinstance(unit, bytes) else unit.encode("utf-8", "surrogatepass")
    digest = blake2b(salt.encode() + b"\0" + said, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 9007199254740992.0


def conversation_number(tenant: bytes, conversation: bytes) -> int:
    """48 bits of BLAKE2b(tenant ‖ 0x00 ‖ conversation), never 0; 0 for an empty conversation. Among a million
    conversations two share a number with odds of 2 in 1,000.
    """
    if not conversation:
        return 0
    return int.from_bytes(blake2b(tenant + b"\0" + conversation, digest_size=6).digest(), "big") or 1


def pick(edges: Sequence[float], u: float) -> int:
    """Index of the first of the ascending `edges` above u; the last one for u at or above all of them.

    With edges that are cumulative shares, raising the share of the last one moves nobody between the others.
    """
    for index, edge in enumerate(edges):
        if u < edge:
            return index
    return len(edges) - 1
