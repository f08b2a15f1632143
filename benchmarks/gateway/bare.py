"""The least honest proxy on our stack, which is uvicorn, raw ASGI, aiohttp and msgspec.

Check a key, parse the body, find the route, rewrite the model, forward, parse the reply, take the usage, count. Of a
stream: forward what comes, take the usage from its last piece. No retries, no time limits, no record of a request.
"""

from __future__ import annotations

import hashlib
import sys
import time

import aiohttp
import msgspec
import uvicorn

DECODE, ENCODE = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
JSON = {"content-type": "application/json", "authorization": "Bearer sk-upstream"}


class App:
    """The proxy."""

    def __init__(self, upstream: str, key: str) -> None:
        self._routes = {"m": (f"{upstream}/v1/chat/completions", "m")}
        self._keys = {hashlib.sha256(key.encode()).digest()}
        self._counts = {"requests": 0, "input": 0, "output": 0}
        self._histogram = [0] * 64
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope, receive, send) -> None:
        began_s = time.perf_counter()
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        headers = dict(scope["headers"])
        if hashlib.sha256(headers[b"authorization"][7:]).digest() not in self._keys:
            raise PermissionError
        asked = DECODE((await receive())["body"])
        url, asked["model"] = self._routes[asked["model"]]
        forward = self._stream if asked.get("stream") else self._whole
        async with self._session.post(url, data=ENCODE(asked), headers=JSON) as reply:
            usage = await forward(reply, send)
        self._counts["requests"] += 1
        self._counts["input"] += usage["prompt_tokens"]
        self._counts["output"] += usage["completion_tokens"]
        self._histogram[min(63, int((time.perf_counter() - began_s) * 1000))] += 1

    async def _whole(self, reply, send):
        body = await reply.read()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return DECODE(body)["usage"]

    async def _stream(self, reply, send):
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        last = b""
        async for piece in reply.content.iter_any():
            last = piece
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return next(DECODE(event[6:])["usage"] for event in last.split(b"\n\n") if b'"usage":{' in event)


if __name__ == "__main__":
    port, upstream, key = sys.argv[1:4]
    uvicorn.run(
        App(upstream, key), port=int(port), http="httptools", loop="uvloop", lifespan="off", ws="none", access_log=False,
        log_config=None, server_header=False, date_header=False, proxy_headers=False,
    )  # fmt: skip
