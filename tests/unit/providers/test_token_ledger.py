"""Totals that contain their parts, split so that nothing counts twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.usage import Usage
from pointsman.providers.token_ledger import split_usage, whole

COUNT = st.none() | st.integers(0, 10_000)


def test_cached_and_reasoning_tokens_are_taken_out_of_the_totals_they_lie_in() -> None:
    """OpenAI: prompt 100 with 20 cached and 10 of audio, completion 50 with 30 of reasoning."""
    usage = split_usage(total_input=100, total_output=50, total=150, cache_read=20, input_audio=10, reasoning=30)
    assert usage == Usage(input_tokens=70, cache_read_tokens=20, input_audio_tokens=10, output_tokens=20, reasoning_tokens=30)


def test_reasoning_beside_the_output_is_not_taken_out_of_it() -> None:
    """XAI: 12 + 1 + 290 = 303, so the 290 lie outside of the 1."""
    usage = split_usage(total_input=12, total_output=1, total=303, reasoning=290)
    assert (usage.output_tokens, usage.reasoning_tokens, usage.total_output_tokens) == (1, 290, 291)


def test_hidden_reasoning_shows_in_the_grand_total() -> None:
    """Gemini's compatible endpoint: 35 + 12 is 62 short of 109, and those 62 were billed."""
    usage = split_usage(total_input=35, total_output=12, total=109)
    assert (usage.output_tokens, usage.reasoning_tokens) == (12, 62)


def test_a_part_larger_than_its_total_is_cut_to_it() -> None:
    """XAI on Azure reports 161 cached of 24 prompt tokens; OpenRouter 11 of reasoning in 10."""
    usage = split_usage(total_input=24, total_output=10, total=34, cache_read=161, reasoning=11)
    assert (usage.input_tokens, usage.cache_read_tokens, usage.total_input_tokens) == (0, 24, 24)
    assert (usage.output_tokens, usage.reasoning_tokens, usage.total_output_tokens) == (0, 10, 10)


def test_absent_is_not_zero() -> None:
    """What was not reported stays None, and an explicit 0 stays 0."""
    usage = split_usage(total_input=10, total_output=5)
    assert (usage.cache_read_tokens, usage.reasoning_tokens) == (None, None)
    usage = split_usage(total_input=10, total_output=5, total=15, cache_read=0, reasoning=0)
    assert (usage.cache_read_tokens, usage.reasoning_tokens) == (0, 0)
    assert split_usage(total_input=None, total_output=5).total_input_tokens is None


def test_counts_written_as_floats_or_nonsense() -> None:
    """`5.0` is 5; a negative or absurd count says nothing."""
    assert (whole(5.0), whole(-1), whole(1e300), whole(None)) == (5, None, None, None)


@given(read=COUNT, written=COUNT, cached=COUNT, audio=COUNT, image=COUNT, reasoning=COUNT)
def test_the_parts_always_sum_to_the_totals(
    read: int | None, written: int | None, cached: int | None, audio: int | None, image: int | None, reasoning: int | None
) -> None:
    """Whatever is reported of the parts, the ledger neither invents nor loses a token, and none is negative."""
    usage = split_usage(
        total_input=read, total_output=written, cache_read=cached, input_audio=audio, input_image=image, reasoning=reasoning
    )
    if read is not None:
        assert usage.total_input_tokens == read
    if written is not None:
        assert usage.total_output_tokens == written
    counts = [getattr(usage, f) for f in usage.__struct_fields__ if f != "source"]
    assert all(c is None or c >= 0 for c in counts)
