"""A chat in the one form that holds what every protocol can say.

Each dialect reads its wire into these types and writes them back; nothing else in the house knows
a wire format. What a target cannot express is a `Loss`, never a silence.

These types can be encoded (for hashes and logs) but not decoded whole: msgspec reads an optional
`Raw` field only as null. What is stored is stored as `Exchange`s and texts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from pointsman.core.failure import Failure
from pointsman.core.usage import Usage

__all__ = [
    "Audio",
    "CacheMark",
    "ChatReply",
    "ChatRequest",
    "Choice",
    "Delta",
    "Effort",
    "Failed",
    "File",
    "FinishReason",
    "Finished",
    "Image",
    "LogprobsDelta",
    "Loss",
    "Media",
    "Message",
    "Opaque",
    "OutputFormat",
    "Part",
    "PartDelta",
    "Reasoning",
    "ReasoningDelta",
    "ReasoningSpec",
    "Refusal",
    "RefusalDelta",
    "Role",
    "Started",
    "Text",
    "TextDelta",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallStarted",
    "ToolChoice",
    "ToolResult",
    "UsageSeen",
    "Video",
    "user_says",
]

Role = Literal["system", "developer", "user", "assistant", "tool"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class CacheMark(msgspec.Struct, frozen=True, omit_defaults=True):
    """The prompt up to and including the part that carries this mark should be cached."""

    ttl: Literal["5m", "1h"] | None = None
    """Asked life; None leaves it to the provider."""


class Media(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bytes by value, by address, or by a provider's own reference. Exactly one of the last three is set."""

    media_type: str | None = None
    """Such as `image/png`; None if the source did not say."""
    data: str | None = None
    """Base64 text."""
    url: str | None = None
    file_id: str | None = None
    """A reference only the provider that issued it understands."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    cache: CacheMark | None = None
    extra: dict[str, msgspec.Raw] | None = None
    """Fields of this part only one protocol has, as `dialect.field`, kept as they came for targets of that dialect."""


class Text(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="text"):
    text: str
    citations: msgspec.Raw | None = None
    """The provider's annotations of this text, kept as they came."""
    signature: str | None = None
    """Gemini can attach a thought signature to text; it must be sent back unchanged."""


class Image(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="image"):
    media: Media
    detail: str | None = None


class Audio(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="audio"):
    media: Media
    transcript: str | None = None


class Video(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="video"):
    media: Media


class File(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="file"):
    media: Media
    name: str | None = None


class ToolCall(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="tool_call"):
    id: str
    name: str
    arguments: str
    """JSON text as the model wrote it, even where it is broken; `{}` for a call without arguments."""
    signature: str | None = None
    """Opaque proof of thought (Gemini) that must be sent back with this call."""


class ToolResult(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="tool_result"):
    call_id: str
    parts: tuple[Part, ...] = ()
    name: str | None = None
    is_error: bool = False


class Reasoning(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="reasoning"):
    text: str = ""
    """Thoughts or their summary, as far as the provider shows them."""
    signature: str | None = None
    """Opaque proof that must be sent back unchanged (Anthropic `signature`, Gemini `thoughtSignature`)."""
    encrypted: str | None = None
    """Thoughts only their issuer can read (Anthropic `redacted_thinking`, Responses `encrypted_content`)."""
    id: str | None = None
    """Set by protocols that name their thoughts (Responses), empty if a client sent them without it; None by all others."""


class Refusal(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="refusal"):
    text: str


class Opaque(_Part, frozen=True, kw_only=True, omit_defaults=True, tag="opaque"):
    """Something only one protocol has (a hosted search, a code container), kept as it came."""

    dialect: str
    kind: str
    raw: msgspec.Raw


Part = Text | Image | Audio | Video | File | ToolCall | ToolResult | Reasoning | Refusal | Opaque


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One turn. Results of tools stand in messages of role `tool`, as `ToolResult` parts."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None

    @property
    def text(self) -> str:
        """All text parts joined; empty if there is none."""
        return "".join(p.text for p in self.parts if isinstance(p, Text))


def user_says(text: str) -> Message:
    """The commonest message there is."""
    return Message(role="user", parts=(Text(text=text),))


class Tool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A function the model may call, or a hosted tool of one provider (`opaque`)."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw | None = None
    """JSON Schema of the arguments, as given; None for no parameters."""
    strict: bool | None = None
    cache: CacheMark | None = None
    opaque: Opaque | None = None
    extra: dict[str, msgspec.Raw] | None = None
    """Fields of this tool only one protocol has, as `dialect.field`, kept as they came for targets of that dialect."""


class ToolChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    mode: Literal["auto", "none", "required", "named"]
    names: tuple[str, ...] = ()
    """With `named`: the tools that may be called, one in most protocols."""


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: Literal["text", "json", "json_schema"]
    schema: msgspec.Raw | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class ReasoningSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How hard to think. A provider takes an effort, a budget, or neither."""

    effort: Effort | None = None
    budget_tokens: int | None = None
    show: bool | None = None
    """Ask for thoughts or a summary in the reply."""
    summary: str | None = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. None means the caller did not say, and the provider's default applies."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: OutputFormat | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    n: int | None = None
    top_logprobs: int | None = None
    """Ask for log probabilities with this many alternatives per token (0: the chosen token only)."""
    reasoning: ReasoningSpec | None = None
    modalities: tuple[str, ...] = ()
    service_tier: str | None = None
    user: str | None = None
    stream: bool = False
    stream_usage: bool = False
    """The client asked for usage at the end of the stream; we ask upstream either way."""
    extra: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)
    """Top-level fields we have no name for, kept as they came for targets of the same dialect."""
    extra_from: str | None = None
    """The dialect `extra` was read from; None if a caller of ours put it there, and then any target gets it."""


class FinishReason(StrEnum):
    """Why the model stopped, as a closed set; the provider's own word is kept beside it."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    STOP_SEQUENCE = "stop_sequence"
    REFUSAL = "refusal"
    """The model itself declined."""
    CONTENT_FILTER = "content_filter"
    """A filter around the model cut it off."""
    PAUSE = "pause"
    """A hosted tool runs on; send the turn back to go on (Anthropic `pause_turn`)."""
    ERROR = "error"
    UNKNOWN = "unknown"


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    parts: tuple[Part, ...]
    finish: FinishReason
    finish_raw: str | None = None
    stop_sequence: str | None = None
    logprobs: msgspec.Raw | None = None
    """Log probabilities in the form of Chat Completions: tokens under `content`, those of a refusal under `refusal`."""


class ChatReply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One whole answer. `choices` has more than one entry only if the request asked for `n` > 1."""

    id: str | None = None
    model: str | None = None
    """The model that says it answered; it may be a dated version of what was asked."""
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created_s: float | None = None
    extra: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)
    """Fields we have no name for, kept as they came for clients of the same dialect."""
    extra_from: str | None = None
    """The dialect `extra` was read from."""

    @property
    def text(self) -> str:
        """Visible text of the first choice; empty if it has none."""
        parts = self._parts
        if len(parts) == 1 and isinstance(parts[0], Text):
            return parts[0].text
        return "".join(p.text for p in parts if isinstance(p, Text))

    @property
    def refusal(self) -> str | None:
        """The first choice's explicit refusal, if the provider marked one."""
        found = [p.text for p in self._parts if isinstance(p, Refusal)]
        return "".join(found) if found else None

    @property
    def reasoning(self) -> str:
        """Visible thoughts of the first choice."""
        return "".join(p.text for p in self._parts if isinstance(p, Reasoning))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Tool calls of the first choice, in order."""
        return tuple([p for p in self._parts if isinstance(p, ToolCall)])

    @property
    def finish(self) -> FinishReason:
        """Why the first choice ended; `UNKNOWN` if there is no choice."""
        return self.choices[0].finish if self.choices else FinishReason.UNKNOWN

    @property
    def _parts(self) -> tuple[Part, ...]:
        return self.choices[0].parts if self.choices else ()


class Loss(msgspec.Struct, frozen=True):
    """Something of a request or reply that the target's protocol cannot say."""

    field: str
    """Path in our form, such as `top_k` or `messages[2].parts[0]`; of a reply the kind of thing: `reply.text.citations`."""
    why: str


# What a stream says, bit by bit. `choice` counts alternatives, `index` counts tool calls within one choice.


class Started(msgspec.Struct, frozen=True, kw_only=True):
    id: str | None = None
    model: str | None = None
    created_s: float | None = None


class TextDelta(msgspec.Struct, frozen=True):
    text: str
    choice: int = 0


class ReasoningDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More thought; `closes` ends one block, so that what follows is a new `Reasoning` part."""

    text: str = ""
    signature: str | None = None
    encrypted: str | None = None
    id: str | None = None
    choice: int = 0
    closes: bool = False
    extra: dict[str, msgspec.Raw] | None = None
    """As `extra` of the thoughts this becomes."""


class RefusalDelta(msgspec.Struct, frozen=True):
    text: str
    choice: int = 0


class ToolCallStarted(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    id: str
    name: str
    signature: str | None = None
    choice: int = 0
    extra: dict[str, msgspec.Raw] | None = None
    """As `extra` of the call this becomes."""


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More of the JSON text of one call's arguments."""

    index: int
    arguments: str
    choice: int = 0


class PartDelta(msgspec.Struct, frozen=True):
    """A whole part that arrives at once (an image, something opaque)."""

    part: Part
    choice: int = 0


class LogprobsDelta(msgspec.Struct, frozen=True):
    """Log probabilities of the words that come next, in the form `Choice.logprobs` has."""

    logprobs: msgspec.Raw
    choice: int = 0


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    reason: FinishReason
    raw: str | None = None
    stop_sequence: str | None = None
    choice: int = 0


class UsageSeen(msgspec.Struct, frozen=True):
    """The usage so far. A later one replaces an earlier one field by field; counts are never added."""

    usage: Usage


class Failed(msgspec.Struct, frozen=True):
    """The provider reported an error inside the stream; nothing good follows."""

    failure: Failure


Delta = (
    Started
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | PartDelta
    | LogprobsDelta
    | Finished
    | UsageSeen
    | Failed
)
