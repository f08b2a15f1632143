"""Google's Python SDK, google-genai."""

from __future__ import annotations

import base64
from typing import Any

from driver import Seen
from google import genai
from google.genai import types
from ticket import Ticket


class Client:
    """One key's client."""

    def __init__(self, base_url: str, key: str) -> None:
        self._api = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base_url, timeout=30_000))

    def ask(self, cell: dict[str, Any], seen: Seen) -> None:
        reply = self._api.models.generate_content(**_request(cell))
        seen.text, seen.finish = reply.text, reply.candidates[0].finish_reason.value
        _used(seen, reply.usage_metadata)

    def stream(self, cell: dict[str, Any], seen: Seen) -> None:
        for chunk in self._api.models.generate_content_stream(**_request(cell)):
            seen.piece(chunk.text)
            if chunk.candidates and chunk.candidates[0].finish_reason is not None:
                seen.finish = chunk.candidates[0].finish_reason.value
            if chunk.usage_metadata is not None:
                _used(seen, chunk.usage_metadata)

    def call_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        request = _request(cell, tools=_tools(cell))
        candidate = self._api.models.generate_content(**request).candidates[0]
        content, seen.finish = candidate.content, candidate.finish_reason.value
        request["contents"] += [content, types.Content(role="user", parts=self._results(content.parts, cell, seen))]
        seen.text = self._api.models.generate_content(**request).text

    def stream_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        chunks = self._api.models.generate_content_stream(**_request(cell, tools=_tools(cell)))
        candidates = [c.candidates[0] for c in chunks if c.candidates]
        contents = [c.content for c in candidates]
        seen.finish = next((c.finish_reason.value for c in reversed(candidates) if c.finish_reason is not None), None)
        self._results([part for content in contents if content for part in content.parts or []], cell, seen)

    def structured(self, cell: dict[str, Any], seen: Seen) -> None:
        request = _request(cell, response_mime_type="application/json", response_schema=Ticket)
        seen.parsed = self._api.models.generate_content(**request).parsed.model_dump()

    def _results(self, parts: Any, cell: dict[str, Any], seen: Seen) -> list[types.Part]:
        calls = [part.function_call for part in parts if part.function_call is not None]
        seen.calls = [{"id": c.id, "name": c.name, "arguments": c.args} for c in calls]
        return [
            types.Part(
                function_response=types.FunctionResponse(id=c.id, name=c.name, response={"result": cell["results"][c.name]})
            )
            for c in calls
        ]


def _request(cell: dict[str, Any], **config: Any) -> dict[str, Any]:
    parts = [types.Part(text=cell["question"])]
    if "image_url" in cell:
        parts.append(types.Part.from_uri(file_uri=cell["image_url"], mime_type="image/png"))
    elif "image" in cell:
        parts.append(types.Part.from_bytes(data=base64.b64decode(cell["image"]), mime_type="image/png"))
    system, asked, said = cell["before"]
    return {
        "model": cell["model"],
        "config": types.GenerateContentConfig(
            system_instruction=system,
            temperature=cell["temperature"],
            max_output_tokens=cell["max_tokens"],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            **config,
        ),
        "contents": [
            types.Content(role="user", parts=[types.Part(text=asked)]),
            types.Content(role="model", parts=[types.Part(text=said)]),
            types.Content(role="user", parts=parts),
        ],
    }


def _tools(cell: dict[str, Any]) -> list[types.Tool]:
    functions = [
        types.FunctionDeclaration(name=t["name"], description=t["description"], parameters_json_schema=t["parameters"])
        for t in cell["tools"]
    ]
    return [types.Tool(function_declarations=functions)]


def _used(seen: Seen, usage: Any) -> None:
    thoughts = usage.thoughts_token_count
    seen.used(
        usage.prompt_token_count,
        (usage.candidates_token_count or 0) + (thoughts or 0),
        usage.cached_content_token_count,
        thoughts,
    )
