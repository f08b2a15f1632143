"""Damage done to bytes on the wire, the same for the same seed."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

__all__ = ["mutated", "mutated_stream", "pieces_of"]

_TOKENS = (
    b"null", b"NaN", b"-Infinity", b"1e999", b"-1e-999", b"9" * 400, b"-1", b"0.1", b"true", b'""', b"[]", b"{}", b'"\\ud800"',
    b'"\\ud83d"', b"\x00", b"\xff\xfe", b"\xc3\x28", b"\xef\xbb\xbf", b"\r\n\r\n", b"\n\n", b"data: ", b"event: error\n",
    b"data: [DONE]\n\n", b"[" * 3000, b'{"a":' * 2500, b"\\", b'"', b"}", b"]", b",", b":", b"\x1f\x8b\x08\x00", b"'", b"<html>",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**300, 0.1, -0.0, 1e308, 5e-324, "", " ", "a", "\x00",
    "\x01\r\n", "\ud800", "é🌧", "x" * 5000, "[DONE]", "data:image/png;base64,", "data:,", "https://example.com/\x7f", [], {},
    [[]], [None], {"": None}, {"type": "text"}, {"type": None}, {"role": "user"}, [{"type": "zzz"}], {"a": {"b": [1]}},
)  # fmt: skip


def mutated(rng: random.Random, body: bytes) -> bytes:
    """A JSON document with one to four things wrong with it, in its values or in its bytes."""
    return _reshaped(rng, body) if rng.random() < 0.6 else _damaged(rng, body)


def mutated_stream(rng: random.Random, stream: bytes) -> bytes:
    """A stream whose events were lost, doubled, put out of order or changed, or whose bytes were damaged."""
    events = stream.split(b"\n\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(events))
        match rng.randrange(8):
            case 0:
                del events[at : at + rng.randint(1, 3)]
            case 1:
                events.insert(at, rng.choice(events))
            case 2:
                rng.shuffle(events)
            case 3:
                events = events[: at + 1]
            case 4 | 5 | 6:
                head, mark, data = events[at].partition(b"data: ")
                events[at] = head + mark + mutated(rng, data)
            case _:
                return _damaged(rng, b"\n\n".join(events))
        if not events:
            return b""
    ends = rng.choice((b"\n\n", b"\n\n", b"\n\n", b"\r\n\r\n", b"\r\r", b"\n"))
    return ends.join(events)


def pieces_of(rng: random.Random, data: bytes) -> list[bytes]:
    """The same bytes as a network might deliver them."""
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randint(0, 6)))
    return [p for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if (p := data[a:b])]


def _damaged(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        end = min(len(out), at + rng.randint(1, 40))
        match rng.randrange(6):
            case 0:
                if at < len(out):
                    out[at] = rng.randrange(256)
            case 1:
                del out[at:end]
            case 2:
                out[at:at] = out[at:end]
            case 3:
                out[at:at] = rng.choice(_TOKENS)
            case 4:
                out[at:at] = rng.randbytes(rng.randint(1, 8))
            case _:
                del out[at:]
    return bytes(out)


def _reshaped(rng: random.Random, body: bytes) -> bytes:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _damaged(rng, body)
    for _ in range(rng.randint(1, 4)):
        places = _places(document)
        if not places:
            break
        holder, key = rng.choice(places)
        _change(rng, holder, key)
    text = json.dumps(document)  # surrogates stay escaped, so they can be sent
    if rng.random() < 0.1:  # a key that comes twice
        text = text.replace('{"', '{"model": 1, "', 1) if rng.random() < 0.5 else text.replace("{", '{"messages": [], ', 1)
    return text.encode()


def _change(rng: random.Random, holder: Any, key: Any) -> None:
    match rng.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[rng.randrange(len(holder))]))
        case 2 if isinstance(holder, dict):
            holder[rng.choice(("type", "role", "content", "id", "index", "\x01odd\r\nkey", "é"))] = holder.pop(key)
        case 3:
            holder[key] = [holder[key]] if rng.random() < 0.5 else {"type": "text", "text": holder[key]}
        case _:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))


def _places(part: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [part]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            found.append((holder, key))
            waiting.append(holder[key])
        if len(found) > 20_000:
            break
    return found
