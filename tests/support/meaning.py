"""What requests and replies mean, as facts that can be compared before and after a translation.

Each fact has the name by which its `Loss` would be called, so that a test can demand that the facts
that changed are exactly the losses that were named: none gone in silence, none named without need.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from pointsman.core.chat import (
    Audio,
    ChatReply,
    Choice,
    File,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Video,
)
from pointsman.core.usage import Usage

__all__ = ["canonical", "changed", "reply_facts"]

Facts = dict[str, Any]


def canonical(value: str | bytes | msgspec.Raw | None) -> Any:
    """JSON as what it says; text that is no JSON as itself."""
    text = bytes(value) if isinstance(value, msgspec.Raw) else value
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def reply_facts(reply: ChatReply) -> Facts:
    """Everything a reply says but its id and time."""
    facts: Facts = {"reply.choices": len(reply.choices), "reply.model": reply.model}
    for number, choice in enumerate(reply.choices):
        for name, value in _choice_facts(choice).items():
            facts.setdefault(f"reply.{name}", _Each())[number] = value
    facts |= {f"reply.extra.{name}": canonical(value) for name, value in reply.extra.items()}
    return facts | _usage_facts(reply.usage)


def changed(before: Facts, after: Facts) -> set[str]:
    """Names of the facts that are not as they were. A choice that is gone is told once, as `reply.choices`;
    the order of parts is compared among those kinds that are still there.
    """
    kept = range(min(before["reply.choices"], after["reply.choices"]))
    names = before.keys() | {n for n in after if not n.startswith("reply.extra.")}  # fields a target always writes are no news
    found = {n for n in names if n != _ORDER and not _same(before.get(n), after.get(n), kept)}
    if "reply.refusal" in found and _told_as_text(before, after, kept):
        found.discard("reply.text")
    if any(_order(before, n, found) != _order(after, n, found) for n in kept):
        found.add("reply.order")
    return found


_ORDER = "reply._order"


class _Each(dict[int, Any]):
    """A fact of each choice."""


def _same(before: Any, after: Any, kept: Iterable[int]) -> bool:
    if isinstance(before, _Each) or isinstance(after, _Each):
        one, other = before or {}, after or {}
        return all(one.get(n) == other.get(n) for n in kept)
    return bool(before == after)


def _told_as_text(before: Facts, after: Facts, kept: Iterable[int]) -> bool:
    text, refusal, now = (f or {} for f in (before.get("reply.text"), before.get("reply.refusal"), after.get("reply.text")))
    return all(text.get(n, "") + refusal.get(n, "") == now.get(n, "") for n in kept)


def _order(facts: Facts, number: int, gone: set[str]) -> list[str]:
    order = facts.get(_ORDER, {}).get(number, [])
    if "reply.refusal" in gone:  # told as text
        order = ["text" if k == "refusal" else k for k in order]
    kinds = [k for k in order if f"reply.{k}" not in gone]
    return [k for i, k in enumerate(kinds) if i == 0 or kinds[i - 1] != k]


def _choice_facts(choice: Choice) -> Facts:
    facts: Facts = {"finish": choice.finish, "stop_sequence": choice.stop_sequence, "logprobs": _tokens(choice.logprobs)}
    order: list[str] = []
    for part in choice.parts:
        for name, value in _part_facts(part):
            if isinstance(value, str) and name in ("text", "reasoning", "refusal"):
                facts[name] = facts.get(name, "") + value
            else:
                facts.setdefault(name, []).append(value)
            if value and ("." not in name or name.startswith("opaque")):
                order.append(name)
    facts["_order"] = order
    return {k: v for k, v in facts.items() if v not in (None, "", [])}


def _part_facts(part: Part) -> Iterable[tuple[str, Any]]:
    kind = "text"
    match part:
        case Text():
            yield "text", part.text
            if part.citations is not None:
                yield "text.citations", [_flat(c) for c in canonical(part.citations)]
            if part.signature:
                yield "text.signature", part.signature
        case Reasoning():
            kind = "reasoning"
            yield "reasoning", part.text
            if part.signature:
                yield "reasoning.signature", part.signature
            if part.encrypted:
                yield "reasoning.encrypted", part.encrypted
        case Refusal():
            kind = "refusal"
            yield "refusal", part.text
        case ToolCall():
            kind = "tool_call"
            yield "tool_call", (part.name, canonical(part.arguments))
            if part.signature:
                yield "tool_call.signature", part.signature
        case Opaque():
            kind = f"opaque.{part.dialect}.{part.kind}"
            yield kind, canonical(part.raw)
        case Image() | Audio() | Video() | File():
            kind = type(part).__name__.lower()
            yield kind, _media(part.media)
            if isinstance(part, Audio) and part.transcript:
                yield "audio.transcript", part.transcript
    for name, value in (part.extra or {}).items():
        if not name.endswith(".id"):
            yield f"{kind}.extra.{name}", canonical(value)


def _tokens(logprobs: msgspec.Raw | None) -> list[Any]:
    """Tokens with their own and their rivals' probabilities; bytes, which not all protocols tell, left aside."""
    said = canonical(logprobs) or {}
    return [
        (t["token"], t["logprob"], [(r["token"], r["logprob"]) for r in t.get("top_logprobs") or ()])
        for t in [*(said.get("content") or ()), *(said.get("refusal") or ())]
    ]


def _flat(citation: Any) -> Any:
    """OpenAI's two protocols nest the citation of a web page differently; it says the same."""
    inner = citation.get("url_citation") if isinstance(citation, dict) else None
    return {"type": "url_citation", **inner} if inner else citation


def _media(media: Media) -> tuple[str | None, ...]:
    return media.data, media.url, media.file_id


def _usage_facts(usage: Usage | None) -> Facts:
    usage = usage or Usage()
    counts = {name: getattr(usage, name) or 0 for name in _SPLIT}  # where a protocol must give a number, it gives 0
    counts["cache_write_tokens"] += usage.cache_write_1h_tokens or 0
    totals = {"total_input_tokens": usage.total_input_tokens, "total_output_tokens": usage.total_output_tokens}
    return {f"reply.usage.{name}": count for name, count in (totals | counts).items()}


_SPLIT = (
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "input_image_tokens",
    "output_image_tokens",
)
