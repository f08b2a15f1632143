"""A request bent to what one server understands, where it departs from its protocol."""

from __future__ import annotations

from typing import Any

import msgspec

from pointsman.core.chat import ChatRequest, Loss, Message, OutputFormat
from pointsman.providers.provider_row import Quirks

__all__ = ["bend_body", "bend_request"]

_OTHER_FIELD = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_TOP_LEVEL = msgspec.json.Decoder(dict[str, msgspec.Raw])


def bend_request(request: ChatRequest, quirks: Quirks) -> tuple[ChatRequest, tuple[Loss, ...]]:
    """Before the dialect writes it: what the server does not know is said another way, or left out and named as a loss."""
    changes: dict[str, Any] = {}
    losses: list[Loss] = []
    if quirks.developer_role is False and any(m.role == "developer" for m in request.messages):
        changes["messages"] = tuple(_as_system(m) for m in request.messages)
    if quirks.parallel_tool_calls is False and request.parallel_tool_calls is not None:
        changes["parallel_tool_calls"] = None
        losses.append(Loss("parallel_tool_calls", "this server does not know it"))
    output = request.output
    if quirks.json_schema is False and output is not None and output.kind == "json_schema":
        changes["output"] = OutputFormat(kind="json")
        losses.append(Loss("output.schema", "this server holds output to JSON, but not to a schema"))
    return (msgspec.structs.replace(request, **changes), tuple(losses)) if changes else (request, ())


def bend_body(body: bytes, quirks: Quirks) -> bytes:
    """After the dialect wrote it: the output limit under this server's name, no `stream_options` where they are unknown.

    The body is opened only where there may be something to change.
    """
    wanted = quirks.max_tokens_field
    rename = wanted is not None and f'"{_OTHER_FIELD[wanted]}"'.encode() in body
    drop = quirks.stream_options is False and b'"stream_options"' in body
    if not rename and not drop:
        return body
    fields = _TOP_LEVEL.decode(body)
    if drop:
        fields.pop("stream_options", None)
    if wanted is not None and (limit := fields.pop(_OTHER_FIELD[wanted], None)) is not None:
        fields.setdefault(wanted, limit)
    return msgspec.json.encode(fields)


def _as_system(message: Message) -> Message:
    return msgspec.structs.replace(message, role="system") if message.role == "developer" else message
