"""Routes as clients meet them: who answers, who keeps whom, and who is asked when one fails."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from support.gateway import gateway, variant
from support.scripted_server import scripted_server

VECTORS = json.loads((Path(__file__).parents[1] / "routing/assignment_vectors.json").read_text(encoding="utf-8"))
MINE = [v for v in VECTORS if v["salt"] == "support" and v["tenant"] == "anybody" and v["unit"].isascii()]


@pytest.fixture(scope="module")
def upstream():
    with scripted_server(seed=6) as running:
        yield running


def ask(running, model="r", user=None):
    """Who answered."""
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"x-pointsman-user": user} if user is not None else {}
    request = urllib.request.Request(f"{running.openai_url}/chat/completions", data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=20) as reply:
        reply.read()
        return reply.headers["x-pointsman-variant"]


def split(upstream, new, salt="support", sticky="user"):
    variants = {name: variant(upstream.base_url, model=name) for name in ("old", "new")}
    route = {"policy": {"weighted": {"weights": {"old": 100 - new, "new": new}}}, "sticky": sticky, "salt": salt}
    return {"variants": variants, "routes": {"r": route}}


@pytest.mark.parametrize("vector", MINE, ids=lambda v: v["unit"])
def test_the_gateway_chooses_as_the_published_vectors_say(upstream, vector):
    """Put on either side of a share by a millionth."""
    u = float(vector["u"])
    for new, expected in ((100 * (1 - u) - 1e-4, "old"), (100 * (1 - u) + 1e-4, "new")):
        with gateway(split(upstream, new)) as running:
            assert ask(running, user=vector["unit"]) == expected


def test_users_keep_their_variant_through_reloads_and_move_one_way_in_a_ramp(upstream):
    users = [f"user-{n}" for n in range(60)]
    with gateway(split(upstream, 5)) as running:

        def all_ask(config=None):
            if config is not None:
                running.reload(config)
            return {user: ask(running, user=user) for user in users}

        at_5 = all_ask()
        assert all_ask(split(upstream, 5)) == at_5
        at_25 = all_ask(split(upstream, 25))
        assert all(at_25[user] == "new" for user, got in at_5.items() if got == "new")
        assert {"old", "new"} == set(at_25.values())
        assert all_ask(split(upstream, 5)) == at_5, "and back down exactly those who came go"
        assert all_ask(split(upstream, 25, salt="autumn")) != at_25
    with gateway(split(upstream, 25)) as another:
        assert {user: ask(another, user=user) for user in users} == at_25, "a restart forgets nobody"


def test_all_of_one_tenant_stay_together_where_the_route_says_key(upstream):
    with gateway(split(upstream, 50, sticky="key")) as running:
        assert len({ask(running, user=f"u{n}") for n in range(12)}) == 1


def test_nothing_is_kept_where_the_route_says_none(upstream):
    """One user, 64 requests at one half: the chance of a single variant is 1 in 2^63."""
    with gateway(split(upstream, 50, sticky="none")) as running:
        assert {ask(running, user="u") for _ in range(64)} == {"old", "new"}
        assert all(record.unit is None and record.propensity == 0.5 for record in running.served())


def test_too_long_a_prompt_goes_past_windows_that_are_no_larger(upstream):
    """gpt-4 takes 8,192 tokens; its equal is passed over and the one with a larger window is asked."""
    at = {"base_url": f"{upstream.base_url}/v1", "key": "k"}
    variants = {
        "small": {"provider": "openai", "model": "gpt-4", **at},
        "equal": {"provider": "openai", "model": "gpt-4-0613", **at},
        "large": {"provider": "openai", "model": "gpt-4.1", **at},
    }
    routes = {"r": {"variant": "small", "fallbacks": ["equal", "large"], "retries": 0}}
    with gateway({"variants": variants, "routes": routes}) as running:
        upstream.arm("context_too_long", model="gpt-4")
        assert ask(running) == "large"
        (record,) = running.wait_for(1)
        assert [a.variant for a in record.exchange.attempts] == ["small", "large"]
        assert [a.failure and str(a.failure.kind) for a in record.exchange.attempts] == ["context_too_long", None]


def test_one_who_is_silent_too_long_is_replaced_and_not_asked_again(upstream):
    variants = {"slow": variant(upstream.base_url, model="m+stall;after=0"), "good": variant(upstream.base_url, model="quick")}
    variants["good"]["provider"] = "other"
    config = {
        "providers": {"upstream": {"timeout_s": 0.3}},
        "variants": variants,
        "routes": {"r": {"variant": "slow", "fallbacks": ["good"], "retries": 3}},
    }
    with gateway(config) as running:
        assert ask(running) == "good"
        (record,) = running.wait_for(1)
        assert [a.failure and str(a.failure.kind) for a in record.exchange.attempts] == ["timeout", None]


def test_a_resting_variant_is_passed_over_also_after_a_reload(upstream):
    """Five failures, then its fallback is asked at once; a configuration that leaves it as it is changes nothing about that."""
    variants = {"bad": variant(upstream.base_url, model="rest+500"), "good": variant(upstream.base_url, model="sound")}
    config = {"variants": variants, "routes": {"r": {"variant": "bad", "fallbacks": ["good"], "retries": 0}}}
    with gateway(config) as running:
        assert {ask(running) for _ in range(5)} == {"good"}
        assert running.app.snapshot.targets["bad"].breaker.state(float("-inf")) == "open"
        assert ask(running) == "good"
        running.reload({**config, "routes": {**config["routes"], "also": {"variant": "good"}}})
        assert ask(running) == "good"
        attempts = [[a.variant for a in record.exchange.attempts] for record in running.wait_for(7)]
    assert attempts == [["bad", "good"]] * 5 + [["good"]] * 2


def test_a_chain_is_asked_in_its_order_and_its_last_failure_is_the_answer(upstream):
    variants = {n: variant(upstream.base_url, model=f"{n}+{fault}") for n, fault in (("a", "500"), ("b", "503"), ("c", "404"))}
    config = {"variants": variants, "routes": {"r": {"variant": "a", "fallbacks": ["b", "c"], "retries": 0}}}
    with gateway(config) as running:
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(running)
        assert caught.value.code == 404
        caught.value.close()
        (record,) = running.wait_for(1)
    assert [a.variant for a in record.exchange.attempts] == ["a", "b", "c"]
    assert (record.variant, record.fell_back, record.exchange.cost) == ("c", True, None)
