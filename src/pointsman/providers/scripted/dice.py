"""Uniform draws that depend on their key alone: not on order, not on process, not on machine."""

from __future__ import annotations

import struct
from hashlib import blake2b
from statistics import NormalDist

__all__ = ["DRAWS", "normal", "rolls"]

DRAWS = 8
"""How many draws one key gives."""

_UNPACK = struct.Struct("<8Q").unpack
_STANDARD_NORMAL = NormalDist()


def rolls(*key: object) -> tuple[float, ...]:
    """Eight independent draws, uniform on the open interval (0, 1), for this key.

    They are the 512 bits of BLAKE2b over the key's texts; each draw uses 52 of its 64 bits, so it
    is never exactly 0 or 1 and `normal` is always finite.
    """
    digest = blake2b("\x1f".join(map(str, key)).encode("utf-8", "surrogatepass"), digest_size=64).digest()
    return tuple([((n >> 12) + 0.5) * 2.0**-52 for n in _UNPACK(digest)])


def normal(u: float) -> float:
    """The standard normal deviate below which a share `u` lies. Raises ValueError unless 0 < u < 1."""
    return _STANDARD_NORMAL.inv_cdf(u)
