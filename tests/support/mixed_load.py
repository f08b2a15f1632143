"""Many requests of all four protocols at once, streamed and not, some of whose clients hang up at a random moment.

A client here is a bare socket, because it must know whether its request was sent whole, and leave whenever it likes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from typing import Any

import msgspec

PROTOCOLS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
_WORDS = ("which", "answer", "shall", "the", "model", "give", "to", "this", "question", "of", "mine", "about", "money")


class Sent(msgspec.Struct):
    """One request that went out whole, and how its client fared."""

    marker: str
    """Stands in the request's text and in nobody else's."""
    protocol: str
    route: str
    stream: bool
    body: bytes
    leaves_after_s: float | None
    """When the client hangs up; None: it reads to the end."""
    status: int | None = None
    """None: it left before it saw one, or was cut off."""
    decision: str | None = None


def request(number: int, dice: random.Random, routes: list[str], leaving: float, tag: str = "") -> Sent:
    """A request drawn by `dice`; a share `leaving` of the clients hangs up within a tenth of a second."""
    protocol, route, stream = dice.choice(PROTOCOLS), dice.choice(routes), dice.random() < 0.5
    marker = f"{tag}case {number}:"
    text = f"{marker} {' '.join(dice.choices(_WORDS, k=dice.randint(3, 40)))}"
    leaves_after_s = dice.random() ** 2 * 0.1 if dice.random() < leaving else None
    body = json.dumps(_document(protocol, route, text, stream=stream)).encode()
    return Sent(marker, protocol, route, stream, body, leaves_after_s)


def _document(protocol: str, route: str, text: str, *, stream: bool) -> dict[str, Any]:
    turns = [{"role": "user", "content": text}]
    match protocol:
        case "openai_chat":
            return {"model": route, "messages": turns, "stream": stream}
        case "openai_responses":
            return {"model": route, "input": text, "stream": stream}
        case "anthropic_messages":
            return {"model": route, "messages": turns, "max_tokens": 1000, "stream": stream}
        case _:
            return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


def _path(sent: Sent) -> str:
    match sent.protocol:
        case "openai_chat":
            return "/v1/chat/completions"
        case "openai_responses":
            return "/v1/responses"
        case "anthropic_messages":
            return "/v1/messages"
        case _:
            verb = "streamGenerateContent?alt=sse" if sent.stream else "generateContent"
            return f"/v1beta/models/{sent.route}:{verb}"


async def send(host: str, port: int, sent: Sent) -> Sent:
    """Send one request and read its answer, or hang up. Raises `OSError` where it could not be sent."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        head = f"POST {_path(sent)} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {len(sent.body)}\r\n\r\n"
        writer.write(head.encode() + sent.body)
        await writer.drain()
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(sent.leaves_after_s):
                answer = await reader.read(65536)
                if answer:
                    _read_head(sent, answer)
                while await reader.read(65536):
                    pass
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return sent


def _read_head(sent: Sent, answer: bytes) -> None:
    lines = answer.split(b"\r\n\r\n")[0].split(b"\r\n")
    sent.status = int(lines[0].split()[1])
    for line in lines[1:]:
        name, _, value = line.partition(b": ")
        if name.lower() == b"x-pointsman-decision":
            sent.decision = value.decode()


async def send_all(base_url: str, requests: list[Sent], concurrency: int) -> list[Sent]:
    """Send them all, so many at a time."""
    host, _, port = base_url.removeprefix("http://").rpartition(":")
    waiting = iter(requests)

    async def client() -> None:
        for sent in waiting:
            await send(host, int(port), sent)

    await asyncio.gather(*(client() for _ in range(concurrency)))
    return requests
