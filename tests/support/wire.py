"""Recorded traffic of real providers, as the tests read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlparse

from support.shared import SHARED

WIRE = SHARED / "data" / "wire"


class Recorded(NamedTuple):
    """One request with its response. `dialect` is None where the path is none of ours (files, batches, embeddings…)."""

    provider: str
    file: str
    number: int
    path: str
    dialect: str | None
    request: bytes
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def name(self) -> str:
        return f"{self.file}#{self.number}"

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def streamed(self) -> bool:
        """Whether the body is a stream: SSE, Gemini's list of chunks left aside, or several lines of JSON."""
        content_type = self.headers.get("content-type", "")
        start = self.body.lstrip()[:7]
        return "event-stream" in content_type or "ndjson" in content_type or start.startswith((b"data:", b"event:", b": "))


def dialect_of(path: str) -> str | None:
    """The dialect spoken at this URL path, or None."""
    if path.endswith("/chat/completions"):
        return "openai_chat"
    if path.endswith("/responses"):
        return "openai_responses"
    if path.endswith("/messages") and "/threads/" not in path:
        return "anthropic_messages"
    if path.endswith(("/api/chat", "/api/generate")):
        return "ollama"
    return "gemini" if path.endswith((":generateContent", ":streamGenerateContent")) else None


@cache
def interactions() -> tuple[Recorded, ...]:
    """Every recorded exchange whose body is text."""
    return tuple(_read())


def _read() -> Iterator[Recorded]:
    for file in sorted(WIRE.glob("*/*.json")):
        if file.parent.name == "vercel_fixtures" or file.name.endswith("__binary.json"):
            continue
        for number, entry in enumerate(json.loads(file.read_text(encoding="utf-8"))["interactions"]):
            yield _recorded(f"{file.parent.name}/{file.name}", number, entry)


def _recorded(file: str, number: int, entry: dict[str, Any]) -> Recorded:
    request, response = entry["request"], entry["response"]
    path = urlparse(request["url"]).path
    return Recorded(
        provider=file.split("/", 1)[0],
        file=file,
        number=number,
        path=path,
        dialect=dialect_of(path) if request["method"] == "POST" else None,
        request=(request.get("body") or "").encode(),
        status=response["status"],
        headers={k.lower(): v for k, v in response["headers"].items()},
        body=(response.get("body") or "").encode(),
    )


class Payload(NamedTuple):
    """A bare payload without HTTP around it: a whole reply, or the chunks of a stream."""

    provider: str
    file: str
    whole: bytes | None
    chunks: tuple[bytes, ...]

    @property
    def sse(self) -> bytes:
        """The chunks as the server-sent events they came in."""
        return b"".join(b"data: " + chunk + b"\n\n" for chunk in self.chunks)


@cache
def payloads() -> tuple[Payload, ...]:
    """The vercel fixtures."""
    found = []
    for file in sorted((WIRE / "vercel_fixtures").glob("*/*")):
        text = file.read_bytes()
        name = f"{file.parent.name}/{file.name}"
        if file.suffix == ".json":
            found.append(Payload(file.parent.name, name, text, ()))
        else:
            found.append(Payload(file.parent.name, name, None, tuple(line for line in text.splitlines() if line.strip())))
    return tuple(found)
