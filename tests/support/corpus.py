"""Small bodies in each protocol, rich enough that a mutation of them meets most branches of their readers."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["ERRORS", "PATHS", "REPLIES", "REQUESTS", "STREAMS", "sse"]

PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
}
"""Where the gateway takes each protocol's requests."""

_PIXEL = "iVBORw0KGgo="
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}


def _lines(*documents: Any) -> list[bytes]:
    return [json.dumps(d).encode() for d in documents]


REQUESTS: dict[str, list[bytes]] = {
    "openai_chat": _lines(
        {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        {
            "model": "m",
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.5,
            "max_completion_tokens": 50,
            "n": 2,
            "stop": ["a", "b"],
            "logit_bias": {"50256": -100},
            "user": "u",
            "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": _SCHEMA, "strict": True}},
            "tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": _SCHEMA}}],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "parallel_tool_calls": False,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "look"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PIXEL}", "detail": "low"}},
                        {"type": "input_audio", "input_audio": {"data": _PIXEL, "format": "wav"}},
                        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{_PIXEL}"}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            ],
        },
    ),
    "openai_responses": _lines(
        {"model": "m", "input": "hi"},
        {
            "model": "m",
            "instructions": "Be brief.",
            "stream": True,
            "max_output_tokens": 50,
            "temperature": 0.5,
            "reasoning": {"effort": "low", "summary": "auto"},
            "text": {"format": {"type": "json_schema", "name": "x", "schema": _SCHEMA, "strict": True}},
            "tools": [{"type": "function", "name": "weather", "parameters": _SCHEMA, "strict": True}, {"type": "web_search"}],
            "tool_choice": "auto",
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "metadata": {"a": "b"},
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "look"},
                        {"type": "input_image", "image_url": f"data:image/png;base64,{_PIXEL}", "detail": "low"},
                        {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{_PIXEL}"},
                    ],
                },
                {"type": "reasoning", "id": "r1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "zz"},
                {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Paris"}'},
                {"type": "function_call_output", "call_id": "c1", "output": "rain"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x", "annotations": []}]},
            ],
        },
    ),
    "anthropic_messages": _lines(
        {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]},
        {
            "model": "m",
            "max_tokens": 4096,
            "stream": True,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            "temperature": 0.5,
            "top_k": 5,
            "stop_sequences": ["a"],
            "metadata": {"user_id": "u"},
            "thinking": {"type": "enabled", "budget_tokens": 2048},
            "tools": [{"name": "weather", "description": "d", "input_schema": _SCHEMA}],
            "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "look"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PIXEL}},
                        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}, "title": "a"},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "zz"},
                        {"type": "redacted_thinking", "data": "yy"},
                        {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "c1",
                            "content": [{"type": "text", "text": "rain"}],
                            "is_error": False,
                        }
                    ],
                },
            ],
        },
    ),
    "gemini": _lines(
        {"contents": [{"parts": [{"text": "hi"}]}]},
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "generationConfig": {
                "temperature": 0.5,
                "topK": 5,
                "maxOutputTokens": 50,
                "stopSequences": ["a"],
                "candidateCount": 2,
                "responseMimeType": "application/json",
                "responseSchema": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
                "thinkingConfig": {"thinkingBudget": 100, "includeThoughts": True},
            },
            "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
            "tools": [
                {"functionDeclarations": [{"name": "weather", "description": "d", "parameters": {"type": "OBJECT"}}]},
                {"googleSearch": {}},
            ],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
            "contents": [
                {"role": "user", "parts": [{"text": "look"}, {"inlineData": {"mimeType": "image/png", "data": _PIXEL}}]},
                {
                    "role": "model",
                    "parts": [
                        {"text": "hm", "thought": True},
                        {"functionCall": {"name": "weather", "args": {"city": "Paris"}}, "thoughtSignature": "zz"},
                    ],
                },
                {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"result": "rain"}}}]},
            ],
        },
    ),
}
"""Requests, a bare one and a rich one each."""

_CHAT_USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
_CHAT_CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
_RESPONSES_USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 15,
}
_RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m-1",
    "output": [
        {"type": "reasoning", "id": "r1", "summary": [{"type": "summary_text", "text": "hm"}]},
        {
            "type": "message",
            "id": "m1",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "rain", "annotations": [{"type": "url_citation", "url": "https://example.com"}]}
            ],
        },
        {"type": "function_call", "id": "f1", "call_id": "c1", "name": "weather", "arguments": '{"city":"Paris"}'},
    ],
    "usage": _RESPONSES_USAGE,
}
_GEMINI_USAGE = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 3,
    "thoughtsTokenCount": 2,
    "cachedContentTokenCount": 4,
    "totalTokenCount": 15,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
}
_GEMINI_CALL = {"functionCall": {"name": "weather", "args": {"city": "Paris"}}, "thoughtSignature": "zz"}
_ANTHROPIC_USAGE = {
    "input_tokens": 6,
    "cache_read_input_tokens": 4,
    "cache_creation_input_tokens": 3,
    "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
    "output_tokens": 5,
}

REPLIES: dict[str, list[bytes]] = {
    "openai_chat": _lines(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m-1",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "rain", "reasoning_content": "hm", "tool_calls": [_CHAT_CALL]},
                    "logprobs": {"content": [{"token": "rain", "logprob": -0.1, "top_logprobs": []}]},
                    "finish_reason": "tool_calls",
                },
                {"index": 1, "message": {"role": "assistant", "content": None, "refusal": "no"}, "finish_reason": "stop"},
            ],
            "usage": _CHAT_USAGE,
        }
    ),
    "openai_responses": _lines(_RESPONSE),
    "anthropic_messages": _lines(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m-1",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "zz"},
                {"type": "text", "text": "rain", "citations": [{"type": "char_location", "cited_text": "r"}]},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}},
            ],
            "stop_reason": "tool_use",
            "stop_sequence": None,
            "usage": _ANTHROPIC_USAGE,
        }
    ),
    "gemini": _lines(
        {
            "responseId": "r",
            "modelVersion": "m-1",
            "candidates": [
                {
                    "index": 0,
                    "finishReason": "STOP",
                    "content": {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "rain"}, _GEMINI_CALL]},
                    "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}],
                }
            ],
            "usageMetadata": _GEMINI_USAGE,
        }
    ),
}
"""Whole replies."""


def sse(*events: Any, named: bool = False, done: bool = False) -> bytes:
    """Server-sent events of these documents; `named` puts each one's `type` in front of it."""
    parts = []
    for event in events:
        name = f"event: {event['type']}\n" if named else ""
        parts.append(f"{name}data: {json.dumps(event)}\n\n")
    return ("".join(parts) + ("data: [DONE]\n\n" if done else "")).encode()


def _chunk(delta: Any = None, finish: str | None = None, **more: Any) -> Any:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": choices, **more}


def _call_piece(**more: Any) -> Any:
    return {"tool_calls": [{"index": 0, **more}]}


_MESSAGE_ITEM = {"type": "message", "id": "m1", "role": "assistant", "status": "in_progress", "content": []}
_CALL_ITEM = {"type": "function_call", "id": "f1", "call_id": "c1", "name": "weather", "arguments": ""}

STREAMS: dict[str, list[bytes]] = {
    "openai_chat": [
        sse(
            _chunk({"role": "assistant", "content": ""}),
            _chunk({"reasoning_content": "hm"}),
            _chunk({"content": "ra"}),
            _chunk({"content": "in é 🌧"}),
            _chunk(_call_piece(id="c1", type="function", function={"name": "weather", "arguments": ""})),
            _chunk(_call_piece(function={"arguments": '{"city":'})),
            _chunk(_call_piece(function={"arguments": '"Paris"}'})),
            _chunk({}, "tool_calls"),
            _chunk(usage=_CHAT_USAGE),
            done=True,
        )
    ],
    "openai_responses": [
        sse(
            {"type": "response.created", "response": {**_RESPONSE, "status": "in_progress", "output": [], "usage": None}},
            {"type": "response.output_item.added", "output_index": 0, "item": _MESSAGE_ITEM},
            {"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": {"type": "output_text"}},
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "ra"},
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "in 🌧"},
            {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "rain 🌧"},
            {"type": "response.output_item.added", "output_index": 1, "item": _CALL_ITEM},
            {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"city":"Paris"}'},
            {"type": "response.function_call_arguments.done", "output_index": 1, "arguments": '{"city":"Paris"}'},
            {"type": "response.output_item.done", "output_index": 1, "item": _RESPONSE["output"][2]},  # type: ignore[index]  # a list
            {"type": "response.completed", "response": _RESPONSE},
            named=True,
        )
    ],
    "anthropic_messages": [
        sse(
            {
                "type": "message_start",
                "message": {
                    "id": "msg_1",
                    "type": "message",
                    "role": "assistant",
                    "model": "m-1",
                    "content": [],
                    "usage": _ANTHROPIC_USAGE,
                },
            },
            {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "zz"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "ping"},
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "rain é 🌧"}},
            {"type": "content_block_stop", "index": 1},
            {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "c1", "name": "weather"}},
            {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"city":'}},
            {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '"Paris"}'}},
            {"type": "content_block_stop", "index": 2},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
            named=True,
        )
    ],
    "gemini": [
        sse(
            {"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}]}}], "modelVersion": "m-1"},
            {"candidates": [{"content": {"parts": [{"text": "rain é 🌧"}]}}], "usageMetadata": {"promptTokenCount": 10}},
            {"candidates": [{"content": {"parts": [_GEMINI_CALL]}, "finishReason": "STOP"}], "usageMetadata": _GEMINI_USAGE},
        )
    ],
}
"""Whole streams."""

ERRORS: list[bytes] = _lines(
    {"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded", "param": None}},
    {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}, "request_id": "req_1"},
    {
        "error": {
            "code": 429,
            "status": "RESOURCE_EXHAUSTED",
            "message": "quota",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13.5s"},
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "PerDay"}]},
            ],
        }
    },
    {"detail": [{"loc": ["body", "n"], "msg": "bad", "type": "x"}]},
)
"""What providers say when they refuse."""
