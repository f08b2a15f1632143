"""Which trace a request belongs to, and the ids of its spans, worked out from its decision id alone.

Format: W3C Trace Context (https://www.w3.org/TR/trace-context/). Nothing has to be carried from the process
that asks the provider to the one that writes spans: a hash of the decision id gives both the same numbers,
and lets anybody who has a reply's `x-pointsman-decision` find its trace.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import msgspec

__all__ = ["TraceContext", "is_sampled", "outgoing_traceparent", "read_traceparent", "span_id", "trace_of"]

_FORMAT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


class TraceContext(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a trace."""

    trace_id: int
    parent_id: int | None = None
    """The span of whoever called us; None: the trace begins here."""
    sampled: bool


def read_traceparent(text: str | None) -> TraceContext | None:
    """What a `traceparent` header says; None if there is none or it is not valid, as the standard demands."""
    found = _FORMAT.fullmatch(text) if text else None
    if found is None or (text is not None and text.startswith("00") and len(text) != 55):
        return None
    trace_id, parent_id = int(found[1], 16), int(found[2], 16)
    if not trace_id or not parent_id:
        return None
    return TraceContext(trace_id=trace_id, parent_id=parent_id, sampled=bool(int(found[3], 16) & 1))


def trace_of(decision: str, traceparent: str | None, ratio: float) -> TraceContext:
    """The client's trace where it sent one, sampled as it says; otherwise one of our own, sampled by `ratio`."""
    given = read_traceparent(traceparent)
    if given is not None:
        return given
    trace_id = _number(decision, "trace", 16)
    return TraceContext(trace_id=trace_id, sampled=is_sampled(trace_id, ratio))


def is_sampled(trace_id: int, ratio: float) -> bool:
    """Whether a trace is among the share `ratio`, by its id's low 64 bits, as OpenTelemetry's own ratio sampler has it."""
    return trace_id & ((1 << 64) - 1) < round(ratio * (1 << 64))


def span_id(decision: str, attempt: int) -> int:
    """Of the request for 0, of its first, second … call to a provider for 1, 2 …"""
    return _number(decision, f"span {attempt}", 8)


def outgoing_traceparent(decision: str, traceparent: str | None, ratio: float, attempt: int) -> str:
    """The header for a call to a provider: its span is the parent of whatever the provider does."""
    trace = trace_of(decision, traceparent, ratio)
    return f"00-{trace.trace_id:032x}-{span_id(decision, attempt):016x}-{int(trace.sampled):02x}"


def _number(decision: str, what: str, size: int) -> int:
    # An id of zero is invalid; one in 2^64 would be.
    return int.from_bytes(blake2b(f"{what} {decision}".encode(), digest_size=size).digest(), "big") or 1
