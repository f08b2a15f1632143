"""OpenAI's Python SDK, Responses."""

from __future__ import annotations

import json
from typing import Any

from driver import Seen
from openai import OpenAI
from ticket import Ticket


class Client:
    """One key's client."""

    def __init__(self, base_url: str, key: str) -> None:
        self._api = OpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0, timeout=30)

    def ask(self, cell: dict[str, Any], seen: Seen) -> None:
        reply = self._api.responses.create(**_request(cell))
        seen.text, seen.finish = reply.output_text, reply.status
        _used(seen, reply.usage)

    def stream(self, cell: dict[str, Any], seen: Seen) -> None:
        for event in self._api.responses.create(**_request(cell), stream=True):
            if event.type == "response.output_text.delta":
                seen.piece(event.delta)
            elif event.type == "response.failed":  # the SDK leaves it to its caller to notice
                seen.error = {"classes": [event.type], "status": None, "message": event.response.error.message}
            elif event.type == "response.completed":
                seen.finish = event.response.status
                _used(seen, event.response.usage)

    def call_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        request = {**_request(cell), "tools": _tools(cell)}
        reply = self._api.responses.create(**request)
        request["input"] += [*reply.output, *self._results(reply, cell, seen)]
        seen.text = self._api.responses.create(**request).output_text

    def stream_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        with self._api.responses.stream(**_request(cell), tools=_tools(cell)) as stream:
            for _ in stream:
                pass
            self._results(stream.get_final_response(), cell, seen)

    def structured(self, cell: dict[str, Any], seen: Seen) -> None:
        seen.parsed = self._api.responses.parse(**_request(cell), text_format=Ticket).output_parsed.model_dump()

    def _results(self, reply: Any, cell: dict[str, Any], seen: Seen) -> list[dict[str, Any]]:
        seen.finish = reply.status
        calls = [item for item in reply.output if item.type == "function_call"]
        seen.calls = [{"id": c.call_id, "name": c.name, "arguments": json.loads(c.arguments)} for c in calls]
        return [{"type": "function_call_output", "call_id": c.call_id, "output": cell["results"][c.name]} for c in calls]


def _request(cell: dict[str, Any]) -> dict[str, Any]:
    content: Any = cell["question"]
    if url := cell.get("image_url") or (cell.get("image") and f"data:image/png;base64,{cell['image']}"):
        content = [{"type": "input_text", "text": content}, {"type": "input_image", "image_url": url, "detail": "auto"}]
    system, asked, said = cell["before"]
    return {
        "model": cell["model"],
        "temperature": cell["temperature"],
        "max_output_tokens": cell["max_tokens"],
        "instructions": system,
        "input": [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": said},
            {"role": "user", "content": content},
        ],
    }


def _tools(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "function", "strict": False, **tool} for tool in cell["tools"]]


def _used(seen: Seen, usage: Any) -> None:
    seen.used(
        usage.input_tokens,
        usage.output_tokens,
        usage.input_tokens_details.cached_tokens,
        usage.output_tokens_details.reasoning_tokens,
    )
