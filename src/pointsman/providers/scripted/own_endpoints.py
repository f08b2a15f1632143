"""Everything the scripted server answers beside chats: lists, counts, embeddings, and its own administration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from pointsman.core.ids import hash_bytes
from pointsman.providers.scripted.api_key import api_key, key_name
from pointsman.providers.scripted.dice import roll
from pointsman.providers.scripted.director import Armed, Director
from pointsman.providers.scripted.faults import FAULTS, Fault
from pointsman.providers.scripted.ledger import Entry, Ledger
from pointsman.providers.scripted.prose import CHARS_PER_TOKEN, count_tokens
from pointsman.providers.scripted.wire import Wire

__all__ = ["OwnEndpoints"]

_JSON = [(b"content-type", b"application/json")]
_DEFAULT_DIMENSIONS = 256
_MOST_DIMENSIONS = 4096
_CREATED_S = 1_767_225_600  # 2026-01-01: these models are as old as that


class _EmbeddingRequest(msgspec.Struct):
    model: str
    input: str | list[Any]
    """A text, its tokens, or a list of either."""
    dimensions: int | None = None
    encoding_format: str = "float"


class OwnEndpoints:
    """Answers what is not a chat; anything unknown is 404."""

    def __init__(self, director: Director, ledger: Ledger) -> None:
        self._director = director
        self._ledger = ledger
        self._routes: dict[tuple[str, str], Callable[[dict[bytes, bytes], bytes], Any]] = {
            ("GET", "/health"): lambda _h, _b: {"status": "ok"},
            ("GET", "/v1/models"): self._models,
            ("GET", "/v1beta/models"): self._gemini_models,
            ("GET", "/api/tags"): lambda _h, _b: {"models": [{"name": m, "model": m} for m in director.models]},
            ("POST", "/v1/messages/count_tokens"): lambda _h, body: {"input_tokens": _text_tokens(body)},
            ("POST", "/v1/embeddings"): self._embeddings,
            ("POST", "/_scripted/faults"): self._arm,
            ("GET", "/_scripted/faults"): self._armed,
            ("GET", "/_scripted/ledger"): lambda _h, _b: ledger.report(director.price),
            ("GET", "/_scripted/log"): lambda _h, _b: {"requests": ledger.log_report()},
            ("POST", "/_scripted/reset"): self._reset,
        }

    async def answer(self, wire: Wire, method: str, path: str, headers: dict[bytes, bytes], body: bytes) -> None:
        """Answer one request."""
        route = self._routes.get((method, path))
        if route is None and method == "POST" and path.endswith(":countTokens"):
            route = _gemini_count
        if route is None:
            known = any(p == path for _, p in self._routes)
            await _send(wire, 405 if known else 404, _error(f"scripted: nothing answers {method} {path}"))
            return
        try:
            found = route(headers, body)
        except ValueError as error:  # what msgspec and Fault.parse raise
            await _send(wire, 400, _error(f"scripted: {error}"))
            return
        await _send(wire, 200, found)

    def _models(self, headers: dict[bytes, bytes], body: bytes) -> Any:
        # Three protocols list their models under one path; the client's own headers tell them apart.
        if b"x-goog-api-key" in headers:
            return self._gemini_models(headers, body)
        names = self._director.models
        if b"anthropic-version" in headers:
            rows = [{"type": "model", "id": m, "display_name": m, "created_at": "2026-01-01T00:00:00Z"} for m in names]
            return {"data": rows, "has_more": False, "first_id": names[0], "last_id": names[-1]}
        return {
            "object": "list",
            "data": [{"id": m, "object": "model", "created": _CREATED_S, "owned_by": "scripted"} for m in names],
        }

    def _gemini_models(self, _headers: dict[bytes, bytes], _body: bytes) -> Any:
        methods = ["generateContent", "countTokens"]
        return {
            "models": [
                {"name": f"models/{m}", "displayName": m, "supportedGenerationMethods": methods} for m in self._director.models
            ]
        }

    def _embeddings(self, headers: dict[bytes, bytes], body: bytes) -> Any:
        asked = msgspec.json.decode(body, type=_EmbeddingRequest)
        if not 1 <= (asked.dimensions or 1) <= _MOST_DIMENSIONS:
            raise ValueError(f"dimensions must be between 1 and {_MOST_DIMENSIONS}")
        one = isinstance(asked.input, str) or bool(asked.input and isinstance(asked.input[0], int))
        inputs: list[Any] = [asked.input] if one else list(asked.input)
        tokens = sum(count_tokens(i) if isinstance(i, str) else len(i) for i in inputs)
        self._ledger.add(
            Entry(
                number=0,
                at_s=self._director.now_s,
                protocol="openai_embeddings",
                model=asked.model,
                key=key_name(api_key(headers, b"")),
                request_hash=hash_bytes(body),
                stream=False,
                input_tokens=tokens,
            )
        )
        vectors = [_unit_vector(asked.model, i, asked.dimensions or _DEFAULT_DIMENSIONS) for i in inputs]
        # Bytes are written as base64 text by msgspec, which is what the caller asked for.
        base64_asked = asked.encoding_format == "base64"
        return {
            "object": "list",
            "model": asked.model,
            "data": [
                {"object": "embedding", "index": n, "embedding": v.tobytes() if base64_asked else v.tolist()}
                for n, v in enumerate(vectors)
            ],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }

    def _arm(self, _headers: dict[bytes, bytes], body: bytes) -> Any:
        armed = msgspec.json.decode(body, type=Armed)
        Fault.parse(armed.fault)
        if armed.count < 1:
            raise ValueError("count must be at least 1")
        self._director.armed.append(armed)
        return self._armed({}, b"")

    def _armed(self, _headers: dict[bytes, bytes], _body: bytes) -> Any:
        armed = [{"fault": a.fault, "count": a.count, "model": a.model} for a in self._director.armed]
        return {"armed": armed, "known": FAULTS}

    def _reset(self, _headers: dict[bytes, bytes], _body: bytes) -> Any:
        self._director.reset()
        self._ledger.clear()
        return {"status": "reset"}


async def _send(wire: Wire, status: int, document: Any) -> None:
    await wire.reply(status, _JSON, msgspec.json.encode(document))


def _error(message: str) -> Any:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def _gemini_count(_headers: dict[bytes, bytes], body: bytes) -> Any:
    return {"totalTokens": _text_tokens(body)}


def _text_tokens(body: bytes) -> int:
    """Tokens of every text in a request, by the same rule as for chats."""
    chars = 0
    waiting: list[Any] = [msgspec.json.decode(body, type=dict[str, Any])]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, str):
                    chars += len(inner) if key in ("text", "content", "system") else 0
                else:
                    waiting.append(inner)
    return -(-chars // CHARS_PER_TOKEN)


def _unit_vector(model: str, text: object, dimensions: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    seed = int(roll("embedding", model, text) * 2**52)
    vector = np.random.default_rng(seed).standard_normal(dimensions)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
