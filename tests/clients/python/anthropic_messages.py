"""Anthropic's Python SDK."""

from __future__ import annotations

from typing import Any

from anthropic import Anthropic
from driver import Seen
from ticket import Ticket


class Client:
    """One key's client."""

    def __init__(self, base_url: str, key: str) -> None:
        self._api = Anthropic(base_url=base_url, api_key=key, max_retries=0, timeout=30)

    def ask(self, cell: dict[str, Any], seen: Seen) -> None:
        reply = self._api.messages.create(**_request(cell))
        seen.text, seen.finish = _text(reply), reply.stop_reason
        _used(seen, reply.usage)

    def stream(self, cell: dict[str, Any], seen: Seen) -> None:
        with self._api.messages.stream(**_request(cell)) as stream:
            for text in stream.text_stream:
                seen.piece(text)
            final = stream.get_final_message()
        seen.finish = final.stop_reason
        _used(seen, final.usage)

    def call_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        request = {**_request(cell), "tools": _tools(cell)}
        reply = self._api.messages.create(**request)
        results = self._results(reply, cell, seen)
        request["messages"] += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": results}]
        seen.text = _text(self._api.messages.create(**request))

    def stream_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        with self._api.messages.stream(**_request(cell), tools=_tools(cell)) as stream:
            self._results(stream.get_final_message(), cell, seen)

    def structured(self, cell: dict[str, Any], seen: Seen) -> None:
        seen.parsed = self._api.messages.parse(**_request(cell), output_format=Ticket).parsed_output.model_dump()

    def _results(self, reply: Any, cell: dict[str, Any], seen: Seen) -> list[dict[str, Any]]:
        seen.finish = reply.stop_reason
        calls = [block for block in reply.content if block.type == "tool_use"]
        seen.calls = [{"id": c.id, "name": c.name, "arguments": c.input} for c in calls]
        return [{"type": "tool_result", "tool_use_id": c.id, "content": cell["results"][c.name]} for c in calls]


def _request(cell: dict[str, Any]) -> dict[str, Any]:
    content: Any = cell["question"]
    source = None
    if "image_url" in cell:
        source = {"type": "url", "url": cell["image_url"]}
    elif "image" in cell:
        source = {"type": "base64", "media_type": "image/png", "data": cell["image"]}
    if source is not None:
        content = [{"type": "image", "source": source}, {"type": "text", "text": content}]
    system, asked, said = cell["before"]
    return {
        "model": cell["model"],
        "extra_body": {"temperature": cell["temperature"]},  # newer versions have no argument for it
        "max_tokens": cell["max_tokens"],
        "system": system,
        "messages": [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": said},
            {"role": "user", "content": content},
        ],
    }


def _tools(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": t["name"], "description": t["description"], "input_schema": t["parameters"]} for t in cell["tools"]]


def _text(reply: Any) -> str:
    return "".join(block.text for block in reply.content if block.type == "text")


def _used(seen: Seen, usage: Any) -> None:
    cached, stored = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details
    thinking = details.thinking_tokens if details is not None else None
    seen.used(usage.input_tokens + cached + stored, usage.output_tokens, cached, thinking)
