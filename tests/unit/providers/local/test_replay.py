"""Recorded answers, played back."""

import asyncio
import gzip
import json
import tracemalloc

import pytest

from pointsman.core.chat import ChatRequest, FinishReason, user_says
from pointsman.core.failure import DatasetError, FailureClass
from pointsman.core.variant import Variant
from pointsman.providers.local.replay import ReplayOptions
from pointsman.providers.local_provider import LOCAL
from pointsman.providers.provider import Call
from pointsman.providers.recorded_answer import finish_of, recorded_failure

PLUGIN = LOCAL.load("replay")
VARIANT = Variant(provider="replay", model="maker/model")


@pytest.fixture
def play(tmp_path):
    """Write rows (or raw lines) to a file and ask a provider over it; closes what it opened."""
    providers = []

    def opened(rows, name="answers.jsonl"):
        lines = "".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in rows).encode()
        (tmp_path / name).write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
        provider = PLUGIN.open(ReplayOptions(answers=name), VARIANT, tmp_path, 0)
        providers.append(provider)
        return provider

    yield opened
    for provider in providers:
        asyncio.run(provider.close())


def ask(provider, case_id, repeat=0):
    """One answer."""
    request = ChatRequest(model="m", messages=(user_says("?"),))
    return asyncio.run(provider.answer(Call(request=request, case_id=case_id, repeat=repeat)))


def test_a_whole_record_comes_back_whole(play):
    """Text, usage, times and the provider's own word for the end."""
    row = {
        "case_id": "q1",
        "output": "72",
        "usage": {"input_tokens": 30, "output_tokens": 2},
        "latency_s": 1.25,
        "ttft_s": 0.5,
        "finish_reason": "end_turn",
    }
    answer = ask(play([row]), "q1")
    exchange = answer.exchange
    assert answer.reply.text == "72"
    assert (exchange.latency_s, exchange.ttft_s, exchange.finish) == (1.25, 0.5, FinishReason.STOP)
    assert (exchange.usage.input_tokens, exchange.usage.output_tokens, exchange.served_model) == (30, 2, "maker/model")
    assert answer.reply.choices[0].finish_raw == "end_turn"


def test_what_was_not_recorded_is_unknown(play):
    """No latency is None and not 0; so are usage and first token."""
    exchange = ask(play([{"case_id": "q1", "output": "72"}]), "q1").exchange
    assert (exchange.latency_s, exchange.ttft_s, exchange.usage, exchange.finish) == (None, None, None, FinishReason.UNKNOWN)
    assert exchange.failure is None
    zero = ask(play([{"case_id": "q1", "output": "72", "latency_s": 0}]), "q1").exchange
    assert zero.latency_s == 0.0


def test_lines_of_one_case_are_its_repeats(play):
    """In file order, wherever they stand; a repeat that was not recorded fails instead of reusing another."""
    provider = play([{"case_id": c, "output": f"{c}{i}"} for i in range(3) for c in ("a", "b")])
    assert [ask(provider, "a", i).reply.text for i in range(3)] == ["a0", "a1", "a2"]
    failure = ask(provider, "b", 3).exchange.failure
    assert failure.message == "answers.jsonl has 3 answers for case 'b', none for repeat 3"
    assert not failure.kind.retryable


def test_a_missing_case_names_file_and_case(play):
    """And is classed as something that is not there."""
    answer = ask(play([{"case_id": "a", "output": "x"}]), "nope")
    assert answer.reply is None
    assert answer.exchange.failure.message == "answers.jsonl has no answer for case 'nope'"
    assert answer.exchange.failure.kind is FailureClass.HARD_DOWN


def test_numbers_as_case_ids_are_their_text(play):
    """Test sets often number their cases."""
    assert ask(play([{"case_id": 7, "output": "x"}]), "7").reply.text == "x"


def test_a_null_output_is_an_empty_answer(play):
    """With the reason that was recorded."""
    answer = ask(play([{"case_id": "a", "output": None, "finish_reason": "SAFETY"}]), "a")
    assert (answer.reply.text, answer.reply.finish, answer.exchange.failure) == ("", FinishReason.CONTENT_FILTER, None)


def test_gzip_is_read_as_well(play):
    """Named by its ending."""
    provider = play([{"case_id": str(i), "output": f"é{i}"} for i in range(300)], "a.jsonl.gz")
    assert [ask(provider, str(i)).reply.text for i in (299, 0, 150)] == ["é299", "é0", "é150"]


@pytest.mark.parametrize(
    "line, why",
    [
        ("{not json", "malformed"),
        ("[1]", "array"),
        ('{"output": "x"}', "case_id"),
        ('{"case_id": "a"}', "neither `output` nor `error`"),
        ('{"case_id": "a", "output": 5}', "output"),
        ('{"case_id": "a", "output": "x", "latency_s": -1}', "latency_s"),
        ('{"case_id": "a", "output": "x", "usage": {"input_tokens": "many"}}', "input_tokens"),
    ],
)
def test_a_malformed_line_is_named(play, line, why):
    """With file and line; nothing is played from a file that is not whole."""
    with pytest.raises(DatasetError) as caught:
        play(['{"case_id": "a", "output": "x"}', "", line])
    assert caught.value.line == 3
    assert "answers.jsonl:3: this line is no recorded answer" in caught.value.message
    assert why in caught.value.message


def test_files_that_cannot_be_read_are_dataset_errors(play, tmp_path):
    """Absent, or gzip by name only."""
    with pytest.raises(DatasetError, match="no such file"):
        PLUGIN.open(ReplayOptions(answers="absent.jsonl"), VARIANT, tmp_path, 0)
    (tmp_path / "bad.jsonl.gz").write_bytes(b"plain text")
    with pytest.raises(DatasetError, match="cannot be read"):
        PLUGIN.open(ReplayOptions(answers="bad.jsonl.gz"), VARIANT, tmp_path, 0)


def test_the_source_hash_is_that_of_the_file(play, tmp_path):
    """One changed answer makes another variant."""
    play([{"case_id": "a", "output": "x"}])
    first = PLUGIN.source_hash(ReplayOptions(answers="answers.jsonl"), "m", tmp_path)
    play([{"case_id": "a", "output": "y"}])
    assert PLUGIN.source_hash(ReplayOptions(answers="answers.jsonl"), "m", tmp_path) != first
    assert len(first) == 16


def test_texts_stay_on_disk(play):
    """Twenty megabytes of answers cost less than one of memory."""
    rows = [{"case_id": f"case-{i}", "output": "x" * 10_000} for i in range(2000)]
    tracemalloc.start()
    try:
        lines = [json.dumps(r) for r in rows]
        del rows
        before = tracemalloc.get_traced_memory()[0]
        provider = play(lines)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 1_000_000
    assert len(ask(provider, "case-1999").reply.text) == 10_000


@pytest.mark.parametrize(
    "error, kind",
    [
        ("timeout", FailureClass.TIMEOUT),
        ("rate_limit", FailureClass.RATE_LIMIT),
        ("Rate limit", FailureClass.RATE_LIMIT),
        ("Request timed out.", FailureClass.TIMEOUT),
        ("HTTP 429 Too Many Requests", FailureClass.RATE_LIMIT),
        ("503 Service Unavailable", FailureClass.TRANSIENT),
        ("something odd", FailureClass.TRANSIENT),
        ({"kind": "quota", "message": "out of money"}, FailureClass.QUOTA),
        ({"status": 401, "message": "bad key"}, FailureClass.AUTH),
        ({"type": "rate_limit_error", "message": "slow down"}, FailureClass.RATE_LIMIT),
        ({"error": {"code": "context_length_exceeded", "message": "too long"}}, FailureClass.CONTEXT_TOO_LONG),
        ({"code": 500, "message": "oops"}, FailureClass.TRANSIENT),
    ],
)
def test_recorded_errors_are_classified(play, error, kind):
    """By our own names, by status and code, by words."""
    assert recorded_failure(error).kind is kind
    answer = ask(play([{"case_id": "a", "output": None, "error": error}]), "a")
    assert answer.reply is None
    assert answer.exchange.failure.kind is kind


@pytest.mark.parametrize(
    "words, reason",
    [
        (("stop", "STOP", "end_turn", "completed", "eos"), FinishReason.STOP),
        (("length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "incomplete"), FinishReason.LENGTH),
        (("tool_calls", "tool_use", "function_call"), FinishReason.TOOL_CALLS),
        (("stop_sequence",), FinishReason.STOP_SEQUENCE),
        (("content_filter", "SAFETY", "RECITATION", "PROHIBITED_CONTENT"), FinishReason.CONTENT_FILTER),
        (("refusal",), FinishReason.REFUSAL),
        (("pause_turn",), FinishReason.PAUSE),
        (("failed", "MALFORMED_FUNCTION_CALL"), FinishReason.ERROR),
        ((None, "", "whatever"), FinishReason.UNKNOWN),
    ],
)
def test_every_protocols_word_for_the_end_is_known(words, reason):
    """OpenAI's, Anthropic's, Gemini's, Ollama's."""
    assert {finish_of(w) for w in words} == {reason}
