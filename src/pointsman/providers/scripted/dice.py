"""Uniform draws that depend on their key alone: not on order, not on process, not on machine."""

from __future__ import annotations

import struct
from hashlib import blake2b
from statistics import NormalDist

__all__ = ["DRAWS", "normal", "roll", "rolls"]

DRAWS = 8
"""How many draws one key gives."""

_UNPACK = struct.Struct("<8Q").unpack
_STANDARD_NORMAL = NormalDist()


def rolls(*key: object) -> tuple[float, ...]:
    """Eight independent draws, uniform on the open interval (0, 1), for this key.

    They are the 512 bits of BLAKE2b over the key as Python writes it; each draw uses 52 of its 64 bits, so it
    is never exactly 0 or 1 and `normal` is always finite.
    """
    digest = blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=64).digest()
    return tuple([((n >> 12) + 0.5) * 2.0**-52 for n in _UNPACK(digest)])


def roll(*key: object) -> float:
    """One draw for this key, uniform on (0, 1); cheaper than eight, and none of them."""
    digest = blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return ((int.from_bytes(digest, "little") >> 12) + 0.5) * 2.0**-52


def normal(u: float) -> float:
    """The standard normal deviate below which a share `u` lies. Raises ValueError unless 0 < u < 1."""
    return _STANDARD_NORMAL.inv_cdf(u)
