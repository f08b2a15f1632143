"""Names of tools that a protocol would refuse, said in one it takes, and restored in what the model answers.

Clients of MCP servers join names (`mcp__server__tool`), and one protocol takes what another refuses.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from msgspec.structs import replace

from pointsman.core.chat import ChatReply, ChatRequest, Delta, Message, Part, ToolCall, ToolCallStarted, ToolResult

__all__ = ["restored", "restored_delta", "taken_names", "with_names"]

_WORD = r"[a-zA-Z0-9_-]"
_TAKEN = {
    "openai_chat": re.compile(_WORD + "{1,64}"),
    "openai_responses": re.compile(_WORD + "{1,64}"),
    "anthropic_messages": re.compile(_WORD + "{1,128}"),
    "gemini": re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}"),
}
"""What the makers' documents allow; other servers of a protocol may allow more, and lose nothing."""
_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")
_KEPT = 50


def taken_names(request: ChatRequest, dialect: str) -> dict[str, str]:
    """For each name of a tool that `dialect` refuses, one it takes: always the same, so that later turns agree."""
    taken = _TAKEN.get(dialect)
    if taken is None or not (request.tools or request.messages):
        return {}
    calls = (p.name for m in request.messages for p in m.parts if isinstance(p, ToolCall))
    tools = (t.name for t in request.tools if t.opaque is None)
    return {name: _short(name) for name in (*tools, *calls) if name and not taken.fullmatch(name)}


def _short(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"t_{_FOREIGN.sub('_', name[:_KEPT])}_{digest}"


def with_names(request: ChatRequest, names: Mapping[str, str]) -> ChatRequest:
    """The request with these names in place of its own: in tools, in the choice among them, in calls and results."""
    choice = request.tool_choice
    return replace(
        request,
        tools=tuple(t if t.opaque is not None else replace(t, name=names.get(t.name, t.name)) for t in request.tools),
        tool_choice=None if choice is None else replace(choice, names=tuple(names.get(n, n) for n in choice.names)),
        messages=tuple(_renamed(m, names) for m in request.messages),
    )


def _renamed(message: Message, names: Mapping[str, str]) -> Message:
    return replace(message, parts=tuple(_with_name(p, names) for p in message.parts))


def _with_name(part: Part, names: Mapping[str, str]) -> Part:
    if isinstance(part, ToolCall):
        return replace(part, name=names.get(part.name, part.name))
    if isinstance(part, ToolResult) and part.name is not None:
        return replace(part, name=names.get(part.name, part.name))
    return part


def restored(reply: ChatReply, names: Mapping[str, str]) -> ChatReply:
    """The reply with the client's own names again."""
    own = {short: name for name, short in names.items()}
    choices = tuple(replace(c, parts=tuple(_with_name(p, own) for p in c.parts)) for c in reply.choices)
    return replace(reply, choices=choices)


def restored_delta(delta: Delta, names: Mapping[str, str]) -> Delta:
    """The same for one step of a stream."""
    if not isinstance(delta, ToolCallStarted):
        return delta
    return replace(delta, name=next((name for name, short in names.items() if short == delta.name), delta.name))
