"""What happens to the models in use, and what could replace them."""

from datetime import date
from decimal import Decimal

from pointsman.catalog.load import bundled_catalog
from pointsman.catalog.lookup import find_offer
from pointsman.catalog.watch import Watched, price_move, replacements, watch
from pointsman.core.estimate import Unknown

TODAY = date(2026, 11, 23)
CATALOG = bundled_catalog()


def watched(name: str, provider: str | None = None, **prices: Decimal) -> Watched:
    offer = find_offer(CATALOG, name, provider)
    return Watched(name=f"my {name}", offer=offer, called=offer.id, **prices)


def test_an_end_within_the_horizon_is_urgent_and_one_beyond_is_silent() -> None:
    """gpt-4o ends in 52 days: told at 60, not told at 50."""
    near = watch(CATALOG, [watched("gpt-4o")], TODAY, 60)
    assert [(a.kind, a.urgent, str(a.day)) for a in near] == [("ending", True, "2027-01-14")]
    assert "52 days" in near[0].message
    assert watch(CATALOG, [watched("gpt-4o")], TODAY, 50) == []


def test_a_reroute_is_told_before_and_after() -> None:
    """A name that will be answered by another model is not just an end."""
    pro = watched("gemini-2.5-pro", "gemini")
    assert watch(CATALOG, [pro], TODAY, 30)[0].kind == "rerouting"
    after = watch(CATALOG, [pro], date(2026, 12, 2), 30)[0]
    assert (after.kind, "gemini-3.8-flash" in after.message) == ("rerouted", True)


def test_what_has_stopped_comes_first_and_strangers_are_named() -> None:
    """The most urgent alert leads; a model the catalogue does not know is said to be unwatched."""
    stranger = Watched(name="ours", offer=None, called="acme:x")
    alerts = watch(CATALOG, [stranger, watched("gpt-4o"), watched("gpt-4")], TODAY, 90)
    assert [a.kind for a in alerts] == ["shut_down", "ending", "unknown"]


def test_a_model_without_news_raises_no_alert() -> None:
    """gpt-6.1-sol has no known end and its price has not moved."""
    assert watch(CATALOG, [watched("gpt-6.1-sol")], TODAY, 365) == []


def test_price_moves_are_told_with_their_size() -> None:
    """A cut and a rise are both news; no price is no news."""
    moved = watch(CATALOG, [watched("gpt-6.1-sol", price_was=Decimal(8), price_is=Decimal(4))], TODAY, 30)
    assert [(a.kind, a.urgent, "-50%" in a.message) for a in moved] == [("price", False, True)]
    assert price_move(None, Decimal(1)) is None
    assert price_move(Decimal(1), Decimal(1)) is None


def test_replacements_can_do_what_the_old_one_did_and_outlive_the_horizon() -> None:
    """The advised one first; each reads as much, calls tools, has the window, and does not end soon itself."""
    old = find_offer(CATALOG, "gpt-4o")
    found = replacements(CATALOG, old, TODAY, 180)
    assert not isinstance(found, Unknown)
    assert found[0].offer == "openai:gpt-6-luna"
    assert "advised by the provider" in found[0].why
    for candidate in found:
        offer = CATALOG.offers[candidate.offer]
        assert offer.capabilities["tool_calling"]
        assert offer.capabilities["structured_output"]
        assert set(old.modalities_in or ()) <= set(offer.modalities_in or ())
        assert (candidate.context_tokens or 0) >= 128_000
        assert not offer.unconfirmed


def test_an_offer_without_a_price_has_no_comparable_replacement() -> None:
    """Nothing to compare with is Unknown, not an empty list that looks like a verdict."""
    free = next(o for o in CATALOG.offers.values() if not o.usd_per_million)
    assert isinstance(replacements(CATALOG, free, TODAY, 180), Unknown)
