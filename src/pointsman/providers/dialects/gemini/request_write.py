"""Our form → a generateContent request."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from pointsman.core.chat import ChatRequest, Message, Tool, ToolCall
from pointsman.providers.dialect import HttpRequest
from pointsman.providers.dialects.gemini.generation import write_generation, write_tool_config
from pointsman.providers.dialects.gemini.models import wants_signatures
from pointsman.providers.dialects.gemini.names import NAME
from pointsman.providers.dialects.gemini.parts_write import WirePart, part_of
from pointsman.providers.fields import Fields
from pointsman.providers.losses import Losses, own_extra, request_extra

__all__ = ["write_request"]

_ENCODER = msgspec.json.Encoder()
_HEADERS = {"content-type": "application/json"}
_NO_SIGNATURE = "skip_thought_signature_validator"
"""What Google wants in place of the signature where a history was not written by Gemini:
https://ai.google.dev/gemini-api/docs/thought-signatures"""


def write_request(request: ChatRequest) -> HttpRequest:
    """`POST /v1beta/models/MODEL:generateContent`; a model given as a resource (`projects/…`) has Vertex's path."""
    losses = Losses()
    extra = request_extra(request, NAME, losses)
    body: dict[str, object] = {}
    _put_messages(body, request, losses)
    _put_tools(body, request, losses)
    if generation := write_generation(request, losses):
        body["generationConfig"] = generation
    if request.service_tier is not None:
        body["serviceTier"] = request.service_tier
    losses.unless_none("Gemini has no such parameter", user=request.user)
    if request.parallel_tool_calls is False:
        losses.add("parallel_tool_calls", "Gemini cannot be kept from calling several functions at once")
    for name, value in extra.items():
        body[name] = _merged(body.get(name), value, name)
    return HttpRequest(path=_path(request), body=_ENCODER.encode(body), headers=dict(_HEADERS), losses=losses.all())


def _path(request: ChatRequest) -> str:
    model = quote(request.model, safe="/")
    if request.model.startswith(("projects/", "publishers/")):
        where = f"/v1/{model}"
    elif request.model.startswith(("models/", "tunedModels/")):
        where = f"/v1beta/{model}"
    else:
        where = f"/v1beta/models/{model}"
    return f"{where}:streamGenerateContent?alt=sse" if request.stream else f"{where}:generateContent"


def _put_messages(body: dict[str, object], request: ChatRequest, losses: Losses) -> None:
    system: list[WirePart] = []
    turns: list[tuple[str, list[WirePart]]] = []
    names = _names_of_calls(request.messages)
    signs = wants_signatures(request.model)
    for i, message in enumerate(request.messages):
        at = f"messages[{i}]"
        losses.unless_none("Gemini has no names of speakers", **{f"{at}.name": message.name})
        parts = _parts(message, at, names, losses)
        if message.role in ("system", "developer"):
            if turns:
                losses.add(at, "a system message in mid-conversation was moved to the system instruction")
            system += parts
        elif message.role == "assistant":
            _append(turns, "model", _signed(parts) if signs else parts)
        else:
            _append(turns, "user", parts)
    if system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = [{"role": role, "parts": parts} for role, parts in turns]


def _parts(message: Message, at: str, names: dict[str, str], losses: Losses) -> list[WirePart]:
    found = (part_of(part, f"{at}.parts[{j}]", names, losses) for j, part in enumerate(message.parts))
    return [part for part in found if part is not None]


def _append(turns: list[tuple[str, list[WirePart]]], role: str, parts: list[WirePart]) -> None:
    """Turns of one role become one: the results of parallel calls belong together, first in their turn."""
    if not parts:
        return
    if not turns or turns[-1][0] != role:
        turns.append((role, parts))
    else:
        turns[-1][1].extend(parts)
    if role == "user":
        turns[-1][1].sort(key=lambda p: not (isinstance(p, dict) and "functionResponse" in p))


def _signed(parts: list[WirePart]) -> list[WirePart]:
    """The first call of a turn must carry a signature; where the history has none, Google's stand-in."""
    first = next((p for p in parts if isinstance(p, dict) and "functionCall" in p), None)
    if isinstance(first, dict) and "thoughtSignature" not in first:
        first["thoughtSignature"] = _NO_SIGNATURE
    return parts


def _names_of_calls(messages: tuple[Message, ...]) -> dict[str, str]:
    return {part.id: part.name for m in messages for part in m.parts if isinstance(part, ToolCall)}


def _put_tools(body: dict[str, object], request: ChatRequest, losses: Losses) -> None:
    functions: list[dict[str, object]] = []
    hosted: list[object] = []
    for i, tool in enumerate(request.tools):
        at = f"tools[{i}]"
        if tool.opaque is None:
            functions.append(_function(tool, at, losses))
        elif tool.opaque.dialect == NAME:
            hosted.append(tool.opaque.raw)
        else:
            losses.add(at, f"only {tool.opaque.dialect} has the tool {tool.opaque.kind!r}")
    tools = [*([{"functionDeclarations": functions}] if functions else []), *hosted]
    if tools:
        body["tools"] = tools
    if request.tool_choice is None:
        return
    if functions:
        body["toolConfig"] = write_tool_config(request.tool_choice)
    else:
        losses.add("tool_choice", "no function is left to choose")


def _function(tool: Tool, at: str, losses: Losses) -> dict[str, object]:
    wire: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        wire["description"] = tool.description
    if tool.parameters is not None:
        wire["parametersJsonSchema"] = tool.parameters
    if tool.strict:
        losses.add(f"{at}.strict", "Gemini does not promise to keep to the schema of a call")
    if tool.cache is not None:
        losses.add(f"{at}.cache", "Gemini caches by itself, or by a cache made beforehand")
    return wire | own_extra(tool, NAME, at, losses)


def _merged(mine: object, value: msgspec.Raw, name: str) -> object:
    """An extra joins what is there; of two objects the members are joined, deeply, and ours win."""
    if not isinstance(mine, dict) or bytes(memoryview(value)[:1]) != b"{":
        return value if mine is None else mine
    theirs = Fields(value, name).left
    return {**theirs, **{k: _merged(v, theirs[k], k) if k in theirs else v for k, v in mine.items()}}
