"""A request that is over leaves nothing behind but its record."""

import asyncio
import gc
import random

from support.gateway import gateway, variant
from support.mixed_load import request, send_all
from support.scripted_server import scripted_server


def test_hundreds_of_requests_later_there_are_as_many_objects_as_before():
    """All four protocols, streamed and not, passed through and translated, some of the clients leaving."""
    dice = random.Random(3)
    with scripted_server(script={"output_tokens": 20}) as upstream:
        variants = {"chat": variant(upstream.base_url), "claude": variant(upstream.base_url, "anthropic_messages")}
        with gateway({"variants": variants}) as running:

            def objects_after(count):
                requests = [request(n, dice, ["chat", "claude"], leaving=0.1) for n in range(count)]
                asyncio.run(send_all(running.base_url, requests, 8))
                running.wait_for(count)
                running.seen.clear()
                upstream.app.director.reset()
                upstream.app.ledger.clear()
                upstream.app._questions.clear()
                gc.collect()
                return len(gc.get_objects())

            objects_after(100)  # caches fill
            before = objects_after(150)
            after = [objects_after(150) for _ in range(3)]
    assert min(after) - before < 100, f"{before} objects became {after}: something is kept of each request"
