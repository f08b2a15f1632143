"""Our form → a Messages request."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import ChatRequest, OutputFormat, Tool
from pointsman.providers.dialect import HttpRequest
from pointsman.providers.dialects.anthropic_messages.blocks_read import NAME
from pointsman.providers.dialects.anthropic_messages.blocks_write import Block, blocks_of, cache_control
from pointsman.providers.dialects.anthropic_messages.models import takes_system_turns
from pointsman.providers.dialects.anthropic_messages.thinking import write_thinking
from pointsman.providers.fields import Fields
from pointsman.providers.json_body import EMPTY_OBJECT
from pointsman.providers.losses import Losses, own_extra, request_extra

__all__ = ["write_request"]

_ENCODER = msgspec.json.Encoder()
_HEADERS = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
_NO_PARAMETERS = msgspec.Raw(b'{"type":"object","properties":{}}')
_TIERS = ("auto", "standard_only")
_NOT_HERE = "Anthropic Messages has no such parameter"


def write_request(request: ChatRequest, default_max_tokens: int) -> HttpRequest:
    """`default_max_tokens` stands in where the caller set no limit, because the API wants one."""
    losses = Losses()
    extra = request_extra(request, NAME, losses)
    body: dict[str, object] = {"model": request.model}
    _put_limit_and_thinking(body, request, extra, default_max_tokens, losses)
    _put_messages(body, request, losses)
    _put_tools(body, request, losses)
    _put_sampling(body, request, losses)
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if request.service_tier in _TIERS:
        body["service_tier"] = request.service_tier
    else:
        losses.unless_none("Anthropic has other tiers", service_tier=request.service_tier)
    if request.stream:
        body["stream"] = True
    _lose_the_rest(request, losses)
    _merge(body, extra)
    return HttpRequest(path="/v1/messages", body=_ENCODER.encode(body), headers=dict(_HEADERS), losses=losses.all())


def _put_limit_and_thinking(
    body: dict[str, object], request: ChatRequest, extra: dict[str, msgspec.Raw], default_max_tokens: int, losses: Losses
) -> None:
    thinking: object = None
    effort: str | None = None
    max_tokens = request.max_output_tokens
    if "thinking" in extra:  # said in a way our form cannot; `null` for an effort without thinking
        kept = extra.pop("thinking")
        thinking = None if bytes(kept) == b"null" else kept
        effort = request.reasoning.effort if request.reasoning else None
    elif request.reasoning is not None:
        thinking, effort, max_tokens = write_thinking(request.reasoning, request.model, max_tokens, default_max_tokens, losses)
    body["max_tokens"] = default_max_tokens if max_tokens is None else max_tokens
    if thinking is not None:
        body["thinking"] = thinking
    config: dict[str, object] = {} if effort is None else {"effort": effort}
    if request.output is not None:
        config |= _format(request.output, losses)
    if config:
        body["output_config"] = config


def _format(output: OutputFormat, losses: Losses) -> dict[str, object]:
    if output.kind == "json":
        losses.add("output", "Anthropic Messages has no JSON mode without a schema")
    if output.kind != "json_schema":
        return {}
    losses.unless_none(_NOT_HERE, **{"output.name": output.name, "output.description": output.description})
    if output.strict is False:
        losses.add("output.strict", "Anthropic always keeps to the schema")
    return {"format": {"type": "json_schema", "schema": output.schema or EMPTY_OBJECT}}


def _put_messages(body: dict[str, object], request: ChatRequest, losses: Losses) -> None:
    system: list[Block] = []
    turns: list[tuple[str, list[Block]]] = []
    in_place = takes_system_turns(request.model)
    for i, message in enumerate(request.messages):
        at = f"messages[{i}]"
        losses.unless_none("Anthropic Messages has no names of speakers", **{f"{at}.name": message.name})
        blocks = blocks_of(message.parts, f"{at}.parts", losses)
        if message.role not in ("system", "developer"):
            _append(turns, "assistant" if message.role == "assistant" else "user", blocks)
        elif turns and in_place and turns[-1][0] == "user":
            _append(turns, "system", blocks)
        else:
            if turns:
                losses.add(at, "a system message in mid-conversation was moved to the system prompt")
            system += blocks
    if system:
        body["system"] = _as_text(system) or system
    body["messages"] = [{"role": role, "content": _as_text(blocks) or blocks} for role, blocks in turns]


def _append(turns: list[tuple[str, list[Block]]], role: str, blocks: list[Block]) -> None:
    """Turns of one role become one, so that they alternate; results of tools come first in theirs,
    because the API wants them directly after the calls.
    """
    if not blocks:
        return
    if not turns or turns[-1][0] != role:
        turns.append((role, blocks))
    else:
        turns[-1][1].extend(blocks)
    if role == "user":
        turns[-1][1].sort(key=lambda b: not (isinstance(b, dict) and b["type"] == "tool_result"))


def _as_text(blocks: list[Block]) -> str | None:
    """The text, if it is one plain text block and nothing else."""
    only = blocks[0] if len(blocks) == 1 else None
    return str(only["text"]) if isinstance(only, dict) and only.keys() == {"type", "text"} else None


def _put_tools(body: dict[str, object], request: ChatRequest, losses: Losses) -> None:
    tools = [t for i, tool in enumerate(request.tools) if (t := _tool(tool, f"tools[{i}]", losses)) is not None]
    if not tools:
        losses.unless_none("no tool is left to choose", tool_choice=request.tool_choice)
        return
    body["tools"] = tools
    choice = _tool_choice(request, body, losses)
    if choice is not None:
        body["tool_choice"] = choice


def _tool(tool: Tool, at: str, losses: Losses) -> Block | None:
    if tool.opaque is not None:
        if tool.opaque.dialect == NAME:
            return tool.opaque.raw
        losses.add(at, f"only {tool.opaque.dialect} has the tool {tool.opaque.kind!r}")
        return None
    wire: dict[str, object] = {"name": tool.name, "input_schema": tool.parameters or _NO_PARAMETERS}
    if tool.description is not None:
        wire["description"] = tool.description
    if tool.strict is not None:
        wire["strict"] = tool.strict
    if tool.cache is not None:
        wire["cache_control"] = cache_control(tool.cache)
    return wire | own_extra(tool, NAME, at, losses)


def _tool_choice(request: ChatRequest, body: dict[str, object], losses: Losses) -> dict[str, object] | None:
    choice = request.tool_choice
    mode = choice.mode if choice is not None else None
    if mode in ("required", "named") and _has_budget(body):
        losses.add("tool_choice", "thinking with a budget allows only auto and none")
        mode = "auto"
    wire: dict[str, object]
    match mode:
        case None:
            if request.parallel_tool_calls is not False:
                return None
            wire = {"type": "auto"}
        case "none":
            return {"type": "none"}
        case "named" if choice is not None and len(choice.names) == 1:
            wire = {"type": "tool", "name": choice.names[0]}
        case "auto":
            wire = {"type": "auto"}
        case _:
            if choice is not None and choice.names:
                losses.add("tool_choice.names", "Anthropic Messages can name one tool only; any may be called")
            wire = {"type": "any"}
    if request.parallel_tool_calls is not None:
        wire["disable_parallel_tool_use"] = not request.parallel_tool_calls
    return wire


def _thinks(body: dict[str, object]) -> bool:
    thinking = body.get("thinking")
    return thinking is not None and not (isinstance(thinking, dict) and thinking["type"] == "disabled")


def _has_budget(body: dict[str, object]) -> bool:
    thinking = body.get("thinking")
    return isinstance(thinking, dict) and thinking["type"] == "enabled"


def _put_sampling(body: dict[str, object], request: ChatRequest, losses: Losses) -> None:
    temperature, top_p, top_k = request.temperature, request.top_p, request.top_k
    if _thinks(body):
        why = "not allowed together with thinking"
        losses.unless_none(why, temperature=None if temperature == 1 else temperature, top_k=top_k)
        if top_p is not None and not 0.95 <= top_p <= 1:
            losses.add("top_p", f"{why} below 0.95")
            top_p = None
        temperature, top_k = (1.0 if temperature == 1 else None), None
    if temperature is not None and temperature > 1:
        losses.add("temperature", "Anthropic's range ends at 1")
        temperature = 1.0
    stop = [s for s in request.stop if s.strip()]
    if len(stop) < len(request.stop):
        losses.add("stop", "Anthropic Messages takes no stop sequence of white space alone")
    given = {"temperature": temperature, "top_p": top_p, "top_k": top_k, "stop_sequences": stop or None}
    body.update({k: v for k, v in given.items() if v is not None})


def _lose_the_rest(request: ChatRequest, losses: Losses) -> None:
    losses.unless_none(
        _NOT_HERE,
        seed=request.seed,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        n=None if request.n == 1 else request.n,
        top_logprobs=request.top_logprobs,
        modalities=tuple(m for m in request.modalities if m != "text"),
    )


def _merge(body: dict[str, object], extra: dict[str, msgspec.Raw]) -> None:
    """Extras join the body; where both have an object, its members are joined and ours win."""
    for name, value in extra.items():
        mine = body.get(name)
        if mine is None:
            body[name] = value
        elif isinstance(mine, dict) and bytes(value).lstrip()[:1] == b"{":
            body[name] = Fields(value, name).left | mine
