"""What a candidate costs while thousands are ranked."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pointsman.app.catalog import open_catalog
from pointsman.catalog.load import bundled_catalog, with_file
from pointsman.catalog.price_sheet import PriceSheet
from pointsman.catalog.prices import find_price
from pointsman.core.usage import Usage
from pointsman.cost.price import price_usage
from pointsman.selection.candidate import candidates
from pointsman.selection.money import Prices
from pointsman.selection.requirements import Requirements, Volume

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize("read", [127_999, 128_001, 200_001, 272_001, 900_000])
def test_a_long_request_is_ranked_at_the_tier_its_full_sheet_charges(read: int) -> None:
    """For every offer with context tiers the carried tiers give the sheet's price, to the last digit."""
    needs = Requirements(volume=Volume(input_tokens=read, output_tokens=1_000))
    prices = Prices(needs, TODAY)
    catalog = bundled_catalog()
    tiered = [c for c in candidates(catalog) if c.offer is not None and c.offer.tiers]
    assert len(tiered) > 100
    for candidate in tiered:
        sheet = find_price(candidate.provider, candidate.name, datetime(2026, 11, 23, 12, tzinfo=UTC))
        assert isinstance(sheet, PriceSheet)
        assert prices.per_request(candidate) == price_usage(sheet, Usage(input_tokens=read, output_tokens=1_000)).usd, (
            candidate.id
        )


def test_a_price_of_your_own_takes_the_lists_tiers_away(tmp_path: Path) -> None:
    """A contract's price does not double above 200,000 tokens because the public one does; tiers of your own hold."""
    public = next(c for c in candidates(bundled_catalog()) if c.offer is not None and c.offer.tiers)
    offer = public.offer
    assert offer is not None
    row = f"[[offer]]\nprovider = '{offer.provider}'\nname = '{offer.name}'\nusd_per_million = {{input = '1', output = '2'}}\n"
    (tmp_path / "flat.toml").write_text(row)
    tier = "tiers = {input = [{above_input_tokens = 500000, usd_per_million = '3'}]}\n"
    (tmp_path / "tiered.toml").write_text(row + tier)
    needs = Requirements(volume=Volume(input_tokens=1_000_000, output_tokens=0))
    for file, usd in (("flat.toml", 1), ("tiered.toml", 3)):
        catalog = with_file(bundled_catalog(), tmp_path / file)
        own = next(c for c in candidates(catalog) if c.id == public.id)
        assert Prices(needs, TODAY).per_request(own) == Decimal(usd)


def test_a_shortlist_of_today_never_loads_the_price_list() -> None:
    """Not even for long documents, which lie in the dear tiers: the price list alone takes longer than choosing."""
    code = (
        "import sys; from pointsman.cli.select import command;"
        "command.main(['--profile', 'legal_document_analysis', '--json'], standalone_mode=False);"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'genai_prices', 'httpx2', 'pydantic', 'aiohttp', 'rich'}),"
        " file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def test_the_tiers_survive_reading_the_catalogue_as_a_user_does() -> None:
    """Bundled rows with a moving price by context carry tiers, and only those."""
    offers = open_catalog().offers.values()
    listed = [o for o in offers if o.said_by.get("usd_per_million", o.said_by.get("")) == "genai-prices"]
    assert {o.id for o in listed if o.tiers} <= {o.id for o in listed if "context" in o.price_moves_with}
