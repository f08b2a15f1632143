"""CPU per request of our transport and HTTP provider, as ratios to a bare aiohttp loop against the same local server.

    python benchmarks/transport.py [--requests 3000] [--rounds 7] [--concurrency 16] [--json]

All rows run interleaved in one process, round by round; the server is a process of its own. The figure is
the median CPU time of the client process per request, so the ratio travels between machines, the
microseconds do not. Rows:

  bare            session.post and read, aiohttp's own defaults
  transport       Transport.send: clocks, size cap, classification
  bare + JSON     bare, plus json.dumps of the request, json.loads of the reply, and the text taken out
  provider        HttpProvider.answer: encode, send, decode, retry policy, usage, Exchange with both hashes
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import uvloop

from pointsman.core.chat import ChatRequest, user_says
from pointsman.core.variant import Variant
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.endpoint import Endpoint
from pointsman.providers.http import HttpProvider
from pointsman.providers.keys import KeyRing
from pointsman.providers.provider import Call
from pointsman.providers.secret import Secret
from pointsman.providers.transport import Timeouts, Transport

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 60}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 60, "total_tokens": 260},
    }
).encode()
HEADERS = b"x-request-id: r\r\nx-ratelimit-limit-requests: 1000\r\nx-ratelimit-remaining-requests: 999\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n%s" % (HEADERS, len(ANSWER), ANSWER)


def _event(delta: dict[str, object], **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": more.pop("finish_reason", None)}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-2026", "choices": [choice], **more}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _streamed() -> bytes:
    events = [_event({"content": "word "}) for _ in range(20)]
    usage = {"prompt_tokens": 200, "completion_tokens": 20, "total_tokens": 220}
    events += [_event({}, finish_reason="stop", usage=usage), b"data: [DONE]\n\n"]
    body = b"".join(b"%x\r\n%s\r\n" % (len(e), e) for e in events) + b"0\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n%stransfer-encoding: chunked\r\n\r\n%s" % (HEADERS, body)


class _Server(asyncio.Protocol):
    streamed = _streamed()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.held = transport, b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self.held) < end + 4 + length:
                return
            body, self.held = self.held[end + 4 : end + 4 + length], self.held[end + 4 + length :]
            self.transport.write(self.streamed if b'"stream":' in body else WHOLE)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _cpu_us(one: Callable[[], Awaitable[object]], requests: int, concurrency: int) -> float:
    left = iter(range(requests))

    async def worker() -> None:
        for _ in left:
            await one()

    began = time.process_time()
    await asyncio.gather(*[worker() for _ in range(concurrency)])
    return (time.process_time() - began) / requests * 1e6


async def _measure(port: int, requests: int, rounds: int, concurrency: int) -> dict[str, list[float]]:
    base = f"http://127.0.0.1:{port}/v1"
    url = base + "/chat/completions"
    prompt = "Say a word sixty times. " * 40
    wire = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
    body, stream_body = json.dumps(wire).encode(), json.dumps(wire | {"stream": True}).encode()
    headers = {"content-type": "application/json", "authorization": "Bearer k"}
    transport, session, limits = Transport(), aiohttp.ClientSession(), Timeouts()
    endpoint = Endpoint(provider="bench", dialect="openai_chat", base_url=base)
    provider = HttpProvider(
        Variant(provider="bench", model="m"), endpoint, DIALECTS.load("openai_chat"), transport, keys=KeyRing([Secret("k")])
    )
    ask = Call(request=ChatRequest(model="m", messages=(user_says(prompt),)))
    ask_stream = Call(request=ChatRequest(model="m", messages=(user_says(prompt),), stream=True))

    async def bare() -> None:
        async with session.post(url, data=body, headers=headers) as got:
            await got.read()

    async def bare_json() -> None:
        async with session.post(url, data=json.dumps(wire).encode(), headers=headers) as got:
            json.loads(await got.read())["choices"][0]["message"]["content"]

    async def bare_stream() -> None:
        async with session.post(url, data=stream_body, headers=headers) as got:
            async for _ in got.content.iter_any():
                pass

    async def bare_stream_json() -> None:
        async with session.post(url, data=stream_body, headers=headers) as got:
            events = [json.loads(line[6:]) async for line in got.content if line.startswith(b"data: {")]
            "".join(event["choices"][0]["delta"].get("content", "") for event in events)

    async def send() -> None:
        await transport.send(url, body, headers, stream=False, timeouts=limits)

    async def send_stream() -> None:
        got = await transport.send(url, stream_body, headers, stream=True, timeouts=limits)
        while await got.stream.read():
            pass

    async def answer() -> None:
        assert (await provider.answer(ask)).reply is not None

    async def answer_stream() -> None:
        assert (await provider.answer(ask_stream)).reply is not None

    rows = {
        "bare": bare,
        "transport": send,
        "bare + JSON": bare_json,
        "provider": answer,
        "bare, stream": bare_stream,
        "transport, stream": send_stream,
        "bare + JSON, stream": bare_stream_json,
        "provider, stream": answer_stream,
    }
    for one in rows.values():
        await _cpu_us(one, 200, concurrency)
    measured: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(rounds):
        for name, one in rows.items():
            measured[name].append(await _cpu_us(one, requests, concurrency))
    await transport.close()
    await session.close()
    return measured


RATIOS = {
    "transport": "bare",
    "provider": "bare + JSON",
    "transport, stream": "bare, stream",
    "provider, stream": "bare + JSON, stream",
}


def _ratio(measured: dict[str, list[float]], name: str) -> float:
    """Median over rounds of the ratio within a round: rows of one round met the same machine."""
    return statistics.median(a / b for a, b in zip(measured[name], measured[RATIOS[name]], strict=True))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, default=3000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--concurrency", type=int, default=16)
    options.add_argument("--json", action="store_true")
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if chosen.serve:
            runner.run(_serve())
        with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE) as server:
            try:
                port = int(server.stdout.readline())
                measured = runner.run(_measure(port, chosen.requests, chosen.rounds, chosen.concurrency))
            finally:
                server.kill()
    medians = {name: round(statistics.median(values), 1) for name, values in measured.items()}
    ratios = {name: round(_ratio(measured, name), 3) for name in RATIOS}
    if chosen.json:
        print(
            json.dumps({"machine": platform.platform(), "python": platform.python_version(), "cpu_us": medians, "ratio": ratios})
        )
        return
    for name, median_us in medians.items():
        compared = f"   {ratios[name]:.2f}x {RATIOS[name]}" if name in ratios else ""
        print(f"{name:22} {median_us:7.1f} µs{compared}")


if __name__ == "__main__":
    main()
