"""Our prices beside those of up to five other sources, row by row."""

import csv
import re
from datetime import UTC, date, datetime
from decimal import Decimal

from pointsman.catalog.discrepancies import Quote, compare_quote
from pointsman.catalog.price_sheet import PriceSheet
from pointsman.catalog.prices import find_price
from pointsman.core.estimate import Unknown
from support.shared import SHARED, needs_shared

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
COLUMNS = {
    "input": "input_usd_per_mtok",
    "output": "output_usd_per_mtok",
    "cache_read": "cached_input_usd_per_mtok",
    "cache_write": "cache_write_usd_per_mtok",
}
# The list itself has no price for these two; nobody's figure may be passed off as one.
UNLISTED = {"gemini-1.0-ultra", "starcoder2-15b@fireworks"}
TABLE = "data/catalog/price_crosscheck.csv"


def _rows() -> list[dict[str, str]]:
    with (SHARED / TABLE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _quote(row: dict[str, str]) -> Quote:
    read = re.search(r"(20\d\d-\d\d(?:-\d\d)?)", row["source_version"])
    day = date.fromisoformat(read[1] if len(read[1]) == 10 else f"{read[1]}-01") if read else None
    return Quote(source=row["source"], read_on=day, usd_per_million={u: Decimal(row[c]) for u, c in COLUMNS.items() if row[c]})


@needs_shared(TABLE)
def test_every_row_agrees_or_names_the_cause() -> None:
    """259 rows of 64 models: equal to the last digit, or explained by a rule or a recorded cause."""
    rows = _rows()
    keys = {r["model"]: r["source_key"] for r in rows if r["source"] == "genai-prices" and r["source_key"]}
    agreed, explained, unlisted = 0, 0, set()
    for row in rows:
        if row["model"] not in keys:
            unlisted.add(row["model"])
            continue
        sheet = find_price(*keys[row["model"]].split(":", 1), NOON)
        assert isinstance(sheet, PriceSheet), row["model"]
        found = compare_quote(sheet, _quote(row), NOON)
        assert not (found and row["source"] == "genai-prices"), row
        for difference in found:
            assert difference.cause, (row["model"], row["source"], difference)
        explained += bool(found)
        agreed += not found
    assert unlisted == UNLISTED
    assert (len(rows), agreed, explained) == (259, 229, 27)


def test_a_difference_nobody_can_explain_stays_unexplained() -> None:
    """The rules do not explain everything away: an invented price has no cause."""
    sheet = find_price("openai", "gpt-4o", NOON)
    assert isinstance(sheet, PriceSheet)
    quote = Quote(source="elsewhere", read_on=None, usd_per_million={"input": Decimal("7.77")})
    assert [(d.ours, d.theirs, d.cause) for d in compare_quote(sheet, quote, NOON)] == [(Decimal("2.5"), Decimal("7.77"), None)]


def test_the_litellm_peak_price_is_recognised() -> None:
    """litellm stores DeepSeek's peak price; we resolve the hour."""
    sheet = find_price("deepseek", "deepseek-v4-flash", NOON)
    assert isinstance(sheet, PriceSheet)
    quote = Quote(source="litellm", read_on=None, usd_per_million={"input": Decimal("0.3")})
    assert compare_quote(sheet, quote, NOON)[0].cause == "that source gives the peak-hour price"


def test_unlisted_models_stay_unknown() -> None:
    """No price is better than a guessed one."""
    assert isinstance(find_price("google", "gemini-1.0-ultra", NOON), Unknown)
    assert isinstance(find_price("fireworks", "accounts/fireworks/models/starcoder2-15b", NOON), Unknown)
