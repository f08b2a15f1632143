"""The HTTP provider end to end, against a local server, with a protocol of its own."""

import asyncio
import json

import msgspec
import pytest

from pointsman.core.chat import ChatRequest, FinishReason, Message, OutputFormat, Text, user_says
from pointsman.core.clock import FakeClock
from pointsman.core.failure import ConfigError, FailureClass
from pointsman.core.usage import Usage
from pointsman.core.variant import Variant
from pointsman.providers.endpoint import Endpoint
from pointsman.providers.http import HttpProvider
from pointsman.providers.keys import KeyRing
from pointsman.providers.provider import Call
from pointsman.providers.provider_row import Quirks
from pointsman.providers.retry import RetryPolicy
from pointsman.providers.secret import Secret
from pointsman.providers.transport import Timeouts, Transport
from support.raw_server import RawServer, chunk, html, json_reply, sse_head
from support.tiny_dialect import TINY

SAID = json_reply(b'{"text":"Paris","model":"tiny-2026","in":7,"out":2}', headers={"x-request-id": "req-1"})
FAST = RetryPolicy(base_s=0.001, max_backoff_s=0.01, max_retry_after_s=5)
ASK = ChatRequest(model="whatever", messages=(user_says("Capital of France?"),))


def _script(*answers):
    """A handler that gives these answers one after the other, the last one for ever; a coroutine function is run."""
    left = list(answers)

    async def handler(request, writer):
        answer = left.pop(0) if len(left) > 1 else left[0]
        if callable(answer):
            await answer(request, writer)
        else:
            writer.write(answer)

    return handler


def _sse(*events, end=True):
    lines = b"".join(chunk(b"data: " + json.dumps(e).encode() + b"\n\n") for e in events)
    return sse_head({"x-request-id": "req-2"}) + lines + (chunk(b"") if end else b"")


def _cut(*events):
    async def answer(_request, writer):
        writer.write(_sse(*events, end=False))
        await writer.drain()
        writer.close()

    return answer


class _Naps:
    """Takes the place of sleeping, and remembers for how long it would have been."""

    def __init__(self):
        self.taken = []

    async def __call__(self, seconds):
        self.taken.append(seconds)


def _ask(handler, *, request=ASK, variant=None, endpoint=None, keys=None, naps=None, policy=FAST, calls=1, **how):
    """(answer, requests the server saw) of the last of `calls` calls."""

    async def main():
        async with RawServer(handler) as server, Transport() as transport:
            provider = HttpProvider(
                variant or Variant(provider="tiny", model="tiny-1"),
                endpoint(server.url) if endpoint else Endpoint(provider="tiny", dialect="tiny", base_url=server.url),
                TINY,
                transport,
                keys=KeyRing([Secret(k) for k in keys]) if keys else None,
                policy=policy,
                draw=lambda: 0.5,
                sleep=naps or _Naps(),
                **how,
            )
            answers = [await provider.answer(Call(request=request)) for _ in range(calls)]
            await provider.close()
            return answers[-1], server.requests

    return asyncio.run(main())


STREAM = ChatRequest(model="whatever", messages=(user_says("Capital of France?"),), stream=True)


class TestAnAnswer:
    def test_fills_the_exchange(self):
        answer, _ = _ask(_script(SAID), keys=["k1"])
        exchange = answer.exchange
        (attempt,) = exchange.attempts
        assert answer.reply.text == "Paris"
        assert exchange.variant == Variant(provider="tiny", model="tiny-1").hash
        assert exchange.served_model == "tiny-2026"
        assert exchange.finish is FinishReason.STOP
        assert exchange.usage == Usage(input_tokens=7, output_tokens=2)
        assert (attempt.key, attempt.request_id, attempt.failure, attempt.ttft_s) == ("#1", "req-1", None, None)
        assert 0 < exchange.latency_s == attempt.duration_s < 1

    def test_the_same_request_has_the_same_hash_and_another_has_another(self):
        hashes = {_ask(_script(SAID), request=r)[0].exchange.request for r in (ASK, ASK, STREAM)}
        assert len(hashes) == 2

    def test_without_usage_it_is_estimated_at_four_characters_a_token_rounded_up_and_says_so(self):
        answer, _ = _ask(_script(json_reply(b'{"text":"Paris"}')))
        assert answer.exchange.usage == Usage(input_tokens=5, output_tokens=2, source="estimated")

    def test_queueing_is_kept_apart(self):
        async def main():
            async with RawServer(_script(SAID)) as server, Transport() as transport:
                endpoint = Endpoint(provider="tiny", dialect="tiny", base_url=server.url)
                provider = HttpProvider(Variant(provider="tiny", model="m"), endpoint, TINY, transport)
                return await provider.answer(Call(request=ASK, queued_s=3.0))

        exchange = asyncio.run(main()).exchange
        assert exchange.queued_s == 3.0
        assert exchange.latency_s < 1


class TestWhatIsSent:
    def test_parameters_the_system_prompt_and_unknown_fields_of_the_variant(self):
        variant = Variant(
            provider="tiny", model="tiny-1", params={"temperature": 0, "max_tokens": 9, "best_of": 2}, system="Be brief."
        )
        _, (request,) = _ask(_script(SAID), variant=variant)
        body = json.loads(request.body)
        assert body == {
            "model": "tiny-1",
            "said": [["system", "Be brief."], ["user", "Capital of France?"]],
            "stream": False,
            "temperature": 0.0,
            "max_tokens": 9,
            "best_of": 2,
        }

    def test_a_case_that_brings_its_own_system_prompt_keeps_it(self):
        own = ChatRequest(model="m", messages=(Message(role="system", parts=(Text(text="Mine."),)), user_says("Hi")))
        _, (request,) = _ask(_script(SAID), request=own, variant=Variant(provider="t", model="m", system="Theirs."))
        assert json.loads(request.body)["said"][0] == ["system", "Mine."]

    @pytest.mark.parametrize(
        "params, key", [({"temperature": "hot"}, "params.temperature"), ({"messages": []}, "params.messages")]
    )
    def test_a_parameter_that_cannot_be_is_refused_by_name(self, params, key):
        with pytest.raises(ConfigError, match=key):
            _ask(_script(SAID), variant=Variant(provider="t", model="m", params=params))

    @pytest.mark.parametrize(
        "auth, header, value",
        [
            (None, "x-tiny-key", "k1"),
            ("bearer", "authorization", "Bearer k1"),
            ("x-api-key", "x-api-key", "k1"),
            ("api-key", "api-key", "k1"),
            ("x-goog-api-key", "x-goog-api-key", "k1"),
        ],
    )
    def test_the_key_travels_as_the_provider_wants_it(self, auth, header, value):
        _, (request,) = _ask(
            _script(SAID), keys=["k1"], endpoint=lambda url: Endpoint(provider="t", dialect="tiny", base_url=url, auth=auth)
        )
        assert request.headers[header] == value
        assert "k1" not in request.path

    def test_a_key_in_the_query(self):
        _, (request,) = _ask(
            _script(SAID),
            keys=["k&1"],
            endpoint=lambda url: Endpoint(provider="t", dialect="tiny", base_url=url, auth="query", query={"v": "2"}),
        )
        assert request.path == "/v1/say?v=2&key=k%261"

    def test_quirks_rename_the_limit_and_drop_stream_options(self):
        quirks = Quirks(max_tokens_field="max_completion_tokens", stream_options=False, json_schema=False)
        answer, (request,) = _ask(
            _script(_sse({"t": "x", "end": True})),
            request=ChatRequest(
                model="m", messages=(user_says("x"),), stream=True, max_output_tokens=5, output=OutputFormat(kind="json_schema")
            ),
            endpoint=lambda url: Endpoint(provider="t", dialect="tiny", base_url=url, quirks=quirks),
        )
        body = json.loads(request.body)
        assert body["max_completion_tokens"] == 5
        assert not {"max_tokens", "stream_options"} & set(body)
        assert answer.reply.text == "x"

    def test_what_the_server_cannot_say_is_named_as_a_loss(self):
        async def main():
            async with RawServer(_script(SAID)) as server, Transport() as transport:
                quirks = Quirks(json_schema=False, parallel_tool_calls=False)
                endpoint = Endpoint(provider="tiny", dialect="tiny", base_url=server.url, quirks=quirks)
                provider = HttpProvider(Variant(provider="tiny", model="m"), endpoint, TINY, transport)
                plain = await provider.answer(Call(request=ASK))
                assert (plain.reply.text, provider.losses) == ("Paris", frozenset())
                wish = msgspec.structs.replace(ASK, output=OutputFormat(kind="json_schema"), parallel_tool_calls=False)
                await provider.answer(Call(request=wish))
                return {loss.field for loss in provider.losses}

        assert asyncio.run(main()) == {"output.schema", "parallel_tool_calls"}


class TestStreams:
    def test_first_token_time_is_the_first_visible_piece(self):
        async def answer(_request, writer):
            writer.write(sse_head() + chunk(b'data: {"model":"tiny-2026"}\n\n'))
            await asyncio.sleep(0.05)
            writer.write(chunk(b'data: {"t":"Par"}\n\n'))
            await asyncio.sleep(0.05)
            writer.write(chunk(b'data: {"t":"is","end":true,"in":7,"out":2}\n\n') + chunk(b""))

        answer, _ = _ask(answer, request=STREAM)
        (attempt,) = answer.exchange.attempts
        assert answer.reply.text == "Paris"
        assert 0.045 < attempt.ttft_s < attempt.duration_s - 0.045
        assert answer.exchange.ttft_s == attempt.ttft_s
        assert answer.exchange.usage == Usage(input_tokens=7, output_tokens=2)

    def test_visible_reasoning_counts_as_first_token(self):
        async def answer(_request, writer):
            writer.write(sse_head() + chunk(b'data: {"r":"hm"}\n\n'))
            await asyncio.sleep(0.05)
            writer.write(chunk(b'data: {"t":"x","end":true}\n\n') + chunk(b""))

        answer, _ = _ask(answer, request=STREAM)
        assert answer.exchange.ttft_s < answer.exchange.latency_s - 0.04

    def test_json_in_place_of_a_stream_is_read(self):
        answer, _ = _ask(_script(SAID), request=STREAM)
        assert answer.reply.text == "Paris"
        assert answer.exchange.attempts[0].ttft_s is None

    def test_a_stream_nobody_asked_for_is_read(self):
        answer, _ = _ask(_script(_sse({"t": "Par"}, {"t": "is", "end": True})))
        assert answer.reply.text == "Paris"

    def test_a_stream_cut_in_the_middle_is_tried_again_and_what_it_used_is_kept(self):
        answer, requests = _ask(
            _script(_cut({"in": 7, "t": "Paris is the"}), _sse({"t": "Paris", "in": 7, "out": 2, "end": True})), request=STREAM
        )
        first, second = answer.exchange.attempts
        assert len(requests) == 2
        assert (first.failure.kind, first.failure.phase) == (FailureClass.TRANSIENT, "body")
        assert first.usage == Usage(input_tokens=7, output_tokens=3, source="estimated")
        assert second.usage is None
        assert answer.reply.text == "Paris"
        assert answer.exchange.usage == Usage(input_tokens=7, output_tokens=2)

    def test_a_stream_that_ends_politely_without_its_finish_is_a_failure_too(self):
        answer, _ = _ask(_script(_sse({"t": "Par"})), request=STREAM, policy=RetryPolicy(max_attempts=1))
        assert answer.reply is None
        assert answer.exchange.failure.kind is FailureClass.TRANSIENT
        assert answer.exchange.usage.source == "estimated"

    def test_a_connection_that_dies_after_the_finish_costs_nothing(self):
        answer, requests = _ask(_script(_cut({"t": "Paris", "end": True, "in": 7, "out": 2})), request=STREAM)
        assert answer.reply.text == "Paris"
        assert len(requests) == 1

    def test_an_error_inside_a_stream_is_classified_and_tried_again(self):
        answer, _ = _ask(
            _script(_sse({"t": "P"}, {"error": {"type": "overloaded_error", "message": "busy"}}), SAID), request=STREAM
        )
        assert [a.failure.kind if a.failure else None for a in answer.exchange.attempts] == [FailureClass.TRANSIENT, None]

    def test_a_malformed_event_is_malformed(self):
        bad = sse_head() + chunk(b"data: {nonsense\n\n") + chunk(b"")
        answer, _ = _ask(_script(bad), request=STREAM, policy=RetryPolicy(max_attempts=1))
        assert answer.exchange.failure.kind is FailureClass.MALFORMED

    def test_a_stream_given_up_for_its_contents_is_closed_at_once(self):
        async def babble(_request, writer):
            writer.write(sse_head() + chunk(b"data: {nonsense\n\n"))
            await asyncio.sleep(30)

        async def main():
            async with RawServer(babble) as server, Transport() as transport:
                endpoint = Endpoint(provider="tiny", dialect="tiny", base_url=server.url)
                variant, once = Variant(provider="tiny", model="m"), RetryPolicy(max_attempts=1)
                provider = HttpProvider(variant, endpoint, TINY, transport, policy=once)
                answer = await provider.answer(Call(request=STREAM))
                await asyncio.wait_for(server.gone.wait(), 0.5)
                return answer.exchange.failure.kind

        assert asyncio.run(main()) is FailureClass.MALFORMED


class TestRetries:
    def test_a_server_error_is_tried_again_on_the_same_key_after_a_back_off_that_is_not_latency(self):
        naps = _Naps()
        answer, requests = _ask(_script(json_reply(b"{}", 500), json_reply(b"{}", 503), SAID), keys=["k1", "k2"], naps=naps)
        assert [a.key for a in answer.exchange.attempts] == ["#1", "#1", "#1"]
        assert naps.taken == [0.0005, 0.001] == [a.backoff_s for a in answer.exchange.attempts[1:]]
        assert len(requests) == 3

    def test_a_caller_fault_is_not_tried_again(self):
        answer, requests = _ask(_script(json_reply(b'{"error":{"message":"bad field"}}', 400)))
        assert answer.reply is None
        assert answer.exchange.failure.kind is FailureClass.CLIENT_FAULT
        assert answer.exchange.usage is None
        assert len(requests) == 1

    def test_attempts_are_bounded(self):
        answer, requests = _ask(_script(json_reply(b"{}", 500)), policy=RetryPolicy(max_attempts=3))
        assert len(requests) == 3 == len(answer.exchange.attempts)

    @pytest.mark.parametrize("headers", [{"retry-after": "2"}, {"retry-after-ms": "2000"}])
    def test_retry_after_is_a_floor(self, headers):
        naps = _Naps()
        _ask(_script(json_reply(b"{}", 429, headers), SAID), naps=naps)
        assert naps.taken == [2.0]

    def test_retry_after_as_a_date_is_measured_by_the_servers_own_clock(self):
        naps = _Naps()
        headers = {"date": "Wed, 21 Oct 2026 07:28:00 GMT", "retry-after": "Wed, 21 Oct 2026 07:28:03 GMT"}
        _ask(_script(json_reply(b"{}", 503, headers), SAID), naps=naps)
        assert naps.taken == [3.0]

    def test_a_provider_that_asks_for_more_patience_than_we_have_is_not_hammered(self):
        answer, requests = _ask(_script(json_reply(b"{}", 429, {"retry-after": "600"}), SAID))
        assert answer.exchange.failure.retry_after_s == 600
        assert len(requests) == 1

    @pytest.mark.parametrize("status, word, tries", [(500, "false", 1), (409, "true", 4), (500, "nonsense", 4)])
    def test_the_servers_own_word_on_retrying_is_heard(self, status, word, tries):
        _, requests = _ask(_script(json_reply(b"{}", status, {"x-should-retry": word})))
        assert len(requests) == tries

    def test_every_attempt_is_told_with_its_headers(self):
        seen = []
        _ask(
            _script(json_reply(b"{}", 429, {"X-RateLimit-Remaining-Requests": "0"}), SAID),
            on_attempt=lambda failure, headers: seen.append(
                (failure.kind if failure else None, headers.get("x-ratelimit-remaining-requests"))
            ),
        )
        assert seen == [(FailureClass.RATE_LIMIT, "0"), (None, None)]

    def test_an_html_answer_is_malformed_and_tried_again(self):
        answer, _ = _ask(_script(html(b"<h1>Sign in</h1>"), SAID))
        assert answer.exchange.attempts[0].failure.kind is FailureClass.MALFORMED
        assert answer.reply.text == "Paris"

    def test_a_timeout_is_an_answer_not_an_exception(self):
        async def hang(_request, _writer):
            await asyncio.sleep(5)

        answer, _ = _ask(hang, timeouts=Timeouts(first_token_s=0.05), policy=RetryPolicy(max_attempts=2))
        assert [a.failure.kind for a in answer.exchange.attempts] == [FailureClass.TIMEOUT] * 2
        assert answer.exchange.latency_s is None

    def test_no_try_begins_after_the_total(self):
        clock = FakeClock(1000.0)

        async def slow(_request, writer):
            clock.advance(50)
            writer.write(json_reply(b"{}", 500))

        answer, _ = _ask(slow, clock=clock, policy=RetryPolicy(total_s=120, base_s=0.001, max_attempts=9))
        assert len(answer.exchange.attempts) == 3

    def test_sleeping_is_real_by_default(self):
        async def main():
            loop = asyncio.get_running_loop()
            async with (
                RawServer(_script(json_reply(b"{}", 429, {"retry-after-ms": "80"}), SAID)) as server,
                Transport() as transport,
            ):
                endpoint = Endpoint(provider="tiny", dialect="tiny", base_url=server.url)
                provider = HttpProvider(Variant(provider="tiny", model="m"), endpoint, TINY, transport)
                began = loop.time()
                answer = await provider.answer(Call(request=ASK))
                return loop.time() - began, answer.exchange

        took_s, exchange = asyncio.run(main())
        assert took_s >= 0.08
        assert exchange.latency_s < 0.07


class TestKeys:
    def test_a_limited_key_gives_way_to_the_next_at_once(self):
        naps = _Naps()
        answer, requests = _ask(_script(json_reply(b"{}", 429, {"retry-after": "600"}), SAID), keys=["k1", "k2"], naps=naps)
        assert [a.key for a in answer.exchange.attempts] == ["#1", "#2"]
        assert [r.headers["x-tiny-key"] for r in requests] == ["k1", "k2"]
        assert naps.taken == []
        assert answer.reply.text == "Paris"

    def test_the_next_call_stays_with_the_key_that_worked(self):
        _, requests = _ask(_script(json_reply(b"{}", 429), SAID), keys=["k1", "k2"], calls=2)
        assert [r.headers["x-tiny-key"] for r in requests] == ["k1", "k2", "k2"]

    @pytest.mark.parametrize("status, body", [(401, b"{}"), (429, b'{"error":{"code":"insufficient_quota"}}')])
    def test_a_refused_or_spent_key_is_benched(self, status, body):
        _, requests = _ask(_script(json_reply(body, status), SAID), keys=["k1", "k2"], calls=2)
        assert [r.headers["x-tiny-key"] for r in requests] == ["k1", "k2", "k2"]

    def test_when_every_key_is_refused_the_providers_word_is_returned(self):
        answer, requests = _ask(_script(json_reply(b"{}", 401)), keys=["k1", "k2"])
        assert answer.exchange.failure.kind is FailureClass.AUTH
        assert len(requests) == 2

    def test_a_provider_that_quotes_the_key_does_not_get_it_into_our_records(self):
        said = b'{"error":{"message":"Incorrect key: zz-my-odd-key-value"}}'
        answer, _ = _ask(_script(json_reply(said, 401)), keys=["zz-my-odd-key-value"])
        assert "odd-key" not in repr(answer)
        assert "Incorrect key" in answer.exchange.failure.message


class TestCancelling:
    @pytest.mark.parametrize("request_", [ASK, STREAM])
    def test_closes_the_upstream_connection_within_half_a_second(self, request_):
        async def hang(_request, writer):
            if request_.stream:
                writer.write(_sse({"t": "Par"}, end=False))
            await asyncio.sleep(30)

        async def main():
            async with RawServer(hang) as server, Transport() as transport:
                endpoint = Endpoint(provider="tiny", dialect="tiny", base_url=server.url)
                provider = HttpProvider(Variant(provider="tiny", model="m"), endpoint, TINY, transport)
                task = asyncio.ensure_future(provider.answer(Call(request=request_)))
                await asyncio.sleep(0.05)
                task.cancel()
                await asyncio.wait_for(server.gone.wait(), 0.5)
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.sleep(0.05)
                return len(server.requests)

        assert asyncio.run(main()) == 1
