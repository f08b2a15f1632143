"""Keys in rotation, and keys that stay secret."""

import copy
import pickle
import traceback

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.failure import ConfigError, FailureClass
from pointsman.providers.keys import KeyRing
from pointsman.providers.secret import Secret

LIMITED, AUTH, QUOTA, BUSY = FailureClass.RATE_LIMIT, FailureClass.AUTH, FailureClass.QUOTA, FailureClass.TRANSIENT
TEXT = "sk-very-secret"


def _ring(count=3, **how):
    return KeyRing([Secret(f"key-{n}") for n in range(1, count + 1)], **how)


class TestRotation:
    def test_one_key_is_used_until_it_is_limited(self):
        ring = _ring()
        assert [ring.pick(t).number for t in (0, 1, 2)] == [1, 1, 1]
        ring.failed(1, LIMITED, 2, retry_after_s=30)
        assert ring.pick(2).number == 2

    def test_a_server_error_is_not_the_keys_fault(self):
        ring = _ring()
        ring.failed(1, BUSY, 0)
        assert ring.pick(0).number == 1

    def test_a_cooling_key_is_skipped_and_the_rotation_goes_on(self):
        ring = _ring()
        ring.failed(1, LIMITED, 0, 30)
        ring.failed(2, LIMITED, 0, 30)
        assert ring.pick(1).number == 3
        ring.failed(3, LIMITED, 31, 30)
        assert ring.pick(31).number == 1

    def test_a_burst_of_refusals_of_one_key_turns_the_ring_once(self):
        ring = _ring()
        for _ in range(10):
            ring.failed(1, LIMITED, 0, 30)
        assert ring.pick(0).number == 2

    def test_with_all_cooling_the_soonest_is_tried_and_says_how_long_it_would_rest(self):
        ring = _ring()
        for number, rest_s in ((1, 30), (2, 10), (3, 20)):
            ring.failed(number, LIMITED, 0, rest_s)
        choice = ring.pick(4)
        assert (choice.number, choice.ready_in_s) == (2, 6)
        assert not ring.has_free(4)

    @pytest.mark.parametrize("kind", [AUTH, QUOTA])
    def test_a_refused_key_goes_to_the_bench_and_comes_back_in_time(self, kind):
        ring = _ring(2, bench_s=100)
        ring.failed(1, kind, 0)
        assert ring.pick(50).number == 2
        ring.failed(2, LIMITED, 100, 10)
        assert ring.pick(100).number == 1

    def test_a_cooling_key_is_preferred_to_a_benched_one(self):
        ring = _ring(2, bench_s=10)
        ring.failed(1, AUTH, 0)
        ring.failed(2, LIMITED, 0, 50)
        assert ring.pick(0).number == 2

    def test_a_benched_key_that_works_after_all_leaves_the_bench(self):
        ring = _ring(1)
        ring.failed(1, AUTH, 0)
        ring.worked(1)
        assert ring.has_free(0)

    def test_no_keys_is_a_config_error(self):
        with pytest.raises(ConfigError):
            KeyRing([])

    @given(
        st.integers(1, 5),
        st.lists(st.tuples(st.integers(1, 5), st.sampled_from(FailureClass), st.none() | st.floats(0, 60), st.floats(0, 20))),
    )
    def test_a_key_is_always_picked_and_never_a_resting_one_while_another_is_free(self, count, events):
        ring, now_s, free_at_s = _ring(count), 0.0, {}
        for which, kind, wait_s, step_s in events:
            number = min(which, count)
            ring.failed(number, kind, now_s, wait_s)
            limited_s = 10.0 if wait_s is None else wait_s
            rest_s = limited_s if kind is LIMITED else 900.0 if kind.fault == "account" else None
            if rest_s is not None:
                free_at_s[number] = max(free_at_s.get(number, 0.0), now_s + rest_s)
            now_s += step_s
            choice = ring.pick(now_s)
            free = [n for n in range(1, count + 1) if free_at_s.get(n, 0.0) <= now_s]
            assert ring.has_free(now_s) == bool(free)
            assert choice.number in free if free else choice.ready_in_s > 0


class TestSecrets:
    def test_nothing_that_prints_shows_it(self):
        secret = Secret(TEXT)
        ring = KeyRing([secret])
        for text in (
            repr(secret),
            str(secret),
            f"{secret}",
            f"{secret:>9}",
            repr([secret]),
            repr(ring),
            str(ring),
            repr(ring.pick(0)),
        ):
            assert TEXT not in text
        assert repr(secret) == "•••"

    @pytest.mark.parametrize(
        "write", [pickle.dumps, lambda s: pickle.dumps(KeyRing([s])), msgspec.json.encode, msgspec.to_builtins]
    )
    def test_nothing_writes_it(self, write):
        with pytest.raises(TypeError) as caught:
            write(Secret(TEXT))
        assert TEXT not in "".join(traceback.format_exception(caught.value))

    def test_a_copy_is_the_same_secret(self):
        secret = Secret(TEXT)
        assert copy.copy(secret) is secret
        assert copy.deepcopy({"k": secret})["k"] is secret

    def test_equality_is_by_value(self):
        assert Secret(TEXT) == Secret(f" {TEXT}\n")
        assert Secret(TEXT) != Secret("other")
        assert len({Secret(TEXT), Secret(TEXT)}) == 1

    @pytest.mark.parametrize("bad", ["", "  \n", "two\nlines", "smart“quote", "nul\0l"])
    def test_a_text_no_header_can_carry_is_refused_without_being_shown(self, bad):
        with pytest.raises(ConfigError) as caught:
            Secret(bad)
        assert not bad.strip() or bad.strip() not in str(caught.value)
