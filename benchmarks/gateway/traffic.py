"""What is asked and answered, byte for byte: written to files that the load generator and the upstream read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

__all__ = ["CLIENT_KEY", "MODEL", "Traffic", "write_request", "write_responses"]

CLIENT_KEY = "sk-bench-client"
MODEL = "m"
_WORD = "word "
_WORDS_IN_REPLY, _EVENTS = 40, 20
_ASKED = {
    "model": MODEL,
    "messages": [
        {"role": "system", "content": "You are terse. " * 20},
        {"role": "user", "content": "What is the weather? " * 30},
    ],
    "temperature": 0.2,
    "max_tokens": 256,
}
_SAID = {"id": "chatcmpl-1", "created": 1767225600, "model": MODEL}


class Traffic(NamedTuple):
    """A kind of request, and what a right answer to it holds."""

    name: str
    stream: bool
    expected: tuple[str, ...]
    """A word, how often it stands in the answer's body, and what must stand there besides."""


REPLY = Traffic("reply", stream=False, expected=(_WORD, str(_WORDS_IN_REPLY)))
STREAM = Traffic("stream", stream=True, expected=(_WORD, str(_EVENTS), "[DONE]"))
KINDS = (REPLY, STREAM)


def write_request(path: Path, traffic: Traffic, more_headers: dict[str, str]) -> Path:
    """One chat request of about a kilobyte, as OpenAI's clients write it."""
    more = {"stream": True, "stream_options": {"include_usage": True}} if traffic.stream else {}
    body = json.dumps({**_ASKED, **more}, separators=(",", ":")).encode()
    headers = {
        "host": "127.0.0.1",
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": "OpenAI/Python",
        "authorization": f"Bearer {CLIENT_KEY}",
        "content-length": str(len(body)),
        **more_headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    path.write_bytes(f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode() + body)
    return path


def write_responses(folder: Path) -> tuple[Path, Path]:
    """The upstream's two answers, whole and streamed."""
    whole, streamed = folder / "reply.http", folder / "stream.http"
    body = _json(
        {**_SAID, "object": "chat.completion", "choices": [_choice("message", _WORD * _WORDS_IN_REPLY)], "usage": _usage(40)}
    )
    whole.write_bytes(_head("application/json", f"content-length: {len(body)}") + body)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in _events())
    streamed.write_bytes(_head("text/event-stream", "transfer-encoding: chunked") + chunks + b"0\r\n\r\n")
    return whole, streamed


def _events() -> list[bytes]:
    head = {**_SAID, "object": "chat.completion.chunk"}
    last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    chunk = {"index": 0, "delta": {"role": "assistant", "content": _WORD}, "logprobs": None, "finish_reason": None}
    data = [{**head, "choices": [choice], "usage": None} for choice in (*[chunk] * _EVENTS, last)]
    data.append({**head, "choices": [], "usage": _usage(_EVENTS)})
    return [b"data: " + text + b"\n\n" for text in (*map(_json, data), b"[DONE]")]


def _choice(name: str, text: str) -> dict[str, object]:
    said = {"role": "assistant", "content": text, "refusal": None}
    return {"index": 0, name: said, "logprobs": None, "finish_reason": "stop"}


def _usage(output_tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 200, "completion_tokens": output_tokens, "total_tokens": 200 + output_tokens}


def _json(said: object) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


def _head(content_type: str, length: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{length}\r\n\r\n".encode()
