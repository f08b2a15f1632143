"""Routes move between variants while requests fly, and the gateway is stopped under load: no request is lost and none
is billed by another configuration's price.
"""

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from decimal import Decimal

from pointsman.core.ids import hash_bytes
from support.gateway import DIALECT_URLS
from support.mixed_load import request, send
from support.reconcile import of_usage, reconcile, rows, watched
from support.serving import serving, until, with_admin

SCRIPT = {"output_tokens": 20, "latency": {"ttft_s": 0.01, "total_s": 0.06}}
CHEAP = {"input": "0.1", "cache_read": "0.01", "output": "0.7"}
DEAR = {"input": "10", "cache_read": "1", "output": "70"}


def config(base_url, version):
    """Every version serves the one route by its own variant, model, protocol and price."""
    dialect = ("openai_chat", "anthropic_messages")[version % 2]
    one = {
        "provider": "upstream", "model": f"model-{version}", "base_url": base_url + DIALECT_URLS[dialect],
        "dialect": dialect, "key": "sk-upstream", "price": price(version),
    }  # fmt: skip
    return with_admin({"variants": {f"v{version}": one}, "routes": {"chat": {"variant": f"v{version}"}}}, drain_s=20)


def price(version):
    return CHEAP if version % 2 else DEAR


async def keep_sending(base_url, dice, sent, stop, concurrency=24):
    """Clients that ask again and again until told to stop; what they could not send is not in `sent`."""
    host, _, port = base_url.removeprefix("http://").rpartition(":")
    numbers = itertools.count()  # not the length of `sent`, which shrinks: a number given twice is two requests under one marker

    async def client():
        while not stop.is_set():
            one = request(next(numbers), dice, ["chat"], leaving=0.0)
            sent.append(one)
            try:
                await send(host, int(port), one)
            except OSError:  # refused: the gateway has been stopped
                sent.remove(one)
                return

    await asyncio.gather(*(client() for _ in range(concurrency)))


def test_a_request_is_served_and_billed_by_the_snapshot_it_began_with(tmp_path):
    """Eight reloads under the load of 24 clients on two workers."""
    versions = 9
    with watched({"default": SCRIPT}) as (provider, base_url), serving(tmp_path, config(base_url, 0), workers=2) as running:
        snapshots = {running.snapshot: 0}

        async def reload_again_and_again(sent):
            for version in range(1, versions):
                enough = len(sent) + 40
                await asyncio.to_thread(until, lambda: len(sent) >= enough, "some more requests")  # noqa: B023  # it is called before the next round
                running.write(config(base_url, version))
                status, answer = await asyncio.to_thread(running.admin, "/reload", method="POST")
                assert status == 200, answer
                snapshots[answer["snapshot"]] = version

        async def both():
            sent, stop = [], asyncio.Event()
            sending = asyncio.create_task(keep_sending(running.base_url, random.Random(5), sent, stop))
            await reload_again_and_again(sent)
            stop.set()
            await sending
            return sent

        sent = asyncio.run(both())
        until(lambda: running.metric("pointsman_requests_total") == len(sent), "all records")
        assert running.stop() == 0
        assert all(one.status == 200 for one in sent), Counter(one.status for one in sent)
        ledger = rows(tmp_path / ".pointsman" / "ledger.sqlite")
        names = {f"v{v}": v for v in range(versions)}
        prices = {name: price(v) for name, v in names.items()}
        result = reconcile(sent, ledger, provider, prices, {name: f"model-{v}" for name, v in names.items()})
    assert result.exact == result.attempts == result.requests == len(sent)
    served = Counter()
    for one in sent:
        (row,) = ledger[hash_bytes(one.body)]
        version = snapshots[row.snapshot]
        assert row.variant == f"v{version}", "the variant is the one its snapshot names"
        assert row.usd == of_usage(price(version), row.tried[0].usage)
        served[version] += 1
    assert set(served) == set(range(versions)), "every version served some"


def test_a_stop_under_load_loses_no_request_that_was_taken(tmp_path):
    """Every client that got an answer got a whole one, and has its row; the others were turned away or cut before one began."""
    with watched({"default": SCRIPT}) as (provider, base_url), serving(tmp_path, config(base_url, 0), workers=2) as running:

        async def stop_in_the_middle():
            sent, stop = [], asyncio.Event()
            sending = asyncio.create_task(keep_sending(running.base_url, random.Random(6), sent, stop))
            await asyncio.to_thread(until, lambda: len(sent) >= 200, "two hundred requests")
            running.process.terminate()
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(sending, 30)
            return sent

        sent = asyncio.run(stop_in_the_middle())
        assert running.process.wait(30) == 0
        said = running.said(after_end=True)
        ledger = rows(tmp_path / ".pointsman" / "ledger.sqlite")
    assert "lost" not in said
    answered = [one for one in sent if one.status is not None]
    result = reconcile(answered, ledger, provider, {"v0": price(0)}, {"v0": "model-0"})
    assert result.exact == len(answered) >= 150
    assert result.statuses == {200: len(answered)}
    turned_away = [one for one in sent if one.status is None]
    assert not any(hash_bytes(one.body) in ledger for one in turned_away), "who got no answer was not taken, and not billed"
    assert result.ledger_usd == result.provider_usd > Decimal(0)
