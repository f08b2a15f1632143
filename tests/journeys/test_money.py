"""The ledger and the provider's bill are the same, to the token and to the exact fraction of a cent.

What is asserted, of every single attempt:

* where the provider told its usage, all counts equal the provider's own, and so does the cost, exactly;
* where it billed and could not tell (the answer broke off, the client left, time ran out), the usage is marked
  `estimated`, and the whole difference between the two ledgers is the difference on these attempts;
* where it billed nothing, nothing is noted.

With `on_client_gone: drain` and no answer cut short nothing is estimated at all, clients leaving or not.
"""

import asyncio
import json
import random
import sys
from decimal import Decimal

import pytest

from support.gateway import DIALECT_URLS
from support.mixed_load import PROTOCOLS, request, send_all
from support.reconcile import reconcile, rows, watched
from support.serving import serving, until, with_admin

PRICES = {
    "openai_chat": {"input": "1.25", "cache_read": "0.125", "output": "10"},
    "openai_responses": {"input": "0.0703", "cache_read": "0.0117", "output": "0.2813"},
    "anthropic_messages": {"input": "3", "cache_read": "0.3", "output": "15"},
    "gemini": {"input": "0.3", "cache_read": "0.03", "output": "2.5"},
}
MODELS = {name: f"model-{name}" for name in PROTOCOLS}
ANSWERED = {
    "429;retry_after=0.01;as=ms": 0.06,
    "500": 0.03,
    "503;retry_after=0.02": 0.02,
    "529": 0.01,
    "reset": 0.02,
    "502-html": 0.01,
    "slow;per_token_s=0.001": 0.1,
    "refusal": 0.02,
    "truncation": 0.02,
    "empty": 0.01,
    "content_filter": 0.01,
}
"""Faults after which the provider has said what it bills, or bills nothing."""
CUT = {
    "hang": 0.01,
    "late": 0.01,
    "stall;after=5": 0.02,
    "cut;after=7": 0.03,
    "cut-clean;after=3": 0.02,
    "malformed": 0.02,
    "error-in-stream": 0.02,
    "no-done": 0.02,
    "no-usage": 0.02,
    "html": 0.01,
}
"""Faults after which nobody but the provider knows what it bills."""


def scripts(faults):
    return {
        MODELS[name]: {
            "output_tokens": {"p50": 20, "p95": 60},
            "reasoning_tokens": 9 if name in ("openai_responses", "gemini") else None,
            "cache_min_tokens": 4,
            "latency": {"ttft_s": {"p50_s": 0.005, "p95_s": 0.03}, "tokens_per_s": 2000},
            "price": {f"{unit}_usd_per_million": amount for unit, amount in PRICES[name].items()},
            # Anthropic's protocol has no way to leave usage out: it would tell zero, and be believed.
            "faults": {f: s for f, s in faults.items() if (name, f) != ("anthropic_messages", "no-usage")},
        }
        for name in PROTOCOLS
    }


def config(base_url, on_client_gone):
    """Each protocol behind a route of its own, the next one to fall back on, and a route that spreads over all."""
    variants = {
        name: {
            "provider": "upstream", "model": MODELS[name], "base_url": base_url + DIALECT_URLS[name],
            "dialect": name, "key": "sk-upstream", "price": PRICES[name],
        }
        for name in PROTOCOLS
    }  # fmt: skip
    routes = {
        f"to-{n}": {"variant": n, "retries": 2, "fallbacks": [m]}
        for n, m in zip(PROTOCOLS, (*PROTOCOLS[1:], PROTOCOLS[0]), strict=True)
    }
    routes["spread"] = {"policy": {"weighted": {"weights": dict.fromkeys(PROTOCOLS, 1)}}, "sticky": "none"}
    clocks = {} if on_client_gone == "drain" else {"timeout_s": 1.5, "idle_timeout_s": 0.5}
    provider = {**clocks, "on_client_gone": on_client_gone}
    return with_admin({"providers": {"upstream": provider}, "variants": variants, "routes": routes})


def compare(folder, count, faults, *, on_client_gone, leaving, concurrency=48, seed=1):
    """Send `count` requests through two workers, and lay the two ledgers side by side."""
    dice = random.Random(seed)
    with (
        watched(scripts(faults), seed) as (provider, base_url),
        serving(folder, config(base_url, on_client_gone), workers=2) as running,
    ):
        routes = [*(f"to-{name}" for name in PROTOCOLS), "spread"]
        requests = [request(n, dice, routes, leaving) for n in range(count)]
        sent = asyncio.run(send_all(running.base_url, requests, concurrency))
        until(lambda: sum(w["in_flight"] for w in running.health()["workers"]) == 0, "the last request")
        until(lambda: provider.ledger.in_flight == 0, "the provider's last request")
        until(lambda: running.metric("pointsman_requests_total") == count, "all records")
        assert running.metric("pointsman_dropped_records_total") == 0
        assert running.stop() == 0
        ledger = rows(folder / ".pointsman" / "ledger.sqlite")
        assert sum(map(len, ledger.values())) == count, "one row each, and no other"
        result = reconcile(sent, ledger, provider, PRICES, MODELS)
        bill = provider.ledger.report(provider.director.price)
    assert result.provider_usd == Decimal(bill["usd"]), "the comparison looked at everything the provider billed"
    return result


def check_drained(result):
    """Nothing was estimated, and the two sums are one."""
    assert (result.estimated, result.unseen) == (0, 0)
    assert result.ledger_usd == result.provider_usd == result.exact_usd > 0


def check_cancelled(result):
    """All of the difference lies on what is marked as estimated."""
    assert result.exact > result.requests * 0.5
    assert result.estimated > 0
    assert result.ledger_usd == result.exact_usd + result.estimated_usd
    assert result.provider_usd == result.exact_usd + result.estimated_billed_usd


def test_what_the_provider_bills_and_tells_is_in_the_ledger_to_the_last_digit(tmp_path):
    """Errors, retries, fallbacks, slow answers, clients that leave: 300 requests, drained."""
    check_drained(compare(tmp_path, 300, ANSWERED, on_client_gone="drain", leaving=0.15))


def test_what_nobody_could_tell_is_marked_as_estimated_and_nothing_else_differs(tmp_path):
    """Answers cut, stalled and malformed, clients that leave and take the provider with them: 300 requests."""
    check_cancelled(compare(tmp_path, 300, ANSWERED | CUT, on_client_gone="cancel", leaving=0.15))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["drain", "cancel"])
def test_ten_thousand_requests_cost_what_the_provider_says(tmp_path, mode, capsys):
    """The same at length; the figures are printed."""
    faults = ANSWERED if mode == "drain" else ANSWERED | CUT
    result = compare(tmp_path, 10_000, faults, on_client_gone=mode, leaving=0.1, seed=7)
    with capsys.disabled():
        shown = {f: getattr(result, f) for f in result.__struct_fields__}
        sys.stdout.write(json.dumps(shown, default=str, indent=1) + "\n")
    (check_drained if mode == "drain" else check_cancelled)(result)
