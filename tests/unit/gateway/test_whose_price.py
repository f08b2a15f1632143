"""A request costs what the variant costs that served it, whatever the client called the route."""

from decimal import Decimal

import openai
import pytest

from support.gateway import gateway, variant
from support.scripted_server import scripted_server

CHEAP, DEAR = {"input": "0.1", "output": "0.4"}, {"input": "10", "output": "40"}


@pytest.fixture(scope="module")
def upstream():
    with scripted_server(script={"output_tokens": 10}) as running:
        yield running


def cost(record, price):
    usage = record.exchange.usage
    return (usage.input_tokens * Decimal(price["input"]) + usage.output_tokens * Decimal(price["output"])) / 1_000_000


@pytest.fixture
def asked(upstream):
    """One request to a route that is called like a model with another price; the running gateway and its record."""
    config = {
        "variants": {
            "cheap": variant(upstream.base_url, model="gpt-4o-mini", price=CHEAP),
            "dear": variant(upstream.base_url, model="gpt-4o", price=DEAR),
        },
        "routes": {"gpt-4o-mini": {"variant": "dear"}},
    }
    with gateway(config) as running, openai.OpenAI(base_url=running.openai_url, api_key="k", max_retries=0) as sdk:

        def ask():
            sdk.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
            return running.wait_for(len(running.seen) + 1)[-1]

        yield running, ask


def test_the_price_is_that_of_the_variant_and_not_of_the_name_the_client_used(asked):
    _, ask = asked
    record = ask()
    assert record.exchange.cost.usd == cost(record, DEAR) != cost(record, CHEAP)


def test_a_cost_taken_from_the_alias_would_be_noticed(asked, upstream):
    """The mistake made on purpose: with the meter of the model the route is called after, the sums differ."""
    from pointsman.app.prices import own_price
    from pointsman.cost.meter import Meter
    from pointsman.evals.spec import PriceSpec

    running, ask = asked
    price = PriceSpec(input=Decimal(CHEAP["input"]), output=Decimal(CHEAP["output"]), source="alias")
    running.app.snapshot.targets["dear"].meter = Meter(own_price(price, "upstream", "gpt-4o-mini").sheet, None)
    record = ask()
    assert record.exchange.cost.usd != cost(record, DEAR)
