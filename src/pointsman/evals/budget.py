"""A hard limit on spending: dollars are set aside before a call and settled after it.

Pure bookkeeping; the runner asks before it sends. What is spent and what is set aside together
never exceed the limit, so the limit holds even if every call in flight costs its most.
"""

from __future__ import annotations

from pointsman.core.units import ZERO_USD, Usd, add_usd

__all__ = ["Budget"]


class Budget:
    """Dollars of one run. `limit_usd` None means no limit: everything is counted and nothing refused."""

    def __init__(self, limit_usd: Usd | None, spent_usd: Usd = ZERO_USD) -> None:
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self.reserved_usd = ZERO_USD

    def reserve(self, most_usd: Usd) -> bool:
        """Set `most_usd` aside; False if that could overrun the limit."""
        if self.limit_usd is not None and add_usd(self.spent_usd, self.reserved_usd, most_usd) > self.limit_usd:
            return False
        if most_usd:
            self.reserved_usd = add_usd(self.reserved_usd, most_usd)
        return True

    def settle(self, reserved_usd: Usd, actual_usd: Usd) -> None:
        """A call that had `reserved_usd` set aside has ended and cost `actual_usd` (0 if nothing was billed)."""
        if reserved_usd:
            self.reserved_usd = add_usd(self.reserved_usd, -reserved_usd)
        self.spent_usd = add_usd(self.spent_usd, actual_usd)

    @property
    def in_flight(self) -> bool:
        """Whether anything is set aside, so that waiting may free some of it."""
        return self.reserved_usd > ZERO_USD
