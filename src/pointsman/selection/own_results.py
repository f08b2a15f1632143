"""What the user's own runs found: the strongest evidence there is."""

from __future__ import annotations

import msgspec

from pointsman.core.estimate import Measured

__all__ = ["OwnResult"]


class OwnResult(msgspec.Struct, frozen=True, kw_only=True):
    """One variant of one finished run."""

    run: str
    day: str
    """ISO date of the run."""
    tests: str
    """Name of the test set."""
    tests_hash: str
    """Results are compared only if this is the same."""
    variant: str
    provider: str
    model: str
    quality: Measured
    latency_p50_s: Measured
    latency_p95_s: Measured
    usd_per_request: Measured

    @property
    def source(self) -> str:
        return f"your run {self.run}"
