"""A fact keeps who said it."""

import msgspec

from pointsman.core.fact import Fact


def test_a_fact_survives_json_with_its_source_and_date() -> None:
    """Typed reading gives back the same fact, so a file of facts loses nothing."""
    fact = Fact(128_000, "models.dev", "2026-07-02")
    assert msgspec.json.decode(msgspec.json.encode(fact), type=Fact[int]) == fact
