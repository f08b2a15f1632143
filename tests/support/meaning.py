"""What requests and replies mean, as facts that can be compared before and after a translation.

Each fact has the name by which its `Loss` would be called, so that a test can demand that the facts
that changed are exactly the losses that were named: none gone in silence, none named without need.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from pointsman.core.chat import (
    Audio,
    ChatReply,
    ChatRequest,
    Choice,
    File,
    Image,
    Loss,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Video,
)
from pointsman.core.usage import Usage

__all__ = ["canonical", "changed", "reply_facts", "request_facts", "unexplained"]

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


class Said(NamedTuple):
    """One thing a request says: where, in paths as losses have them, and what."""

    at: str
    what: Any


def request_facts(request: ChatRequest) -> list[Said]:
    """Everything a request says but which call id is which, and how turns are cut into messages."""
    names = {p.id: p.name for m in request.messages for p in m.parts if isinstance(p, ToolCall)}
    found: list[Said] = []
    for i, message in enumerate(request.messages):
        at = f"messages[{i}]"
        role = "system" if message.role == "developer" else message.role
        if message.name is not None and role != "tool":
            found.append(Said(f"{at}.name", ("name", message.name)))
        for j, part in enumerate(message.parts):
            found += _said(role, part, f"{at}.parts[{j}]", names)
    for i, tool in enumerate(request.tools):
        found += _tool_said(tool, f"tools[{i}]")
    found += (Said(name, (name, value)) for name, value in _settings(request).items() if value not in (None, (), False))
    return found + [Said(f"extra.{name}", (name, canonical(value))) for name, value in request.extra.items()]


def unexplained(before: list[Said], after: list[Said], losses: Iterable[Loss]) -> list[Said]:
    """What was said before, is not said after, and is named by no loss."""
    lost = {loss.field for loss in losses}
    there = Counter(json.dumps(s.what, sort_keys=True, default=str) for s in after)
    found: list[Said] = []
    for said in before:
        key = json.dumps(said.what, sort_keys=True, default=str)
        if there[key]:
            there[key] -= 1
        elif not any(_covers(name, said.at) for name in lost):
            found.append(said)
    return found


def _covers(name: str, at: str) -> bool:
    """Whether the loss of `name` explains what happened at this path: it stood in it, or is told with more detail."""
    return at == name or at.startswith((f"{name}.", f"{name}[")) or name.startswith(f"{at}.")


def _said(role: str, part: Part, at: str, names: dict[str, str]) -> Iterable[Said]:
    match part:
        case Text():
            if part.text:
                yield Said(at, (role, "text", part.text))
            if part.citations is not None:
                yield Said(f"{at}.citations", (role, "citations", [_flat(c) for c in canonical(part.citations)]))
            if part.signature:
                yield Said(f"{at}.signature", (role, "signature", part.signature))
        case Reasoning():
            yield Said(at, (role, "reasoning", part.text, part.signature, part.encrypted))
        case Refusal():
            yield Said(at, (role, "refusal", part.text))
        case ToolCall():
            yield Said(at, (role, "call", part.name, canonical(part.arguments)))
            if part.signature:
                yield Said(f"{at}.signature", (role, "signature", part.signature))
        case ToolResult():
            name = names.get(part.call_id)
            yield Said(at, (role, "result of", name))
            if part.is_error:
                yield Said(f"{at}.is_error", (role, "failed", name))
            for k, inner in enumerate(part.parts):
                yield from _said(f"result of {name}", inner, f"{at}.parts[{k}]", names)
        case Opaque():
            yield Said(at, (role, part.dialect, part.kind, canonical(part.raw)))
        case Image() | Audio() | Video() | File():
            # What lies at an address, who fetches it can tell; not every protocol says it beside the address.
            kind = "media" if part.media.url else type(part).__name__
            yield Said(at, (role, kind, _media(part.media)))
            if isinstance(part, Image) and part.detail not in (None, "auto"):
                yield Said(f"{at}.detail", (role, "detail", part.detail))
            if isinstance(part, File) and part.name:
                yield Said(f"{at}.name", (role, "file name", part.name))
    if part.cache is not None:
        yield Said(f"{at}.cache", (role, "cache", part.cache.ttl))
    for name, value in (part.extra or {}).items():
        if not name.endswith(".id"):
            yield Said(f"{at}.extra.{name}", (role, name, canonical(value)))


def _tool_said(tool: Tool, at: str) -> Iterable[Said]:
    if tool.opaque is not None:
        yield Said(at, ("tool", tool.opaque.dialect, canonical(tool.opaque.raw)))
        return
    yield Said(at, ("tool", tool.name, tool.description or ""))
    if tool.parameters is not None:
        yield Said(f"{at}.parameters", ("parameters", tool.name, canonical(tool.parameters)))
    if tool.strict:
        yield Said(f"{at}.strict", ("strict", tool.name))
    if tool.cache is not None:
        yield Said(f"{at}.cache", ("cache", tool.name, tool.cache.ttl))
    for name, value in (tool.extra or {}).items():
        yield Said(f"{at}.extra.{name}", (name, tool.name, canonical(value)))


def _settings(request: ChatRequest) -> dict[str, Any]:
    output, spec = request.output, request.reasoning
    if spec is not None and spec.budget_tokens == 0:  # no thinking, said in the way of Gemini's older models
        spec = msgspec.structs.replace(spec, budget_tokens=None, effort="none")
    return {
        **{name: getattr(request, name) for name in _SCALARS},
        "stop": request.stop,
        "modalities": tuple(m for m in request.modalities if m != "text"),
        "n": None if request.n == 1 else request.n,
        "parallel_tool_calls": None if request.parallel_tool_calls is not False else "one at a time",
        "tool_choice": None if request.tool_choice is None else (request.tool_choice.mode, *request.tool_choice.names),
        "output": None if output is None or output.kind == "text" else (output.kind, canonical(output.schema)),
        "output.name": output and output.name,
        "output.description": output and output.description,
        "reasoning.effort": spec and spec.effort,
        "reasoning.budget_tokens": spec and spec.budget_tokens,
        "reasoning.show": spec and spec.show,
        "reasoning.summary": spec and (None if spec.summary == "auto" else spec.summary),
    }


_SCALARS = (
    "model",
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "service_tier",
    "user",
    "stream",
)
