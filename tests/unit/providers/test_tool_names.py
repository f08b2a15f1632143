"""Names of tools that a protocol refuses go out in one it takes and come back as the client's own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.chat import (
    ChatReply,
    ChatRequest,
    Choice,
    FinishReason,
    Message,
    Tool,
    ToolCall,
    ToolCallStarted,
    ToolChoice,
    ToolResult,
    user_says,
)
from pointsman.providers.tool_names import restored, restored_delta, taken_names, with_names

LONG = "mcp__knowledge_base_of_the_whole_company__" + "search_documents_by_meaning_and_date"
LIMITS = {
    "openai_chat": r"[a-zA-Z0-9_-]{1,64}",
    "openai_responses": r"[a-zA-Z0-9_-]{1,64}",
    "anthropic_messages": r"[a-zA-Z0-9_-]{1,128}",
    "gemini": r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}",
}


def asking(name: str) -> ChatRequest:
    """A turn in which the tool was called, with its result."""
    call = Message(role="assistant", parts=(ToolCall(id="a", name=name, arguments="{}"),))
    result = Message(role="tool", parts=(ToolResult(call_id="a", name=name),))
    choice = ToolChoice("named", (name,))
    return ChatRequest(model="m", messages=(user_says("x"), call, result), tools=(Tool(name=name),), tool_choice=choice)


def test_a_long_name_is_another_everywhere_in_the_request() -> None:
    """In the tool, the choice, the call and its result alike."""
    names = taken_names(asking(LONG), "openai_chat")
    asked = with_names(asking(LONG), names)
    (short,) = names.values()
    assert asked == asking(short)
    assert len(short) <= 64


def test_the_answer_has_the_clients_own_name() -> None:
    """Told whole and as a stream; other names are left alone."""
    names = taken_names(asking(LONG), "openai_chat")
    calls = tuple(ToolCall(id=n, name=n, arguments="{}") for n in (*names.values(), "other"))
    reply = restored(ChatReply(choices=(Choice(parts=calls, finish=FinishReason.TOOL_CALLS),)), names)
    assert [c.name for c in reply.tool_calls] == [LONG, "other"]
    for call, own in zip(calls, (LONG, "other"), strict=True):
        started = restored_delta(ToolCallStarted(index=0, id="a", name=call.name), names)
        assert isinstance(started, ToolCallStarted)
        assert started.name == own


def test_names_that_begin_alike_stay_apart() -> None:
    """What tells them apart may be what was cut off."""
    one, other = LONG + "_1", LONG + "_2"
    assert taken_names(asking(one), "gemini")[one] != taken_names(asking(other), "gemini")[other]


@pytest.mark.parametrize("dialect", LIMITS)
@given(name=st.text(min_size=1, max_size=200))
def test_every_name_becomes_one_the_protocol_takes(dialect: str, name: str) -> None:
    """And only those it refuses become another."""
    names = taken_names(asking(name), dialect)
    fits = re.fullmatch(LIMITS[dialect], name) is not None
    assert bool(names) is not fits
    assert all(re.fullmatch(LIMITS[dialect], short) for short in names.values())


def test_a_protocol_without_a_known_limit_keeps_all_names() -> None:
    """Ollama's servers document none."""
    assert taken_names(asking(LONG), "ollama") == {}
