"""From deltas to a reply, and back."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    ChatReply,
    Choice,
    FinishReason,
    Image,
    Media,
    PartDelta,
    Reasoning,
    ReasoningDelta,
    Refusal,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from pointsman.core.usage import Usage
from pointsman.providers.assemble import assemble, deltas_of, merge_usage

CITED = msgspec.Raw(b'[{"url":"u"}]')


def test_a_reply_is_the_same_after_being_a_stream() -> None:
    """Every kind of part, two choices, usage and finish reasons."""
    parts = (
        Reasoning(text="a", signature="s"),
        Reasoning(text="b"),
        Text(text="one"),
        Image(media=Media(url="u")),
        Text(text="two"),
        ToolCall(id="1", name="f", arguments="{}"),
        ToolCall(id="2", name="g", arguments='{"x": [1]}'),
    )
    reply = ChatReply(
        id="i",
        model="m",
        created_s=1.0,
        choices=(
            Choice(parts=parts, finish=FinishReason.TOOL_CALLS, finish_raw="raw"),
            Choice(parts=(Refusal(text="no"),), finish=FinishReason.REFUSAL, stop_sequence="X"),
        ),
        usage=Usage(input_tokens=1, output_tokens=0),
    )
    assert assemble(deltas_of(reply)) == reply


def test_what_is_said_of_a_text_after_it_belongs_to_it() -> None:
    """An empty text with citations or a signature completes the text before it; what follows is a new one."""
    reply = assemble([TextDelta("a"), TextDelta("b"), PartDelta(Text(text="", citations=CITED)), TextDelta("c")])
    assert reply.choices[0].parts == (Text(text="ab", citations=CITED), Text(text="c"))


def test_arguments_of_a_call_that_never_began_have_no_place() -> None:
    """They are dropped; the choice is there all the same."""
    assert assemble([TextDelta("a"), ToolCallDelta(index=3, arguments="{}")]).choices[0].parts == (Text(text="a"),)


def test_a_closed_thought_is_followed_by_a_new_one() -> None:
    """Blocks stay apart."""
    reply = assemble([ReasoningDelta(text="a"), ReasoningDelta(text="b", closes=True), ReasoningDelta(text="c")])
    assert reply.choices[0].parts == (Reasoning(text="ab"), Reasoning(text="c"))


def test_usage_is_replaced_field_by_field_and_never_added() -> None:
    """Absent keeps the old count, 0 replaces it."""
    old = Usage(input_tokens=10, output_tokens=1, reasoning_tokens=4)
    assert merge_usage(old, Usage(output_tokens=7, reasoning_tokens=0)) == Usage(
        input_tokens=10, output_tokens=7, reasoning_tokens=0
    )
