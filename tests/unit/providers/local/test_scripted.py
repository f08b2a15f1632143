"""The scripted provider in process."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from pointsman.core.chat import ChatRequest, OutputFormat, Tool, ToolChoice, user_says
from pointsman.core.clock import FakeClock
from pointsman.core.failure import ConfigError, FailureClass
from pointsman.core.variant import Variant
from pointsman.providers.local.scripted import ScriptedProvider
from pointsman.providers.local_provider import LOCAL
from pointsman.providers.provider import Call
from pointsman.providers.scripted.script import Drift, Script

VARIANT = Variant(provider="scripted", model="m")
PLUGIN = LOCAL.load("scripted")


def request(**more):
    """A chat of one turn."""
    return ChatRequest(model="m", messages=(user_says("What is 6 × 7?"),), **more)


def ask(provider, **call):
    """One answer."""
    return asyncio.run(provider.answer(Call(**({"request": request(), "case_id": "c"} | call))))


def opened(options, *, base_dir=Path(), seed=0):
    """A provider out of a variant's entry."""
    return PLUGIN.open(msgspec.convert(options, PLUGIN.options), VARIANT, base_dir, seed)


def test_it_answers_with_the_target_and_says_what_it_took():
    """Scripted times are reported although nobody waited."""
    script = {"latency": 2.5, "say": "It is {answer}."}
    answer = ask(opened({"script": script}), request=request(stream=True), target=42)
    assert ask(opened({"script": script}), target=42).exchange.ttft_s is None  # nobody sees a first token of a whole answer
    assert answer.reply.text == "It is 42."
    assert answer.exchange.latency_s == answer.exchange.ttft_s == 2.5
    assert answer.exchange.usage.input_tokens == 4
    assert answer.exchange.usage.output_tokens == 3
    assert answer.exchange.variant == VARIANT.hash


def test_failures_are_answers_without_a_reply():
    """With their class; a timeout lasts as long as the script says callers wait."""
    late = ask(opened({"script": {"timeout": 1, "timeout_after_s": 12}}))
    assert late.reply is None
    assert late.exchange.failure.kind is FailureClass.TIMEOUT
    assert late.exchange.attempts[0].duration_s == 12
    assert late.exchange.latency_s is None
    limited = ask(opened({"script": {"error": {"rate_limit": 1}}}))
    assert limited.exchange.failure.kind is FailureClass.RATE_LIMIT


def test_it_waits_when_told_to():
    """The option `sleep` spends the scripted time."""
    provider = opened({"script": {"latency": 0.05}, "sleep": True})

    async def timed():
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await provider.answer(Call(request=request(), case_id="c"))
        return loop.time() - begin

    assert asyncio.run(timed()) >= 0.045


def test_it_drifts_with_the_requests_and_with_the_clock():
    """The thousandth request may meet a worse model than the first; so may the one an hour later."""
    worse = Script(drift=(Drift(what="quality", shape="step", at_request=3, to=0.0),))
    provider = ScriptedProvider(worse, VARIANT, seed=1)
    assert [ask(provider, target="7").reply.text == "7" for _ in range(5)] == [True, True, True, False, False]
    clock = FakeClock()
    provider = ScriptedProvider(
        Script(drift=(Drift(what="quality", shape="step", at_s=60, to=0.0),)), VARIANT, seed=1, clock=clock
    )
    before = ask(provider, target="7").reply.text
    clock.advance(61)
    assert (before, ask(provider, target="7").reply.text == "7") == ("7", False)


def test_tools_and_formats_of_the_request_are_served():
    """A question without a known target gets what the request asks for."""
    schema = msgspec.Raw(b'{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}')
    tools = (Tool(name="lookup", parameters=schema),)
    called = ask(opened({"script": {"tool_calls": 2}}), request=request(tools=tools)).reply
    assert [c.name for c in called.tool_calls] == ["lookup", "lookup"]
    assert all(isinstance(msgspec.json.decode(c.arguments)["n"], int) for c in called.tool_calls)
    single = ask(opened({"script": {"tool_calls": 2}}), request=request(tools=tools, parallel_tool_calls=False)).reply
    assert len(single.tool_calls) == 1
    none = ask(opened({}), request=request(tools=tools, tool_choice=ToolChoice("none"))).reply
    assert not none.tool_calls
    formed = ask(opened({}), request=request(output=OutputFormat(kind="json_schema", schema=schema))).reply
    assert isinstance(msgspec.json.decode(formed.text)["n"], int)


def test_the_output_limit_cuts_and_says_so():
    """And usage counts what was said."""
    answer = ask(opened({"script": {"output_tokens": 50}}), request=request(max_output_tokens=5))
    assert answer.exchange.finish == "length"
    assert answer.exchange.usage.output_tokens == 5


def test_variants_of_one_seed_differ_by_model_alone(tmp_path):
    """A script file serves several models; hash and price come from the model's own script."""
    (tmp_path / "s.yaml").write_text("default: {}\nm: {price: {input_usd_per_million: 1, output_usd_per_million: 2}}\n")
    options = msgspec.convert({"script": "s.yaml"}, PLUGIN.options)
    assert PLUGIN.price(options, "m", tmp_path).output_usd_per_million == 2
    assert PLUGIN.price(options, "other", tmp_path) is None
    assert PLUGIN.source_hash(options, "m", tmp_path) != PLUGIN.source_hash(options, "other", tmp_path)


def test_wrong_options_are_config_errors(tmp_path):
    """A missing file, an unknown key, a wrong script."""
    with pytest.raises(ConfigError, match="no such file"):
        opened({"script": "absent.yaml"}, base_dir=tmp_path)
    with pytest.raises(ConfigError, match="unknown key"):
        opened({"script": {"qualiti": 1}})
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        opened({"scirpt": {}})
