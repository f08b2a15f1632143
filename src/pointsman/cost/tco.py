"""Total cost of ownership: API + development + maintenance + infrastructure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from pointsman.core.estimate import Unknown
from pointsman.core.units import ZERO_USD, Usd, add_usd

__all__ = ["Tco", "payback_months", "tco"]


class Tco(msgspec.Struct, frozen=True, kw_only=True):
    """The four parts over a horizon, and what a month of it comes to."""

    months: int
    api_usd: Usd
    development_usd: Usd
    maintenance_usd: Usd
    infrastructure_usd: Usd
    total_usd: Usd
    usd_per_month: Usd
    arithmetic: str


def tco(
    api_usd_by_month: tuple[Usd, ...],
    *,
    development_usd: Usd = ZERO_USD,
    maintenance_usd_per_month: Usd = ZERO_USD,
    infrastructure_usd_per_month: Usd = ZERO_USD,
) -> Tco:
    """Add the parts over as many months as there are API costs.

    Development is paid once; monitoring, logging and debugging belong to maintenance. Over no months
    nothing but development is due and the monthly figure is 0.
    """
    months = len(api_usd_by_month)
    api = add_usd(*api_usd_by_month)
    maintenance = maintenance_usd_per_month * months
    infrastructure = infrastructure_usd_per_month * months
    total = add_usd(api, development_usd, maintenance, infrastructure)
    return Tco(
        months=months,
        api_usd=api,
        development_usd=development_usd,
        maintenance_usd=maintenance,
        infrastructure_usd=infrastructure,
        total_usd=total,
        usd_per_month=(total / months).quantize(Decimal("0.01")) if months else ZERO_USD,
        arithmetic=(
            f"{api:,.2f} API + {development_usd:,.2f} development + {months} × {maintenance_usd_per_month:,.2f} maintenance"
            f" + {months} × {infrastructure_usd_per_month:,.2f} infrastructure = {total:,.2f} USD"
        ),
    )


def payback_months(effort_usd: Usd, saving_usd_per_month: Usd) -> Decimal | Unknown:
    """Months until an effort has paid for itself: effort / monthly saving. Unknown if it saves nothing."""
    if saving_usd_per_month <= 0:
        return Unknown("it saves nothing, so the effort never pays back")
    return (effort_usd / saving_usd_per_month).quantize(Decimal("0.1"))
