"""Many clocks on one timer, and the difference between a clock that ran out and a caller who left."""

import asyncio

import pytest

from pointsman.providers.deadlines import Deadlines, Watch


async def _wait(deadlines, limit_s, inner=None):
    """Wait for `inner`, at most `limit_s`; True if the clock ended it."""
    watch = Watch(deadlines)
    watch.begin(deadlines.now_s() + limit_s, "body")
    try:
        await (inner or asyncio.sleep(5))
    except asyncio.CancelledError:
        if watch.timed_out():
            return True
        raise
    finally:
        watch.end()
    return False


def test_a_later_wait_does_not_delay_an_earlier_one_and_the_timer_goes_on_to_the_next():
    async def main():
        deadlines = Deadlines(asyncio.get_running_loop())
        began = deadlines.now_s()
        ends = await asyncio.gather(*[_timed(deadlines, s, began) for s in (0.09, 0.03, 0.06)])
        deadlines.close()
        return ends

    async def _timed(deadlines, limit_s, began):
        assert await _wait(deadlines, limit_s)
        return deadlines.now_s() - began

    for took, limit in zip(asyncio.run(main()), (0.09, 0.03, 0.06), strict=True):
        assert limit <= took + 0.001 < limit + 0.08


def test_a_wait_that_ends_in_time_is_left_alone():
    async def main():
        deadlines = Deadlines(asyncio.get_running_loop())
        assert not await _wait(deadlines, 0.02, asyncio.sleep(0))
        await asyncio.sleep(0.05)
        task = asyncio.current_task()
        return task.cancelling()

    assert asyncio.run(main()) == 0


def test_a_caller_who_leaves_in_the_very_moment_the_clock_runs_out_is_cancelled_not_timed_out():
    async def main():
        deadlines = Deadlines(asyncio.get_running_loop())
        task = asyncio.ensure_future(_wait(deadlines, 0.02))
        await asyncio.sleep(0)
        (watch,) = deadlines._waiting
        task.cancel()
        watch.interrupt()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_timeout_leaves_the_task_fit_to_go_on():
    async def main():
        deadlines = Deadlines(asyncio.get_running_loop())
        assert await _wait(deadlines, 0.01)
        await asyncio.sleep(0.01)
        async with asyncio.timeout(1):
            assert await _wait(deadlines, 0.01)
        return asyncio.current_task().cancelling()

    assert asyncio.run(main()) == 0


def test_nothing_is_interrupted_between_two_waits():
    async def main():
        deadlines = Deadlines(asyncio.get_running_loop())
        watch = Watch(deadlines)
        watch.begin(deadlines.now_s() + 0.01, "body")
        watch.end()
        await asyncio.sleep(0.05)
        watch.interrupt()
        await asyncio.sleep(0)

    asyncio.run(main())
