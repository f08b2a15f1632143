"""The only socket: HTTP POST over pooled connections, every way it fails classified.

No redirect is followed (a POST that carries a key goes where it was sent or nowhere), TLS is
verified unless told otherwise, and neither netrc nor cookies have a say.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from types import TracebackType
from typing import NamedTuple, Self
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from yarl import URL

from pointsman.core.failure import ConfigError, Failure, FailureClass, ProviderError
from pointsman.providers.deadlines import Deadlines, Watch
from pointsman.providers.network_failure import network_failure, timeout_failure, wrong_content

__all__ = ["BodyStream", "Network", "Reply", "Timeouts", "Transport"]


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long one attempt may take, in seconds."""

    connect_s: float = 10.0
    """Name look-up, TCP and TLS of a new connection."""
    first_token_s: float = 300.0
    """From the start of the attempt to the first byte of a streamed body, or to the whole of a body that is
    not streamed. A model that thinks at length says nothing until it has finished, hence five minutes.
    """
    idle_s: float = 60.0
    """Between two pieces of a body. Counted only while we wait for the provider, not while our own reader is slow."""
    total_s: float = 600.0
    """The whole attempt."""


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """How connections are made."""

    ca_file: str | None = None
    """PEM file of authorities to trust beside the system's own (which also honour SSL_CERT_FILE)."""
    insecure: bool = False
    """Trust any certificate. For a bench on one's own machine, never for anything that carries a key."""
    proxies: dict[str, str] | None = None
    """Proxy URL by scheme (`http`, `https`, `all`); None reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
    Loopback addresses are always reached directly.
    """
    keepalive_s: float = 15.0
    """How long an unused connection is kept for the next request."""
    max_body_bytes: int = 64 * 1024 * 1024
    """Largest answer accepted, after decompression."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the server answered: `body` whole, or `stream` still to be read, never both."""

    status: int
    headers: Mapping[str, str]
    """Names compare without regard to case."""
    content_type: str
    """Media type in lower case, without parameters; empty if the server named none."""
    body: bytes = b""
    stream: BodyStream | None = None


class Transport:
    """Pooled connections to any number of servers. Create it inside the event loop that uses it; `close` ends them all."""

    def __init__(self, network: Network | None = None) -> None:
        self.network = network or Network()
        self._deadlines = Deadlines(asyncio.get_running_loop())
        self._targets: dict[str, _Target] = {}
        self._tls: ssl.SSLContext | None = None
        self._connect_timeouts: dict[float, aiohttp.ClientTimeout] = {}
        self._session = aiohttp.ClientSession(
            # How many calls run at once is for the concurrency gate to say, not for the pool.
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, keepalive_timeout=self.network.keepalive_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # aiohttp would start a thread for each request to look at netrc and proxies
        )

    async def send(
        self, url: str, body: bytes, headers: Mapping[str, str], *, stream: bool, timeouts: Timeouts, method: str = "POST"
    ) -> Reply:
        """Send one request and return its answer, whatever its status below 300 or from 400 up.

        With `stream`, a successful answer is handed over as soon as its headers are there, unless it
        is JSON; everything else is read whole. Raises `ProviderError` with a classified failure if no
        answer could be had, and for answers that no API gives (a redirect, a web page in place of JSON).
        """
        target = self._targets.get(url) or self._target(url)
        exchange = _Exchange(self._deadlines, timeouts, self.network.max_body_bytes)
        response = await exchange.start(
            self._session,
            method,
            target.url,
            # aiohttp warns when a megabyte is written from one piece of bytes, and is right to
            data=body if len(body) < 1 << 20 else io.BytesIO(body),
            headers={"Accept-Encoding": "identity" if stream else "gzip, deflate", **headers, **target.own_headers},
            allow_redirects=False,
            proxy=target.proxy,
            proxy_headers=target.proxy_headers,
            ssl=target.tls,
            # aiohttp adds what is missing of these, but taking that back costs more than all our own headers
            skip_auto_headers=None if "accept" in headers and "user-agent" in headers else _OUR_AFFAIR,
            timeout=self._connect_timeouts.get(timeouts.connect_s) or self._connect_timeout(timeouts.connect_s),
        )
        return await self._reply(exchange, response, stream=stream)

    async def close(self) -> None:
        """Close every connection. Calls under way fail."""
        self._deadlines.close()
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _reply(self, exchange: _Exchange, response: aiohttp.ClientResponse, *, stream: bool) -> Reply:
        status, headers = response.status, response.headers
        media = _media_type(headers.get("Content-Type", ""))
        if 300 <= status < 400:
            response.close()
            raise ProviderError(_redirected(status))
        page = status < 300 and media in _PAGES
        if stream and status < 300 and not page and media != "application/json":
            return Reply(status=status, headers=headers, content_type=media, stream=BodyStream(exchange, response))
        body = await exchange.read_all(response)
        if page:
            raise ProviderError(wrong_content(status, media, body))
        return Reply(status=status, headers=headers, content_type=media, body=body)

    def _target(self, url: str) -> _Target:
        if len(self._targets) >= 1024:  # a model name in the path may come from a client, so there is no end of them
            self._targets.clear()
        parsed = URL(url, encoded=True)
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ConfigError("not an http or https address", key="base_url", hint='such as "https://api.example.com/v1"')
        proxy = _proxy_for(parsed, self.network.proxies)
        tls = self._tls_context() if "https" in (parsed.scheme, proxy and proxy.scheme) else True
        found = self._targets[url] = _Target(parsed, tls)
        if proxy is not None:
            found = self._targets[url] = _through(found, proxy)
        return found

    def _connect_timeout(self, connect_s: float) -> aiohttp.ClientTimeout:
        found = self._connect_timeouts[connect_s] = aiohttp.ClientTimeout(connect=connect_s)
        return found

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = _tls_context(self.network)
        return self._tls


@lru_cache(maxsize=256)
def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


_OUR_AFFAIR = ("User-Agent", "Accept")
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


class _Target(NamedTuple):
    url: URL
    tls: ssl.SSLContext | bool
    proxy: URL | None = None
    proxy_headers: dict[str, str] | None = None
    own_headers: Mapping[str, str] = {}


class _Exchange:
    """One request under its clocks."""

    __slots__ = ("_deadlines", "_limits", "_max_bytes", "_started_s", "_watch", "received_bytes")

    def __init__(self, deadlines: Deadlines, limits: Timeouts, max_bytes: int) -> None:
        self._deadlines = deadlines
        self._limits = limits
        self._max_bytes = max_bytes
        self._started_s = deadlines.now_s()
        self._watch = Watch(deadlines)
        self.received_bytes = 0

    async def start(self, session: aiohttp.ClientSession, method: str, url: URL, **options: object) -> aiohttp.ClientResponse:
        """Send, and wait for the headers."""
        limits, watch = self._limits, self._watch
        watch.begin(self._started_s + min(limits.first_token_s, limits.total_s), "headers")
        try:
            return await session.request(method, url, **options)  # type: ignore[arg-type]  # the options are those of `send`
        except asyncio.CancelledError:
            if watch.timed_out():
                raise self._timeout(None) from None
            raise
        except aiohttp.ConnectionTimeoutError:
            raise ProviderError(timeout_failure("connect", limits.connect_s)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise ProviderError(network_failure(error)) from None
        finally:
            watch.end()

    async def read(self, response: aiohttp.ClientResponse, *, whole: bool) -> bytes:
        """The next piece of the body; empty at its end. With `whole` the first-token clock covers all of it."""
        limits, watch = self._limits, self._watch
        latest_s = self._started_s + limits.total_s
        if whole or not self.received_bytes:
            latest_s = min(latest_s, self._started_s + limits.first_token_s)
        idle_s = latest_s if not self.received_bytes else self._deadlines.now_s() + limits.idle_s
        watch.begin(min(latest_s, idle_s), "body" if self.received_bytes else "first_token")
        try:
            piece = await response.content.readany()
        except asyncio.CancelledError:
            response.close()
            if watch.timed_out():
                raise self._timeout(response.status) from None
            raise
        except (aiohttp.ClientError, OSError) as error:
            response.close()
            raise ProviderError(network_failure(error, status=response.status)) from None
        finally:
            watch.end()
        return self._within_bounds(piece, response)

    def _within_bounds(self, piece: bytes, response: aiohttp.ClientResponse) -> bytes:
        self.received_bytes += len(piece)
        if self.received_bytes > self._max_bytes:
            response.close()
            raise ProviderError(_too_large(response.status, self._max_bytes))
        return piece

    async def read_all(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body."""
        content = response.content
        if content.is_eof() and content.exception() is None:  # a short body came along with the headers: no need to wait
            return self._within_bounds(content.read_nowait(), response)
        first = await self.read(response, whole=True)
        if response.content.at_eof():
            return first
        pieces = [first]
        while piece := await self.read(response, whole=True):
            pieces.append(piece)
        return b"".join(pieces)

    def _timeout(self, status: int | None) -> ProviderError:
        limits, phase = self._limits, self._watch.phase
        if self._deadlines.now_s() >= self._started_s + limits.total_s:
            return ProviderError(timeout_failure("total", limits.total_s, status))
        if phase == "body" and self._watch.deadline_s == self._started_s + limits.first_token_s:
            phase = "first_token"
        limit_s = limits.idle_s if phase == "body" else limits.first_token_s
        return ProviderError(timeout_failure(phase, limit_s, status))


class BodyStream:
    """A body as it arrives. Read it to its end, or `close` it; either gives the connection back or ends it."""

    __slots__ = ("_exchange", "_response")

    def __init__(self, exchange: _Exchange, response: aiohttp.ClientResponse) -> None:
        self._exchange = exchange
        self._response = response

    async def read(self) -> bytes:
        """What has arrived since the last call, waiting for at least one byte; empty at the end.

        Raises `ProviderError` if the body was cut, stalled or too large.
        """
        return await self._exchange.read(self._response, whole=False)

    async def read_all(self) -> bytes:
        """All that is left."""
        return await self._exchange.read_all(self._response)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece

    def close(self) -> None:
        """Stop. A connection with an unread rest is closed, so the provider notices at once."""
        self._response.close()


def _redirected(status: int) -> Failure:
    message = f"the server redirects ({status}), which is not followed: check base_url"
    return Failure(kind=FailureClass.HARD_DOWN, message=message, status=status)


def _too_large(status: int, limit: int) -> Failure:
    message = f"the answer is larger than {limit} bytes (max_body_bytes)"
    return Failure(kind=FailureClass.MALFORMED, message=message, status=status, phase="body")


def _tls_context(network: Network) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if network.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif network.ca_file is not None:
        try:
            context.load_verify_locations(network.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                "cannot be read as certificates", key="ca_file", value=network.ca_file, hint="give a PEM file"
            ) from error
    return context


def _proxy_for(url: URL, proxies: Mapping[str, str] | None) -> URL | None:
    host = url.host or ""
    if _is_loopback(host):
        return None
    if proxies is None:
        if proxy_bypass(f"{host}:{url.port}"):
            return None
        proxies = getproxies()
    text = proxies.get(url.scheme) or proxies.get("all")
    if not text:
        return None
    proxy = URL(text if "://" in text else f"http://{text}")
    if proxy.scheme not in ("http", "https"):
        raise ConfigError(f"a {proxy.scheme} proxy is not supported", key="proxies", hint="use an http or https proxy")
    return proxy


def _through(target: _Target, proxy: URL) -> _Target:
    """The target by way of a proxy. Its credentials travel with CONNECT, or with the request where there is none."""
    if not proxy.user:
        return target._replace(proxy=proxy)
    credentials = {"Proxy-Authorization": aiohttp.encode_basic_auth(proxy.user, proxy.password or "")}
    where = "proxy_headers" if target.url.scheme == "https" else "own_headers"
    return target._replace(proxy=proxy.with_user(None), **{where: credentials})  # type: ignore[arg-type]  # either field takes a dict of str


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
