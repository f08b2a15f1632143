"""One thing the doctor looked at."""

from __future__ import annotations

from typing import Literal

import msgspec

from pointsman.core.verdict import VerdictName

__all__ = ["Area", "Finding"]

Area = Literal["versions", "config", "gateway", "keys", "reach", "clock", "disk"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at."""

    area: Area
    subject: str
    state: VerdictName
    """`pass`: in order; `fail`: will not work; `unknown`: could not be looked at, or is not set up."""
    detail: str
    advice: str = ""
    """What to do; empty where nothing is to be done."""
