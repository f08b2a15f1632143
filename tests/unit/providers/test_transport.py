"""The transport against servers that behave, and servers that don't."""

import asyncio
import gzip
import socket
import ssl
import struct
import time

import pytest

from pointsman.core.failure import ConfigError, FailureClass, ProviderError
from pointsman.providers.transport import Network, Timeouts, Transport
from support.certificate import self_signed
from support.raw_server import RawServer, chunk, html, json_reply, reply, sse_head

QUICK = Timeouts(connect_s=1, first_token_s=1, idle_s=1, total_s=2)
KEY = {"authorization": "Bearer sk-very-secret-key-0123456789"}


async def _send(transport, url, *, stream=False, timeouts=QUICK, body=b"{}"):
    return await transport.send(url, body, KEY, stream=stream, timeouts=timeouts)


def _answer(handler, *, stream=False, timeouts=QUICK, network=None, read=True, tls=None):
    """(reply, pieces) of one request to a server with this handler."""

    async def main():
        async with RawServer(handler, tls) as server, Transport(network) as transport:
            got = await _send(transport, server.url + "/v1/x", stream=stream, timeouts=timeouts)
            pieces = [p async for p in got.stream] if got.stream is not None and read else []
            return got, pieces

    return asyncio.run(main())


def _failure(handler, **how):
    """The classified failure of one request; it must not tell the key, the address or the path."""
    with pytest.raises(ProviderError) as caught:
        _answer(handler, **how)
    failure = caught.value.failure
    for said in (str(caught.value), repr(caught.value), repr(failure)):
        assert "very-secret" not in said
        assert "127.0.0.1" not in said
        assert "/v1/x" not in said
    return failure


def _writes(*pieces, then_close=False, pause_s=0.0):
    async def handler(_request, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        if then_close:
            writer.close()

    return handler


async def _hang(_request, _writer):
    await asyncio.sleep(30)


class TestAnswers:
    def test_a_whole_answer_has_status_headers_and_body(self):
        got, _ = _answer(_writes(json_reply(b'{"a":1}', headers={"X-Request-Id": "r7"})))
        assert (got.status, got.body, got.stream, got.content_type) == (200, b'{"a":1}', None, "application/json")
        assert got.headers["x-request-id"] == "r7"

    def test_an_error_answer_is_an_answer_and_is_read_whole_even_if_a_stream_was_asked_for(self):
        got, _ = _answer(_writes(json_reply(b'{"error":1}', 429)), stream=True)
        assert (got.status, got.body) == (429, b'{"error":1}')

    def test_a_stream_is_handed_over_piece_by_piece(self):
        async def handler(_request, writer):
            writer.write(sse_head() + chunk(b"data: 1\n\n"))
            await asyncio.sleep(0.03)
            writer.write(chunk(b"data: 2\n\n") + chunk(b""))

        _, pieces = _answer(handler, stream=True)
        assert pieces == [b"data: 1\n\n", b"data: 2\n\n"]

    def test_json_is_read_whole_even_if_a_stream_was_asked_for(self):
        got, _ = _answer(_writes(json_reply(b'{"a":1}')), stream=True)
        assert got.stream is None
        assert got.body == b'{"a":1}'

    def test_an_error_page_in_html_is_left_to_the_dialect(self):
        got, _ = _answer(_writes(html(b"<h1>Bad gateway</h1>", 502)))
        assert got.status == 502

    def test_gzip_is_asked_for_and_undone_for_whole_answers_only(self):
        async def main():
            body = gzip.compress(b'{"a":1}')
            packed = reply(200, "application/json", body, {"Content-Encoding": "gzip"})
            async with RawServer(_writes(packed)) as server, Transport() as transport:
                got = await _send(transport, server.url)
                await _send(transport, server.url, stream=True)
                return got.body, [r.headers["accept-encoding"] for r in server.requests]

        assert asyncio.run(main()) == (b'{"a":1}', ["gzip, deflate", "identity"])

    def test_a_large_request_body_arrives_whole(self):
        async def main():
            async with RawServer(_writes(json_reply(b"{}"))) as server, Transport() as transport:
                await _send(transport, server.url, body=b"x" * 3_000_000, timeouts=Timeouts())
                return server.requests[0].body

        assert asyncio.run(main()) == b"x" * 3_000_000


class TestConnections:
    def test_one_connection_serves_many_requests(self):
        async def main():
            async with RawServer(_writes(json_reply(b"{}"))) as server, Transport() as transport:
                for _ in range(5):
                    await _send(transport, server.url)
                return server.connections, len(server.requests)

        assert asyncio.run(main()) == (1, 5)

    def test_a_stream_read_to_its_end_gives_its_connection_back(self):
        async def main():
            async with RawServer(_writes(sse_head() + chunk(b"x") + chunk(b""))) as server, Transport() as transport:
                for _ in range(3):
                    got = await _send(transport, server.url, stream=True)
                    assert await got.stream.read_all() == b"x"
                    got.stream.close()
                return server.connections

        assert asyncio.run(main()) == 1

    def test_nagle_is_off(self):
        async def main():
            async with RawServer(_writes(json_reply(b"{}"))) as server, Transport() as transport:
                await _send(transport, server.url)
                (idle,) = transport._session.connector._conns.values()
                sock = idle[0][0].transport.get_extra_info("socket")
                return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

        assert asyncio.run(main()) != 0

    def test_close_ends_the_connections(self):
        async def main():
            async with RawServer(_writes(json_reply(b"{}"))) as server:
                transport = Transport()
                await _send(transport, server.url)
                await transport.close()
                await asyncio.sleep(0.02)
                return len(server._tasks)

        assert asyncio.run(main()) == 0

    def test_closing_a_stream_early_is_noticed_by_the_server(self):
        async def handler(_request, writer):
            writer.write(sse_head() + chunk(b"x"))
            await asyncio.sleep(30)

        async def main():
            async with RawServer(handler) as server, Transport() as transport:
                got = await _send(transport, server.url, stream=True)
                await got.stream.read()
                got.stream.close()
                await asyncio.wait_for(server.gone.wait(), 0.5)

        asyncio.run(main())

    @pytest.mark.parametrize("stream", [True, False])
    @pytest.mark.parametrize("headers_first", [True, False])
    def test_cancelling_is_noticed_by_the_server_within_half_a_second(self, stream, headers_first):
        async def handler(_request, writer):
            if headers_first:
                writer.write(sse_head() + chunk(b"x"))
            await asyncio.sleep(30)

        async def whole(transport, url):
            got = await _send(transport, url, stream=stream, timeouts=Timeouts())
            return await got.stream.read_all() if got.stream else got.body

        async def main():
            async with RawServer(handler) as server, Transport() as transport:
                task = asyncio.ensure_future(whole(transport, server.url))
                await asyncio.sleep(0.05)
                task.cancel()
                await asyncio.wait_for(server.gone.wait(), 0.5)
                with pytest.raises(asyncio.CancelledError):
                    await task

        asyncio.run(main())


class TestTimeouts:
    def test_connecting_too_long(self):
        async def main():
            # A listener that never accepts, its backlog full: the third connection hangs in SYN.
            with socket.socket() as listener:
                transport = Transport()
                listener.bind(("127.0.0.1", 0))
                listener.listen(0)
                fill = [socket.socket() for _ in range(3)]
                for sock in fill:
                    sock.setblocking(False)
                    sock.connect_ex(listener.getsockname())
                try:
                    await _send(transport, f"http://127.0.0.1:{listener.getsockname()[1]}/", timeouts=Timeouts(connect_s=0.1))
                finally:
                    for sock in fill:
                        sock.close()
                    await transport.close()

        with pytest.raises(ProviderError) as caught:
            asyncio.run(main())
        failure = caught.value.failure
        assert (failure.kind, failure.phase) == (FailureClass.TIMEOUT, "connect")
        assert "connect_s" in failure.message

    @pytest.mark.parametrize("stream", [True, False])
    def test_no_answer_at_all(self, stream):
        began = time.perf_counter()
        failure = _failure(_hang, stream=stream, timeouts=Timeouts(first_token_s=0.1))
        assert (failure.kind, failure.phase) == (FailureClass.TIMEOUT, "headers")
        assert 0.09 <= time.perf_counter() - began < 1
        assert "0.1 s (first_token_s)" in failure.message

    def test_headers_but_no_first_byte(self):
        failure = _failure(_writes(sse_head(), pause_s=5), stream=True, timeouts=Timeouts(first_token_s=0.1))
        assert (failure.kind, failure.phase, failure.status) == (FailureClass.TIMEOUT, "first_token", 200)

    def test_a_stream_that_stalls(self):
        failure = _failure(_writes(sse_head() + chunk(b"x"), pause_s=5), stream=True, timeouts=Timeouts(idle_s=0.1))
        assert (failure.kind, failure.phase) == (FailureClass.TIMEOUT, "body")
        assert "idle_s" in failure.message

    def test_a_whole_answer_that_stalls(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        failure = _failure(_writes(head, pause_s=5), timeouts=Timeouts(idle_s=0.1))
        assert (failure.kind, failure.phase) == (FailureClass.TIMEOUT, "body")

    def test_the_first_token_clock_covers_the_whole_of_an_answer_that_is_not_streamed(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
        failure = _failure(_writes(head, *[b" "] * 50, pause_s=0.02), timeouts=Timeouts(first_token_s=0.2))
        assert (failure.kind, failure.phase) == (FailureClass.TIMEOUT, "first_token")

    def test_a_slow_drip_that_is_never_idle_runs_into_the_total(self):
        drip = [sse_head(), *[chunk(b"x")] * 50]
        failure = _failure(
            _writes(*drip, pause_s=0.02), stream=True, timeouts=Timeouts(first_token_s=0.1, idle_s=0.1, total_s=0.3)
        )
        assert failure.kind is FailureClass.TIMEOUT
        assert "total_s" in failure.message

    def test_a_slow_drip_within_its_limits_is_fine(self):
        drip = [sse_head(), *[chunk(b"x")] * 10, chunk(b"")]
        _, pieces = _answer(_writes(*drip, pause_s=0.02), stream=True, timeouts=Timeouts(first_token_s=0.1, idle_s=0.1))
        assert b"".join(pieces) == b"x" * 10

    def test_our_own_slowness_is_not_counted_against_the_provider(self):
        async def handler(_request, writer):
            writer.write(sse_head() + chunk(b"x"))
            await asyncio.sleep(0.02)
            writer.write(chunk(b"y") + chunk(b""))

        async def main():
            async with RawServer(handler) as server, Transport() as transport:
                got = await _send(transport, server.url, stream=True, timeouts=Timeouts(idle_s=0.1))
                first = await got.stream.read()
                await asyncio.sleep(0.25)
                return first + await got.stream.read_all()

        assert asyncio.run(main()) == b"xy"

    def test_many_requests_each_keep_their_own_clock(self):
        async def main():
            async with RawServer(_hang) as server, Transport() as transport:

                async def lasts(limit_s):
                    began = time.perf_counter()
                    with pytest.raises(ProviderError):
                        await _send(transport, server.url, timeouts=Timeouts(first_token_s=limit_s))
                    return time.perf_counter() - began

                return await asyncio.gather(*[lasts(0.05 * n) for n in (4, 1, 3, 2)])

        for measured, limit in zip(asyncio.run(main()), (0.2, 0.05, 0.15, 0.1), strict=True):
            assert limit - 0.01 <= measured < limit + 0.1


class TestFailures:
    def test_refused(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]

        async def main():
            async with Transport() as transport:
                await _send(transport, f"http://127.0.0.1:{port}/v1/x")

        with pytest.raises(ProviderError, match="no connection: connection refused") as caught:
            asyncio.run(main())
        assert (caught.value.failure.kind, caught.value.failure.phase) == (FailureClass.TRANSIENT, "connect")

    def test_unknown_host(self):
        async def main():
            async with Transport(Network(proxies={})) as transport:
                await _send(transport, "http://nobody.invalid/v1/x", timeouts=Timeouts())

        with pytest.raises(ProviderError, match="host name could not be resolved") as caught:
            asyncio.run(main())
        assert caught.value.failure.kind is FailureClass.TRANSIENT

    def test_a_web_page_in_place_of_json_is_quoted_briefly_and_without_markup_or_addresses(self):
        page = b"<html><script>evil()</script><h1>Sign in</h1> at https://login.example.com/abcdefghijklmnopqrstu " + b"x" * 5000
        failure = _failure(_writes(html(page)))
        assert failure.kind is FailureClass.MALFORMED
        assert "text/html" in failure.message
        assert "Sign in" in failure.message
        assert "evil" not in failure.message
        assert "login.example" not in failure.message
        assert len(failure.message) < 250

    def test_a_redirect_is_refused_and_names_the_setting(self):
        answer = reply(308, "text/plain", b"", {"Location": "http://elsewhere.example/v1"})
        failure = _failure(_writes(answer))
        assert (failure.kind, failure.status) == (FailureClass.HARD_DOWN, 308)
        assert "base_url" in failure.message

    def test_a_stream_cut_in_the_middle(self):
        failure = _failure(_writes(sse_head() + chunk(b"data: 1\n\n"), then_close=True), stream=True)
        assert (failure.kind, failure.phase, failure.status) == (FailureClass.TRANSIENT, "body", 200)

    def test_a_whole_answer_cut_in_the_middle(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        failure = _failure(_writes(head, then_close=True))
        assert (failure.kind, failure.phase) == (FailureClass.TRANSIENT, "body")

    def test_a_connection_reset_in_the_middle(self):
        async def handler(_request, writer):
            writer.write(sse_head() + chunk(b"data: 1\n\n"))
            await asyncio.sleep(0.02)
            linger_not = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
            writer.transport.abort()

        failure = _failure(handler, stream=True)
        assert (failure.kind, failure.phase, failure.status) == (FailureClass.TRANSIENT, "body", 200)

    def test_a_connection_closed_without_a_word(self):
        failure = _failure(_writes(b"", then_close=True))
        assert (failure.kind, failure.phase) == (FailureClass.TRANSIENT, "headers")

    def test_something_that_is_not_http(self):
        failure = _failure(_writes(b"220 mail.example.com ESMTP\r\n\r\n", then_close=True))
        assert failure.kind is FailureClass.MALFORMED

    def test_broken_gzip(self):
        broken = b"this was never compressed"
        failure = _failure(_writes(reply(200, "application/json", broken, {"Content-Encoding": "gzip"})))
        assert (failure.kind, failure.phase) == (FailureClass.MALFORMED, "body")
        assert "compression" in failure.message

    @pytest.mark.parametrize("packed", [True, False])
    def test_an_answer_beyond_the_limit_is_refused_also_if_it_only_grows_when_unpacked(self, packed):
        body, more = b" " * 3_000_000, {}
        if packed:
            body, more = gzip.compress(body), {"Content-Encoding": "gzip"}
        answer = reply(200, "application/json", body, more)
        failure = _failure(_writes(answer), network=Network(max_body_bytes=1_000_000), timeouts=Timeouts())
        assert failure.kind is FailureClass.MALFORMED
        assert "max_body_bytes" in failure.message

    @pytest.mark.parametrize("url", ["ftp://host/x", "nonsense", "http:///x"])
    def test_an_address_that_is_none_is_a_config_error(self, url):
        async def main():
            async with Transport() as transport:
                await _send(transport, url)

        with pytest.raises(ConfigError, match="base_url"):
            asyncio.run(main())


class TestTls:
    def test_a_self_signed_certificate_is_refused_and_the_message_says_what_to_do(self, tmp_path):
        tls, _ = self_signed(tmp_path)
        failure = _failure(_writes(json_reply(b"{}")), tls=tls)
        assert (failure.kind, failure.phase) == (FailureClass.HARD_DOWN, "connect")
        assert "not trusted" in failure.message
        assert "self-signed" in failure.message.replace("self signed", "self-signed")
        assert "ca_file" in failure.message

    def test_a_private_authority_is_trusted_through_its_file(self, tmp_path):
        tls, path = self_signed(tmp_path)
        got, _ = _answer(_writes(json_reply(b"{}")), tls=tls, network=Network(ca_file=str(path)))
        assert got.status == 200

    def test_only_those_who_ask_for_it_get_no_verification(self, tmp_path):
        tls, _ = self_signed(tmp_path)
        assert not Network().insecure
        got, _ = _answer(_writes(json_reply(b"{}")), tls=tls, network=Network(insecure=True))
        assert got.status == 200

    def test_a_file_that_holds_no_certificates_is_a_config_error(self, tmp_path):
        bad = tmp_path / "ca.pem"
        bad.write_text("nothing")
        tls, _ = self_signed(tmp_path)
        with pytest.raises(ConfigError, match="ca_file"):
            _answer(_writes(json_reply(b"{}")), tls=tls, network=Network(ca_file=str(bad)))

    def test_plain_http_on_a_tls_port_is_told_apart_from_a_bad_certificate(self):
        async def plain(_reader, writer):
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await asyncio.sleep(0)
            writer.close()

        async def main():
            server = await asyncio.start_server(plain, "127.0.0.1", 0)
            async with server, Transport() as transport:
                await _send(transport, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

        with pytest.raises(ProviderError, match="TLS handshake"):
            asyncio.run(main())

    def test_verification_is_on_in_the_context_itself(self, tmp_path):
        async def main():
            async with Transport() as transport:
                return transport._tls_context()

        context = asyncio.run(main())
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


class TestProxies:
    def _through(self, monkeypatch=None, proxies=None, url="http://api.example.test/v1/x", env=None):
        async def main():
            async with RawServer(_writes(json_reply(b"{}"))) as proxy:
                address = proxy.url.replace("http://", "http://me:pa55@")
                if env is not None:
                    monkeypatch.setenv(env, address)
                async with Transport(Network(proxies=proxies(address) if proxies else None)) as transport:
                    await _send(transport, url)
                return proxy.requests

        return asyncio.run(main())

    def test_a_proxy_from_the_environment_is_used_with_its_credentials(self, monkeypatch):
        (request,) = self._through(monkeypatch, env="http_proxy")
        assert request.path == "http://api.example.test/v1/x"
        assert request.headers["proxy-authorization"].startswith("Basic ")

    def test_a_proxy_from_the_settings_is_used(self):
        (request,) = self._through(proxies=lambda address: {"all": address})
        assert request.path == "http://api.example.test/v1/x"

    def test_no_proxy_is_honoured(self, monkeypatch):
        monkeypatch.setenv("no_proxy", ".invalid")
        with pytest.raises(ProviderError, match="resolved"):
            self._through(monkeypatch, env="http_proxy", url="http://nobody.invalid/")

    def test_loopback_is_reached_directly(self, monkeypatch):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        got, _ = _answer(_writes(json_reply(b"{}")))
        assert got.status == 200

    def test_a_proxy_that_is_down_is_called_a_proxy(self):
        async def main():
            async with Transport(Network(proxies={"http": "http://127.0.0.1:1"})) as transport:
                await _send(transport, "http://api.example.test/")

        with pytest.raises(ProviderError, match="the proxy cannot be reached: connection refused"):
            asyncio.run(main())

    def test_a_socks_proxy_is_a_config_error(self):
        async def main():
            async with Transport(Network(proxies={"all": "socks5://127.0.0.1:1"})) as transport:
                await _send(transport, "http://api.example.test/")

        with pytest.raises(ConfigError, match="socks5"):
            asyncio.run(main())
