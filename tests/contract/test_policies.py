"""What every routing policy keeps, ours and any that is added."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.routing.features import Features
from pointsman.routing.policy import POLICIES


@pytest.mark.parametrize("name", POLICIES.names())
@given(u=st.floats(0, 1, exclude_max=True), body_bytes=st.integers(0, 10**9), stream=st.booleans())
def test_a_policy_is_total_and_repeatable(name, u, body_bytes, stream):
    """Any request and any draw gets a variant of the route, twice the same, with a chance it really had."""
    plugin = POLICIES.load(name)
    policy = plugin.build(msgspec.convert(plugin.example.options, plugin.options))
    features = Features(body_bytes=body_bytes, stream=stream)
    decision = policy.choose(features, u)
    assert decision == policy.choose(features, u)
    assert decision.variant in plugin.example.variants
    assert 0 < decision.propensity <= 1


@pytest.mark.parametrize("name", POLICIES.names())
def test_its_options_name_their_variants_and_refuse_unknown_keys(name):
    plugin = POLICIES.load(name)
    options = msgspec.convert(plugin.example.options, plugin.options)
    assert tuple(plugin.variants(options)) == plugin.example.variants
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**plugin.example.options, "nonsense": 1}, plugin.options)


@pytest.mark.parametrize("name", POLICIES.names())
def test_a_policy_that_says_it_ignores_the_draw_does(name):
    plugin = POLICIES.load(name)
    policy = plugin.build(msgspec.convert(plugin.example.options, plugin.options))
    features = Features(body_bytes=1, stream=False)
    if not plugin.uses_draw:
        assert len({policy.choose(features, u / 7).variant for u in range(7)}) == 1
