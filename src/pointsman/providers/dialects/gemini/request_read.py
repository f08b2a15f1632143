"""A client's generateContent request → our form. Member names may be in camelCase or snake_case."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from pointsman.core.chat import ChatRequest, Message, Opaque, Part, Role, Tool, ToolResult
from pointsman.providers.dialects.gemini.generation import read_generation, read_tool_config
from pointsman.providers.dialects.gemini.names import NAME, camel
from pointsman.providers.dialects.gemini.parts_read import CallIds, read_part
from pointsman.providers.dialects.gemini.schema import json_schema
from pointsman.providers.fields import RAW, RAWS, STR, Fields
from pointsman.providers.http_failure import client_fault
from pointsman.providers.json_body import EMPTY_OBJECT, decode_request

__all__ = ["model_in_path", "read_request"]

# `/v1beta/models/M:generateContent`, Vertex's `/v1/projects/P/locations/L/publishers/google/models/M:generateContent`,
# and endpoints of tuned models. A model's own name may hold colons.
_PATH = re.compile(
    r"/(?:models|tunedModels|endpoints)/(?P<model>[^?]+):(?P<method>generateContent|streamGenerateContent)(?:\?|$)"
)


def model_in_path(path: str) -> tuple[str, bool] | None:
    """The model a path names and whether it asks for a stream; None if it is another path."""
    found = _PATH.search(path)
    return None if found is None else (unquote(found["model"]), found["method"] == "streamGenerateContent")


def read_request(body: bytes, path: str) -> ChatRequest:
    """Raises `ProviderError` (class `client_fault`) that names the field and what was wrong with it."""
    target = model_in_path(path)
    if target is None:
        raise client_fault("model: expected a path that ends in models/MODEL:generateContent or :streamGenerateContent")
    fields = Fields(body, rename=camel)
    fields.left.pop("model", None)  # SDKs and batches repeat it; the path decides
    messages = _messages(fields)
    config = _object(fields, "generationConfig")
    generation = read_generation(config)
    choice, kept = read_tool_config(fields)
    if spare := config.spare():
        kept["generationConfig"] = msgspec.Raw(msgspec.json.encode(spare))
    request = ChatRequest(
        model=target[0],
        stream=target[1],
        messages=tuple(messages),
        tools=tuple(_tools(fields)),
        tool_choice=choice,
        service_tier=fields.take("serviceTier", STR),
        **generation,
    )
    extra = {**fields.spare(), **kept}
    return msgspec.structs.replace(request, extra=extra, extra_from=NAME) if extra else request


def _object(fields: Fields, name: str) -> Fields:
    value = fields.take(name, RAW)
    return Fields(EMPTY_OBJECT if value is None else value, fields.at(name), rename=camel)


def _messages(fields: Fields) -> list[Message]:
    ids = CallIds()
    found: list[Message] = []
    instruction = fields.take("systemInstruction", RAW)
    if instruction is not None:
        parts = _parts(Fields(instruction, "systemInstruction", rename=camel), ids)
        found += [Message(role="system", parts=parts)] if parts else []
    contents = fields.need("contents", RAWS)
    for i, raw in enumerate(contents):
        content = Fields(raw, f"contents[{i}]", rename=camel)
        role = content.take("role", STR) or "user"
        parts = _parts(content, ids)
        match role:
            case "model":
                found.append(Message(role="assistant", parts=parts))
            case "user" | "function":
                found += _user_turns(parts)
            case _:
                raise client_fault(f"{content.at('role')}: expected user or model, got {role}")
    return found


def _parts(content: Fields, ids: CallIds) -> tuple[Part, ...]:
    value = content.take("parts", RAW)
    if value is None:
        return ()
    at = content.at("parts")
    # One part without a list around it is not documented, but Google takes it.
    single = bytes(memoryview(value)[:1]) == b"{"
    items = [value] if single else decode_request(RAWS, value, at)
    return tuple(read_part(raw, f"{at}[{i}]", ids) for i, raw in enumerate(items))


def _user_turns(parts: tuple[Part, ...]) -> list[Message]:
    """One user turn as runs of function results (role `tool`) and of everything else (role `user`)."""
    turns: list[Message] = []
    run: list[Part] = []
    for i, part in enumerate(parts):
        run.append(part)
        of_tool = isinstance(part, ToolResult)
        if i + 1 == len(parts) or isinstance(parts[i + 1], ToolResult) is not of_tool:
            role: Role = "tool" if of_tool else "user"
            turns.append(Message(role=role, parts=tuple(run)))
            run = []
    return turns or [Message(role="user", parts=())]


def _tools(fields: Fields) -> list[Tool]:
    """Functions one by one, and each hosted tool (search, code execution, …) as it came."""
    found: list[Tool] = []
    groups = fields.take("tools", RAWS) or []
    for i, raw in enumerate(groups):
        group = Fields(raw, f"tools[{i}]", rename=camel)
        declared = group.take("functionDeclarations", RAWS) or []
        found += [_function(f, f"{group.at('functionDeclarations')}[{j}]") for j, f in enumerate(declared)]
        for name, value in group.spare().items():
            wire = msgspec.Raw(msgspec.json.encode({name: value}))
            found.append(Tool(name=name, opaque=Opaque(dialect=NAME, kind=name, raw=wire)))
    return found


def _function(raw: msgspec.Raw, at: str) -> Tool:
    fields = Fields(raw, at, rename=camel)
    name = fields.need("name", STR)
    schema = fields.take("parametersJsonSchema", RAW)
    openapi = fields.take("parameters", RAW)
    parameters = schema.copy() if schema is not None else None
    if parameters is None and openapi is not None:
        parameters = json_schema(openapi, fields.at("parameters"))
    return Tool(
        name=name,
        description=fields.take("description", STR),
        parameters=parameters,
        extra=fields.spare(f"{NAME}.") or None,
    )
