"""LlamaIndex's models for OpenAI (both of its protocols), Anthropic and Google."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Annotated, Any, Literal

from driver import Seen
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from pydantic import Field, create_model
from ticket import Ticket


class Client:
    """One key's client; `speaks` is `chat`, `responses`, `anthropic` or `gemini`."""

    def __init__(self, base_url: str, key: str, speaks: str) -> None:
        self._base_url, self._key, self._speaks = base_url, key, speaks

    def _model(self, cell: dict[str, Any]) -> Any:
        common = {"model": cell["model"], "api_key": self._key, "temperature": cell["temperature"]}
        if cell["op"] == "stream" and self._speaks == "chat":
            common["additional_kwargs"] = {"stream_options": {"include_usage": True}}
        if self._speaks == "anthropic":
            from llama_index.llms.anthropic import Anthropic
            from llama_index.llms.anthropic.utils import CLAUDE_MODELS

            CLAUDE_MODELS[cell["model"]] = 100_000  # it takes no name that is not in here
            return Anthropic(base_url=self._base_url, max_tokens=cell["max_tokens"], max_retries=0, timeout=30, **common)
        if self._speaks == "gemini":
            from llama_index.llms.google_genai import GoogleGenAI

            return GoogleGenAI(
                max_tokens=cell["max_tokens"],
                context_window=100_000,
                max_retries=0,
                http_options={"base_url": self._base_url, "timeout": 30_000},
                **common,
            )
        from llama_index.llms.openai_like import OpenAILike, OpenAILikeResponses

        known = {"context_window": 100_000, "is_function_calling_model": True, "max_retries": 0, "timeout": 30}
        url = f"{self._base_url}/v1"
        if self._speaks == "responses":
            return OpenAILikeResponses(api_base=url, max_output_tokens=cell["max_tokens"], **known, **common)
        return OpenAILike(api_base=url, max_tokens=cell["max_tokens"], is_chat_model=True, **known, **common)

    def ask(self, cell: dict[str, Any], seen: Seen) -> None:
        reply = self._model(cell).chat(_messages(cell))
        seen.text = reply.message.content
        _note(reply.raw, seen)

    def stream(self, cell: dict[str, Any], seen: Seen) -> None:
        for reply in self._model(cell).stream_chat(_messages(cell)):
            seen.piece(reply.delta)
            _note(reply.raw, seen)

    def call_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        model, tools, messages = self._model(cell), _tools(cell), _messages(cell)
        reply = model.chat_with_tools(tools, chat_history=messages, allow_parallel_tool_calls=True)
        _note(reply.raw, seen)
        self._calls(model, reply, seen)
        results = [
            ChatMessage(
                role="tool", content=cell["results"][c["name"]], additional_kwargs={"tool_call_id": c["id"], "name": c["name"]}
            )
            for c in seen.calls
        ]
        history = [*messages, reply.message, *results]
        seen.text = model.chat_with_tools(tools, chat_history=history, allow_parallel_tool_calls=True).message.content

    def stream_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        model, last = self._model(cell), None
        for reply in model.stream_chat_with_tools(_tools(cell), chat_history=_messages(cell), allow_parallel_tool_calls=True):
            last = reply
            _note(reply.raw, seen)
        self._calls(model, last, seen)

    def structured(self, cell: dict[str, Any], seen: Seen) -> None:
        seen.parsed = self._model(cell).as_structured_llm(Ticket).chat(_messages(cell)).raw.model_dump()

    def _calls(self, model: Any, reply: Any, seen: Seen) -> None:
        calls = model.get_tool_calls_from_response(reply, error_on_no_tool_call=False)
        seen.calls = [{"id": c.tool_id, "name": c.tool_name, "arguments": c.tool_kwargs} for c in calls]


def _note(raw: Any, seen: Seen) -> None:
    """LlamaIndex hands on what the SDK below it gave: the whole, or each piece of a stream."""
    if isinstance(raw, dict):
        raw = SimpleNamespace(**raw)
    choices = getattr(raw, "choices", None) or getattr(raw, "candidates", None)
    ended = choices[0] if choices else getattr(raw, "response", raw)
    word = next((w for n in ("finish_reason", "stop_reason", "status") if (w := _field(ended, n)) is not None), None)
    seen.finish = str(getattr(word, "value", word)) if word is not None else seen.finish
    if word == "failed":  # left to its caller to notice, as by the SDK below it
        seen.error = {"classes": ["response.failed"], "status": None, "message": ended.error.message}
    usage = getattr(getattr(raw, "response", raw), "usage", None) or getattr(raw, "usage_metadata", None)
    if usage is not None:
        _used(usage, seen)


def _used(usage: Any, seen: Seen) -> None:
    names = (
        ("prompt_tokens", "completion_tokens"),
        ("input_tokens", "output_tokens"),
        ("prompt_token_count", "candidates_token_count"),
    )
    read = _field(usage, "prompt_tokens_details") or _field(usage, "input_tokens_details")
    wrote = _field(usage, "completion_tokens_details") or _field(usage, "output_tokens_details")
    given, written = next(
        ((g, w) for a, b in names if (g := _field(usage, a)) is not None and (w := _field(usage, b)) is not None), (None, None)
    )
    thoughts = _field(usage, "thoughts_token_count") or 0
    cached = (_field(usage, "cache_read_input_tokens") or 0) + (_field(usage, "cache_creation_input_tokens") or 0)
    if given is not None and written is not None:
        seen.used(
            given + cached,
            written + thoughts,
            _field(read, "cached_tokens") or cached or _field(usage, "cached_content_token_count"),
            _field(wrote, "reasoning_tokens") or _field(wrote, "thinking_tokens") or thoughts,
        )


def _field(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _messages(cell: dict[str, Any]) -> list[ChatMessage]:
    blocks: list[Any] = [TextBlock(text=cell["question"])]
    if "image_url" in cell:
        blocks.append(ImageBlock(url=cell["image_url"], image_mimetype="image/png"))
    elif "image" in cell:
        blocks.append(ImageBlock(image=base64.b64decode(cell["image"]), image_mimetype="image/png"))
    system, asked, said = cell["before"]
    return [
        ChatMessage(role="system", content=system),
        ChatMessage(role="user", content=asked),
        ChatMessage(role="assistant", content=said),
        ChatMessage(role="user", blocks=blocks),
    ]


def _tools(cell: dict[str, Any]) -> list[FunctionTool]:
    return [
        FunctionTool.from_defaults(fn=lambda **_: "", name=t["name"], description=t["description"], fn_schema=_schema(t))
        for t in cell["tools"]
    ]


def _schema(tool: dict[str, Any]) -> Any:
    """Its arguments as the pydantic model LlamaIndex wants."""
    fields = {
        name: (Annotated[_type(given), Field(description=given["description"])], ...)
        for name, given in tool["parameters"]["properties"].items()
    }
    return create_model(tool["name"], **fields)  # type: ignore[call-overload]  # fields known at run time only


def _type(given: dict[str, Any]) -> Any:
    return Literal[tuple(given["enum"])] if "enum" in given else int
