"""The controller that finds out how many calls a provider bears, and the gate that holds the rest back."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.clock import FakeClock
from pointsman.core.failure import Failure, FailureClass
from pointsman.providers.concurrency import AdaptiveGate, Aimd, AimdSettings

LIMITED, BUSY = FailureClass.RATE_LIMIT, FailureClass.TRANSIENT


def _aimd(**how):
    return Aimd(AimdSettings(**{"max_limit": 100, **how}))


class TestAimd:
    def test_starts_at_twenty_or_at_the_users_cap_if_that_is_lower(self):
        assert _aimd().limit == 20
        assert _aimd(max_limit=4).limit == 4

    def test_doubles_each_round_until_the_first_complaint_so_that_a_high_cap_is_reached(self):
        aimd, rounds = _aimd(max_limit=512), 0
        while aimd.limit < 512:
            for _ in range(aimd.limit):
                aimd.succeeded(0.0)
            rounds += 1
        assert rounds == 5

    def test_a_burst_of_429s_counts_once_and_halves(self):
        aimd = _aimd(cooldown_s=15)
        for t in (0.0, 0.1, 5.0, 14.9):
            aimd.failed(LIMITED, t)
        assert (aimd.limit, aimd.decreases) == (10, 1)
        aimd.failed(LIMITED, 15.0)
        assert (aimd.limit, aimd.decreases) == (5, 2)

    def test_after_a_complaint_a_whole_quiet_round_earns_a_little(self):
        aimd = _aimd(max_limit=96, cooldown_s=15)
        aimd.failed(LIMITED, 0.0)
        for _ in range(100):
            aimd.succeeded(14.9)
        assert aimd.limit == 10
        for _ in range(9):
            aimd.succeeded(15.0)
        assert aimd.limit == 10
        aimd.succeeded(15.0)
        assert aimd.limit == 13

    def test_server_errors_do_not_shrink(self):
        aimd = _aimd()
        for kind in FailureClass:
            if kind is not LIMITED:
                aimd.failed(kind, 0.0)
        assert aimd.limit == 20

    def test_headers_that_say_little_is_left_shrink_by_a_fifth_once(self):
        aimd = _aimd()
        for ratio in (None, 0.5, 0.1):
            aimd.left(ratio, 0.0)
        assert aimd.limit == 20
        aimd.left(0.09, 0.0)
        aimd.left(0.01, 1.0)
        assert aimd.limit == 16

    def test_answers_that_leave_room_say_nothing_about_more_room(self):
        aimd = _aimd()
        for _ in range(1000):
            aimd.succeeded(0.0, saturated=False)
        assert aimd.limit == 20

    def test_a_cap_below_one_is_refused(self):
        with pytest.raises(ValueError, match="max_limit"):
            _aimd(max_limit=0)

    @given(
        st.integers(1, 300),
        st.integers(1, 300),
        st.integers(1, 300),
        st.lists(st.tuples(st.sampled_from(["ok", "429", "500", "scarce"]), st.floats(0, 10))),
    )
    def test_stays_within_its_bounds_and_never_counts_two_complaints_within_one_cooldown(self, cap, start, least, events):
        aimd = _aimd(max_limit=cap, start=start, min_limit=least, cooldown_s=15)
        now_s, decreased_at_s = 0.0, float("-inf")
        for what, step_s in events:
            now_s += step_s
            limit, decreases = aimd.limit, aimd.decreases
            if what == "ok":
                aimd.succeeded(now_s)
                assert aimd.limit >= limit
            elif what == "scarce":
                aimd.left(0.0, now_s)
            else:
                aimd.failed(LIMITED if what == "429" else BUSY, now_s)
            assert min(least, cap) <= aimd.limit <= cap
            assert aimd.decreases - decreases in (0, 1)
            if aimd.decreases > decreases:
                assert now_s - decreased_at_s >= 15
                decreased_at_s = now_s
            elif what != "ok":
                assert aimd.limit == limit


class TestGate:
    def test_lets_through_as_many_as_the_limit_and_the_rest_in_order(self):
        async def main():
            gate, order, most = AdaptiveGate(_aimd(max_limit=3)), [], 0

            async def call(n):
                nonlocal most
                await gate.acquire()
                order.append(n)
                most = max(most, gate.in_flight)
                await asyncio.sleep(0)
                gate.release()

            await asyncio.gather(*[call(n) for n in range(50)])
            return order, most, gate.in_flight, gate.waiting

        assert asyncio.run(main()) == (list(range(50)), 3, 0, 0)

    def test_reports_how_long_a_caller_queued(self):
        async def main():
            clock = FakeClock()
            gate = AdaptiveGate(_aimd(max_limit=1), clock)
            assert await gate.acquire() == 0.0
            second = asyncio.ensure_future(gate.acquire())
            await asyncio.sleep(0)
            clock.advance(7)
            gate.release()
            return await second

        assert asyncio.run(main()) == 7.0

    def test_a_429_makes_room_smaller_at_once_and_callers_in_flight_finish(self):
        async def main():
            gate = AdaptiveGate(_aimd(max_limit=4), FakeClock())
            for _ in range(4):
                await gate.acquire()
            waiter = asyncio.ensure_future(gate.acquire())
            gate.saw(Failure(kind=LIMITED, message="x"), {})
            for _ in range(2):
                gate.release()
                await asyncio.sleep(0)
            assert not waiter.done()
            gate.release()
            await waiter
            return gate.in_flight, gate.aimd.limit

        assert asyncio.run(main()) == (2, 2)

    def test_scarce_headers_on_a_success_are_seen(self):
        gate = AdaptiveGate(_aimd(), FakeClock())
        gate.saw(None, {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "5"})
        assert gate.aimd.limit == 16

    def test_growth_admits_those_who_wait(self):
        async def main():
            gate = AdaptiveGate(_aimd(max_limit=10, start=1), FakeClock())
            await gate.acquire()
            waiter = asyncio.ensure_future(gate.acquire())
            await asyncio.sleep(0)
            gate.saw(None, {})
            await asyncio.wait_for(waiter, 1)
            return gate.in_flight

        assert asyncio.run(main()) == 2

    @pytest.mark.parametrize("granted_first", [True, False])
    def test_a_caller_who_leaves_the_queue_loses_no_place(self, granted_first):
        async def main():
            gate = AdaptiveGate(_aimd(max_limit=1))
            await gate.acquire()
            leaver, stayer = asyncio.ensure_future(gate.acquire()), asyncio.ensure_future(gate.acquire())
            await asyncio.sleep(0)
            if granted_first:
                gate.release()
            leaver.cancel()
            if not granted_first:
                await asyncio.sleep(0)
                gate.release()
            await asyncio.wait_for(stayer, 1)
            gate.release()
            return gate.in_flight, gate.waiting

        assert asyncio.run(main()) == (0, 0)

    def test_one_limit_of_five_hundred_really_has_five_hundred_in_flight(self):
        async def main():
            gate, most = AdaptiveGate(_aimd(max_limit=512)), 0

            async def call():
                nonlocal most
                await gate.acquire()
                most = max(most, gate.in_flight)
                await asyncio.sleep(0.001)
                gate.saw(None, {})
                gate.release()

            await asyncio.gather(*[call() for _ in range(5000)])
            return most

        assert asyncio.run(main()) == 512
