"""Lanes stay near one another, and never block each other for good."""

from __future__ import annotations

import asyncio

from pointsman.evals.pace import Pace


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_fast_lane_waits_until_the_slow_one_comes_near():
    async def story() -> None:
        pace = Pace(2, window=10)
        await pace.keep(0, 5)
        fast = asyncio.ensure_future(pace.keep(0, 50))
        await settle()
        assert not fast.done()
        await pace.keep(1, 39)
        await settle()
        assert not fast.done()
        await pace.keep(1, 40)
        await asyncio.wait_for(fast, 1)

    asyncio.run(story())


def test_a_lane_that_is_done_holds_nobody_back():
    async def story() -> None:
        pace = Pace(2, window=10)
        fast = asyncio.ensure_future(pace.keep(0, 50))
        await settle()
        assert not fast.done()
        pace.leave(1)
        await asyncio.wait_for(fast, 1)

    asyncio.run(story())


def test_two_lanes_whose_next_slots_lie_far_ahead_do_not_wait_for_each_other():
    async def story() -> None:
        pace = Pace(2, window=10)
        await asyncio.wait_for(asyncio.gather(*[_walk(pace, 0, [500, 505, 900]), _walk(pace, 1, [700, 720, 800])]), 1)

    asyncio.run(story())


async def _walk(pace: Pace, lane: int, orders: list[int]) -> None:
    for order in orders:
        await pace.keep(lane, order)
        await asyncio.sleep(0)
    pace.leave(lane)


def test_a_single_lane_never_waits():
    asyncio.run(asyncio.wait_for(Pace(1, window=0).keep(0, 10**6), 1))
