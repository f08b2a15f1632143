"""Token counts: Anthropic's `input_tokens` leaves the cache out, its `output_tokens` contains the thinking.

A stream reports running totals, some fields at its start and some at its end, so what is present
replaces what was known and nothing is ever added.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pointsman.core.usage import Usage
from pointsman.providers.token_ledger import told_tier

__all__ = ["WireUsage", "ledger", "merged", "wire_usage"]


class _Creation(msgspec.Struct, frozen=True):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _OutputDetails(msgspec.Struct, frozen=True):
    thinking_tokens: int | None = None


class _Iteration(msgspec.Struct, frozen=True):
    type: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class WireUsage(msgspec.Struct, frozen=True):
    """`usage` as it stands on the wire."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: _Creation | None = None
    output_tokens_details: _OutputDetails | None = None
    iterations: list[_Iteration] | None = None
    service_tier: Any = None


def merged(old: WireUsage | None, new: WireUsage) -> WireUsage:
    """Each field that `new` reports replaces the old one."""
    if old is None:
        return new
    present = {f: v for f in new.__struct_fields__ if (v := getattr(new, f)) is not None}
    return msgspec.structs.replace(old, **present)


def ledger(wire: WireUsage) -> Usage:
    """The wire's counts in fields that do not overlap.

    Compaction passes are billed like the rest but stand in `iterations` only, so they are put back in
    (https://platform.claude.com/docs/en/build-with-claude/compaction). Passes of another model (advisor,
    abandoned fallback) have another price and stay out.
    """
    thinking = wire.output_tokens_details.thinking_tokens if wire.output_tokens_details else None
    write, write_1h = _cache_writes(wire)
    passes = [i for i in wire.iterations or () if i.type == "compaction"]
    output = _plus(wire.output_tokens, [i.output_tokens for i in passes])
    return Usage(
        service_tier=told_tier(wire.service_tier),
        input_tokens=_plus(wire.input_tokens, [i.input_tokens for i in passes]),
        cache_read_tokens=_plus(wire.cache_read_input_tokens, [i.cache_read_input_tokens for i in passes]),
        cache_write_tokens=_plus(write, [i.cache_creation_input_tokens for i in passes]),
        cache_write_1h_tokens=write_1h,
        output_tokens=output if output is None or thinking is None else max(output - thinking, 0),
        reasoning_tokens=thinking if thinking is None or output is None else min(thinking, output),
    )


def wire_usage(usage: Usage | None) -> dict[str, object]:
    """Our ledger as Anthropic writes it. `input_tokens` and `output_tokens` must be there; unknown becomes 0."""
    usage = usage or Usage()
    wire: dict[str, object] = {
        "input_tokens": _sum(usage.input_tokens, usage.input_audio_tokens, usage.input_image_tokens) or 0,
        "output_tokens": usage.total_output_tokens or 0,
    }
    if usage.cache_read_tokens is not None:
        wire["cache_read_input_tokens"] = usage.cache_read_tokens
    written = _sum(usage.cache_write_tokens, usage.cache_write_1h_tokens)
    if written is not None:
        wire["cache_creation_input_tokens"] = written
    if usage.cache_write_1h_tokens is not None:
        wire["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens or 0,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        }
    if usage.reasoning_tokens is not None:
        wire["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return wire


def _cache_writes(wire: WireUsage) -> tuple[int | None, int | None]:
    """Written for 5 minutes and for 1 hour. The total is the later word (the split comes at the start only)."""
    total, split = wire.cache_creation_input_tokens, wire.cache_creation
    if split is None:
        return total, None
    hour = split.ephemeral_1h_input_tokens
    if total is None:
        return split.ephemeral_5m_input_tokens, hour
    return (total, None) if hour is None else (total - min(hour, total), min(hour, total))


def _plus(count: int | None, more: list[int | None]) -> int | None:
    return _sum(count, *more)


def _sum(*counts: int | None) -> int | None:
    known = [c for c in counts if c is not None]
    return sum(known) if known else None
