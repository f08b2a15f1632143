"""Mirroring to a candidate: nobody waits for it, it does nothing twice, and it keeps to its bounds."""

import asyncio
import json
import time
import urllib.request

import msgspec
import pytest

from pointsman.app.orders import RolloutOrder
from pointsman.app.shadow_judge import compare, flaw_of
from pointsman.core.chat import ChatReply, ChatRequest, Choice, FinishReason, OutputFormat, Text, Tool, ToolCall, user_says
from pointsman.gateway.shadow import Shadow, has_effects
from support.gateway import gateway, project_of, variant
from support.scripted_server import scripted_server
from support.serving import until

SLOW = {"quick": {"output_tokens": 4}, "slow": {"output_tokens": 4, "latency": 5}, "dead": {"error": 1.0}}


def mirroring(running, spec, tmp_path, *, judge=compare, left_usd=None):
    """Mirror the route of a running gateway from now on."""
    sides = {"baseline": "old", "candidate": "new"}
    memory = {"memory": str(tmp_path / "notes"), "slots": 1 << 16}
    order = RolloutOrder(migration="m", route="chat", salt="s", weight=0.0, shadow=1.0, **sides, **memory)

    async def begin():
        running.app.shadow = Shadow(judge)
        running.app.shadow.left_usd = {"m": left_usd}
        running.app.shadow.start()
        running.app.snapshot = running.maker.make(spec, (order,))

    asyncio.run_coroutine_threadsafe(begin(), running.loop).result(10)
    return running.app.shadow


@pytest.fixture(scope="module")
def upstream():
    with scripted_server(scripts=SLOW) as server:
        yield server


def config(upstream, candidate):
    variants = {"old": variant(upstream.base_url, model="quick"), "new": variant(upstream.base_url, model=candidate)}
    return {"variants": variants, "routes": {"chat": {"variant": "old"}}}


def ask(running, **more):
    body = {"model": "chat", "messages": [{"role": "user", "content": f"hi {time.perf_counter_ns()}"}], **more}
    sent = urllib.request.Request(f"{running.openai_url}/chat/completions", data=json.dumps(body).encode())
    with urllib.request.urlopen(sent, timeout=20) as answer:
        answer.read()
        return answer.status


@pytest.mark.parametrize("candidate", ["slow", "dead"])
def test_a_slow_or_dead_candidate_is_the_clients_affair_in_no_way(upstream, tmp_path, candidate):
    """Given one that takes five seconds, or fails, every client has its answer long before, and it is the baseline's."""
    spec = config(upstream, candidate)
    with gateway(spec) as running:
        shadow = mirroring(running, project_of(spec), tmp_path)
        began_s = time.monotonic()
        replies = [ask(running) for _ in range(20)]
        assert time.monotonic() - began_s < 4.5
        assert set(replies) == {200}
        if candidate == "dead":
            until(lambda: len(shadow.pairs) >= 10, "pairs come in")
            pairs = shadow.pairs.take(100)
            assert {p.compared.candidate_flaw for p in pairs} == {"no answer"}
            assert {p.compared.baseline_flaw for p in pairs} == {""}


def test_a_job_that_cannot_be_done_is_counted_and_the_next_ones_are_done(upstream, tmp_path):
    """Given a comparison that fails for more jobs than there are workers, mirroring goes on."""
    spec, asked = config(upstream, "quick"), iter(range(1_000))

    def judge(request, baseline, candidate):
        if next(asked) < 20:
            raise RuntimeError("a fault")
        return compare(request, baseline, candidate)

    with gateway(spec) as running:
        shadow = mirroring(running, project_of(spec), tmp_path, judge=judge)
        for _ in range(25):
            ask(running)
        until(lambda: len(shadow.pairs) == 5, "the others are compared")
        assert shadow.skipped == {"fault": 20}


def test_the_queue_is_bounded_and_what_is_too_much_is_counted(upstream, tmp_path):
    """Given a candidate that is far too slow, the queue fills, and the rest is dropped by name."""
    spec = config(upstream, "slow")
    with gateway(spec) as running:
        shadow = mirroring(running, project_of(spec), tmp_path)
        for _ in range(90):
            ask(running)
        until(lambda: shadow.skipped.get("queue full"), "the queue is full")
        assert shadow.skipped["queue full"] <= 90 - 64


def test_nothing_is_mirrored_without_money(upstream, tmp_path):
    """No word on the budget is no budget; a spent one is none either."""
    spec = config(upstream, "quick")
    with gateway(spec) as running:
        shadow = mirroring(running, project_of(spec), tmp_path, left_usd=0.0)
        for _ in range(5):
            ask(running)
        until(lambda: shadow.skipped.get("budget") == 5, "all are refused")
        shadow.left_usd = {}
        ask(running)
        until(lambda: shadow.skipped["budget"] == 6, "so is this one")
        assert len(shadow.pairs) == 0


def test_requests_that_do_something_at_the_provider_are_not_asked_twice(upstream, tmp_path):
    """Given a hosted tool, nothing is mirrored; a function the client runs itself changes nothing by being proposed."""
    spec = config(upstream, "quick")
    with gateway(spec) as running:
        shadow = mirroring(running, project_of(spec), tmp_path)
        function = {"type": "function", "function": {"name": "book", "parameters": {"type": "object"}}}
        ask(running, tools=[function])
        until(lambda: len(shadow.pairs) == 1, "it is mirrored")
        ask(running, web_search_options={})
        until(lambda: shadow.skipped.get("effects") == 1, "it is not")


def test_a_mirrored_stream_is_read_to_its_end(upstream, tmp_path):
    """Both sides' whole texts are compared, although the client's went through unread."""
    spec = config(upstream, "quick")
    with gateway(spec) as running:
        texts = []

        def judge(request, baseline, candidate):
            texts.extend([baseline.text, candidate.text])
            return compare(request, baseline, candidate)

        shadow = mirroring(running, project_of(spec), tmp_path, judge=judge)
        body = {"model": "chat", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
        sent = urllib.request.Request(f"{running.openai_url}/chat/completions", data=json.dumps(body).encode())
        with urllib.request.urlopen(sent, timeout=20) as answer:
            events = [json.loads(e[6:]) for e in answer.read().decode().split("\n\n") if e.startswith("data: {")]
        until(lambda: len(shadow.pairs) == 1, "it is mirrored")
        pair = shadow.pairs.take(1)[0]
        assert texts[0] == "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])
        assert texts[0]
        assert texts[1]
        assert pair.compared.similarity is not None
        assert pair.mirrored.exchange.ttft_s is not None
        assert pair.mirrored.exchange.cost is not None
        assert pair.baseline_cost_usd is not None


def request(**more):
    return ChatRequest(model="m", messages=(user_says("?"),), **more)


def reply(text="fine", *, finish=FinishReason.STOP, parts=None):
    return ChatReply(choices=(Choice(parts=parts or (Text(text=text),), finish=finish),))


SCHEMA = msgspec.Raw(b'{"type": "object", "required": ["a"]}')
CALL = Tool(name="book", parameters=SCHEMA)


@pytest.mark.parametrize(
    "asked, said, flaw",
    [
        (request(), None, "no answer"),
        (request(), ChatReply(choices=()), "no answer"),
        (request(), reply("I'm sorry, but I can't help with that."), "refused"),
        (request(), reply(finish=FinishReason.CONTENT_FILTER), "refused"),
        (request(), reply(finish=FinishReason.LENGTH), "truncated"),
        (request(), reply("  "), "empty"),
        (request(), reply(), ""),
        (request(output=OutputFormat(kind="json")), reply("{}"), ""),
        (request(output=OutputFormat(kind="json")), reply("```json\n{}\n```"), "bad JSON"),
        (request(output=OutputFormat(kind="json_schema", schema=SCHEMA)), reply('{"a": 1}'), ""),
        (request(output=OutputFormat(kind="json_schema", schema=SCHEMA)), reply('{"b": 1}'), "against its schema"),
        (request(output=OutputFormat(kind="json_schema", schema=msgspec.Raw(b"7"))), reply("{}"), ""),
        (request(tools=(CALL,)), reply(parts=(ToolCall(id="1", name="book", arguments='{"a": 1}'),)), ""),
        (request(tools=(CALL,)), reply(parts=(ToolCall(id="1", name="book", arguments="{}"),)), "bad tool call"),
        (request(tools=(CALL,)), reply(parts=(ToolCall(id="1", name="book", arguments="{"),)), "bad tool call"),
        (request(tools=(CALL,)), reply(parts=(ToolCall(id="1", name="rob", arguments='{"a": 1}'),)), "bad tool call"),
    ],
)
def test_what_is_wrong_with_an_answer_on_its_face(asked, said, flaw):
    assert flaw_of(asked, said) == flaw


def test_what_may_have_effects():
    assert not has_effects(request(tools=(CALL,)))
    assert has_effects(request(extra={"previous_response_id": msgspec.Raw(b'"r"')}))


def test_likeness_needs_two_answers():
    assert compare(request(), reply("a b"), reply("a c")).similarity == pytest.approx(0.0)
    assert compare(request(), None, reply("a")).similarity is None
