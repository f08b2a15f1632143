"""Token counts of protocols whose totals contain their parts, split so that nothing counts twice."""

from __future__ import annotations

from pointsman.core.usage import Usage

__all__ = ["Count", "split_usage", "told_tier", "whole"]

Count = int | float | None
"""A count as JSON has it: some servers write `5.0`."""


def whole(count: Count) -> int | None:
    """A token count as an integer; None stays None, and a negative count says nothing."""
    return int(count) if count is not None and 0 <= count < 1e15 else None


_NO_PARTS = (None,) * 7


def split_usage(
    *,
    total_input: Count,
    total_output: Count,
    total: Count = None,
    cache_read: Count = None,
    cache_write: Count = None,
    input_audio: Count = None,
    input_image: Count = None,
    reasoning: Count = None,
    output_audio: Count = None,
    output_image: Count = None,
    tier: str | None = None,
) -> Usage:
    """The ledger of one call: parts are taken out of the total they lie in, and what is left is plain text.

    The grand total tells where reasoning lies. OpenAI and most others count it inside the output
    (in + out = total); xAI counts it beside (in + out + reasoning = total), so there it is not taken
    out; Gemini's compatible endpoint leaves it out of both and only the total betrays it. A part
    larger than its total (xAI on Azure reports more cached than prompt tokens) is cut to it. What
    was not reported stays None.
    """
    read, written = whole(total_input), whole(total_output)
    parts = (cache_read, cache_write, input_audio, input_image, reasoning, output_audio, output_image)
    if parts == _NO_PARTS and (total is None or read is None or written is None or total <= read + written):
        return Usage(input_tokens=read, output_tokens=written, service_tier=tier)
    thought, beside = _reasoning(read, written, whole(total), whole(reasoning))
    plain_in, (from_cache, to_cache, sound_in, image_in) = _take(read, cache_read, cache_write, input_audio, input_image)
    plain_out, (inside, sound_out, image_out) = _take(written, None if beside else thought, output_audio, output_image)
    return Usage(
        input_tokens=plain_in,
        cache_read_tokens=from_cache,
        cache_write_tokens=to_cache,
        input_audio_tokens=sound_in,
        input_image_tokens=image_in,
        output_tokens=plain_out,
        reasoning_tokens=thought if beside else inside,
        output_audio_tokens=sound_out,
        output_image_tokens=image_out,
        service_tier=tier,
    )


def told_tier(said: object) -> str | None:
    """The service tier a provider named; None for what is no name, and for `auto`, which only repeats the wish."""
    return said.lower() if isinstance(said, str) and said and said != "auto" else None


def _reasoning(read: int | None, written: int | None, total: int | None, reported: int | None) -> tuple[int | None, bool]:
    """Reasoning tokens, and whether they lie beside the output instead of inside it."""
    if read is None or written is None or total is None or total <= read + written:
        return reported, False
    unexplained = total - read - written
    if not reported:
        return unexplained, True
    return reported, reported == unexplained


def _take(total: int | None, *parts: Count) -> tuple[int | None, list[int | None]]:
    """Parts taken out of the total, one after another, and what is left of it."""
    left, taken = total, list[int | None]()
    for part in map(whole, parts):
        fits = part if part is None or left is None else min(part, left)
        taken.append(fits)
        left = left - fits if left is not None and fits is not None else left
    return left, taken
