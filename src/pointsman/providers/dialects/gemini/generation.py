"""`generationConfig` and `toolConfig` ↔ sampling, output, thinking and tool choice of our form."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from pointsman.core.chat import ChatRequest, Effort, OutputFormat, ReasoningSpec, ToolChoice
from pointsman.providers.dialects.gemini.models import takes_levels
from pointsman.providers.dialects.gemini.names import NAME, camel
from pointsman.providers.dialects.gemini.schema import json_schema
from pointsman.providers.fields import BOOL, FLOAT, RAW, STR, STRS, Fields
from pointsman.providers.http_failure import client_fault
from pointsman.providers.losses import Losses

__all__ = ["MOST_STOP_SEQUENCES", "read_generation", "read_tool_config", "write_generation", "write_tool_config"]

MOST_STOP_SEQUENCES = 5

_LEVELS: dict[str, Effort] = {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high", "XHIGH": "xhigh"}
_BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
"""What Google's own OpenAI endpoint makes of an effort for models without levels: https://ai.google.dev/gemini-api/docs/openai"""
_LOOSE_INT = msgspec.json.Decoder(int, strict=False)


def read_generation(config: Fields) -> dict[str, Any]:
    """Fields of our request; what our form cannot say stays in `config.left`."""
    count = _whole(config, "logprobs")
    asked = config.take("responseLogprobs", BOOL)
    found: dict[str, Any] = {
        "max_output_tokens": _whole(config, "maxOutputTokens"),
        "temperature": config.take("temperature", FLOAT),
        "top_p": config.take("topP", FLOAT),
        "top_k": _whole(config, "topK"),
        "stop": config.take("stopSequences", STRS) or (),
        "seed": _whole(config, "seed"),
        "presence_penalty": config.take("presencePenalty", FLOAT),
        "frequency_penalty": config.take("frequencyPenalty", FLOAT),
        "n": _whole(config, "candidateCount"),
        "top_logprobs": (count or 0) if asked else None,
        "modalities": tuple(m.lower() for m in config.take("responseModalities", STRS) or ()),
        "reasoning": _thinking(config),
        "output": _output(config),
    }
    return found


def write_generation(request: ChatRequest, losses: Losses) -> dict[str, object]:
    """The members of `generationConfig` this request asks for."""
    if len(request.stop) > MOST_STOP_SEQUENCES:
        losses.add("stop", f"Gemini takes {MOST_STOP_SEQUENCES} stop sequences; the first ones were kept")
    given: dict[str, object] = {
        "maxOutputTokens": request.max_output_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "stopSequences": list(request.stop[:MOST_STOP_SEQUENCES]) or None,
        "seed": request.seed,
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
        "candidateCount": request.n,
        "responseLogprobs": None if request.top_logprobs is None else True,
        "logprobs": request.top_logprobs or None,
        "responseModalities": [m.upper() for m in request.modalities] or None,
        "thinkingConfig": None if request.reasoning is None else _write_thinking(request, request.reasoning, losses),
        **({} if request.output is None else _write_output(request.output, losses)),
    }
    return {k: v for k, v in given.items() if v is not None}


def read_tool_config(fields: Fields) -> tuple[ToolChoice | None, dict[str, msgspec.Raw]]:
    """The choice, and the raw `toolConfig` of what our form cannot say (mode VALIDATED, for one)."""
    given = fields.take("toolConfig", RAW)
    if given is None:
        return None, {}
    config = Fields(given, "toolConfig", rename=camel)
    calling = config.take("functionCallingConfig", RAW)
    choice: ToolChoice | None = None
    if calling is not None:
        inner = Fields(calling, config.at("functionCallingConfig"), rename=camel)
        mode = (inner.take("mode", STR) or "AUTO").upper()
        names = inner.take("allowedFunctionNames", STRS) or ()
        choice = _choice(mode, names)
        if choice is None or inner.spare():
            config.left["functionCallingConfig"] = calling
    spare = config.spare()
    return choice, {"toolConfig": msgspec.Raw(msgspec.json.encode(spare))} if spare else {}


def write_tool_config(choice: ToolChoice) -> dict[str, object]:
    """`functionCallingConfig` of a choice."""
    mode = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}[choice.mode]
    names = {"allowedFunctionNames": list(choice.names)} if choice.names and mode == "ANY" else {}
    return {"functionCallingConfig": {"mode": mode, **names}}


def _choice(mode: str, names: tuple[str, ...]) -> ToolChoice | None:
    match mode:
        case "AUTO" | "MODE_UNSPECIFIED":
            return ToolChoice("auto")
        case "NONE":
            return ToolChoice("none")
        case "ANY":
            return ToolChoice("named", names) if names else ToolChoice("required")
        case "VALIDATED":
            return None
        case _:
            raise client_fault(f"toolConfig.functionCallingConfig.mode: expected AUTO, ANY, NONE or VALIDATED, got {mode}")


def _whole(config: Fields, name: str) -> int | None:
    """A count, which JSON of protocol buffers may write as 2.0 or "2"."""
    text = config.left.get(name)
    if text is not None and bytes(text)[:1] == b'"':
        return config.take(name, _LOOSE_INT)
    value = config.take(name, FLOAT)
    if value is None:
        return None
    if not math.isfinite(value) or value != int(value):
        raise client_fault(f"{config.at(name)}: expected a whole number, got {value}")
    return int(value)


def _thinking(config: Fields) -> ReasoningSpec | None:
    given = config.take("thinkingConfig", RAW)
    if given is None:
        return None
    thinking = Fields(given, config.at("thinkingConfig"), rename=camel)
    level = thinking.take("thinkingLevel", STR)
    budget = _whole(thinking, "thinkingBudget")
    show = thinking.take("includeThoughts", BOOL)
    effort = _LEVELS.get(level.upper()) if level is not None else None
    if level is not None and effort is None and level.upper() != "THINKING_LEVEL_UNSPECIFIED":
        raise client_fault(f"{thinking.at('thinkingLevel')}: expected one of {', '.join(_LEVELS)}, got {level}")
    if budget is not None and budget < 0:  # the model decides: our form says that by saying nothing
        thinking.left["thinkingBudget"] = msgspec.Raw(b"-1")
        budget = None
    if spare := thinking.spare():
        config.left["thinkingConfig"] = msgspec.Raw(msgspec.json.encode(spare))
    return ReasoningSpec(effort=effort, budget_tokens=budget, show=show)


def _write_thinking(request: ChatRequest, spec: ReasoningSpec, losses: Losses) -> dict[str, object]:
    wire: dict[str, object] = {}
    if spec.summary not in (None, "auto"):
        losses.add("reasoning.summary", "Gemini has one kind of summary only")
    if spec.show is not None:
        wire["includeThoughts"] = spec.show
    if spec.budget_tokens is not None:
        if spec.effort not in (None, "none"):
            losses.add("reasoning.effort", "Gemini takes a budget or a level, not both")
        wire["thinkingBudget"] = spec.budget_tokens
    elif spec.effort is not None:
        wire |= _write_effort(request, spec.effort, losses)
    return wire


def _write_effort(request: ChatRequest, effort: Effort, losses: Losses) -> dict[str, object]:
    if not takes_levels(request.model):
        if effort != "none":
            losses.add("reasoning.effort", f"this model takes a budget instead: {_BUDGETS[effort]} tokens")
        return {"thinkingBudget": _BUDGETS[effort]}
    if effort == "none":
        losses.add("reasoning.effort", "this model cannot stop thinking; MINIMAL is its lowest level")
        return {"thinkingLevel": "MINIMAL"}
    if effort == "max" or (effort == "xhigh" and request.extra_from not in (None, NAME)):
        losses.add("reasoning.effort", "HIGH is the highest level all these models take")
        return {"thinkingLevel": "HIGH"}
    return {"thinkingLevel": effort.upper()}


def _output(config: Fields) -> OutputFormat | None:
    mime = config.take("responseMimeType", STR)
    if mime not in (None, "application/json", "text/plain"):
        config.left["responseMimeType"] = msgspec.Raw(msgspec.json.encode(mime))  # `text/x.enum`, which only Gemini has
        return None
    schema = config.take("responseJsonSchema", RAW)
    if schema is None and (openapi := config.take("responseSchema", RAW)) is not None:
        schema = json_schema(openapi, config.at("responseSchema"))
    if schema is not None:
        return OutputFormat(kind="json_schema", schema=schema.copy())
    return {None: None, "application/json": OutputFormat(kind="json"), "text/plain": OutputFormat(kind="text")}[mime]


def _write_output(output: OutputFormat, losses: Losses) -> dict[str, object]:
    why = "Gemini has no such setting"
    losses.unless_none(why, **{"output.name": output.name, "output.description": output.description})
    if output.strict is False:
        losses.add("output.strict", "Gemini always keeps to the schema")
    if output.kind == "text":
        return {"responseMimeType": "text/plain"}
    schema = {} if output.schema is None else {"responseJsonSchema": output.schema}
    return {"responseMimeType": "application/json", **schema}
