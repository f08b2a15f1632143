"""OpenAI's Python SDK, Chat Completions."""

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
        reply = self._api.chat.completions.create(**_request(cell))
        seen.text, seen.finish = reply.choices[0].message.content, reply.choices[0].finish_reason
        _used(seen, reply.usage)

    def stream(self, cell: dict[str, Any], seen: Seen) -> None:
        for chunk in self._api.chat.completions.create(**_request(cell), stream=True, stream_options={"include_usage": True}):
            if chunk.choices:
                seen.piece(chunk.choices[0].delta.content)
                seen.finish = chunk.choices[0].finish_reason or seen.finish
            if chunk.usage is not None:
                _used(seen, chunk.usage)

    def call_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        request = {**_request(cell), "tools": _tools(cell)}
        choice = self._api.chat.completions.create(**request).choices[0]
        request["messages"] += [choice.message, *self._results(choice, cell, seen)]
        seen.text = self._api.chat.completions.create(**request).choices[0].message.content

    def stream_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        with self._api.chat.completions.stream(**_request(cell), tools=_tools(cell)) as stream:
            for _ in stream:
                pass
            choice = stream.get_final_completion().choices[0]
        self._results(choice, cell, seen)

    def structured(self, cell: dict[str, Any], seen: Seen) -> None:
        reply = self._api.chat.completions.parse(**_request(cell), response_format=Ticket)
        seen.parsed = reply.choices[0].message.parsed.model_dump()

    def _results(self, choice: Any, cell: dict[str, Any], seen: Seen) -> list[dict[str, Any]]:
        calls, seen.finish = choice.message.tool_calls or [], choice.finish_reason
        seen.calls = [{"id": c.id, "name": c.function.name, "arguments": json.loads(c.function.arguments)} for c in calls]
        return [{"role": "tool", "tool_call_id": c.id, "content": cell["results"][c.function.name]} for c in calls]


def _request(cell: dict[str, Any]) -> dict[str, Any]:
    content: Any = cell["question"]
    if url := cell.get("image_url") or (cell.get("image") and f"data:image/png;base64,{cell['image']}"):
        content = [{"type": "text", "text": content}, {"type": "image_url", "image_url": {"url": url}}]
    system, asked, said = cell["before"]
    return {
        "model": cell["model"],
        "temperature": cell["temperature"],
        "max_completion_tokens": cell["max_tokens"],
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": asked},
            {"role": "assistant", "content": said},
            {"role": "user", "content": content},
        ],
    }


def _tools(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "function", "function": tool} for tool in cell["tools"]]


def _used(seen: Seen, usage: Any) -> None:
    read, written = usage.prompt_tokens_details, usage.completion_tokens_details
    seen.used(
        usage.prompt_tokens,
        usage.completion_tokens,
        read.cached_tokens if read is not None else None,
        written.reasoning_tokens if written is not None else None,
    )
