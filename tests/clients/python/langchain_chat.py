"""LangChain's chat models for OpenAI (both of its protocols), Anthropic and Google."""

from __future__ import annotations

from typing import Any

from driver import Seen
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from ticket import Ticket


class Client:
    """One key's client; `speaks` is `chat`, `responses`, `anthropic` or `gemini`."""

    def __init__(self, base_url: str, key: str, speaks: str) -> None:
        self._base_url, self._key, self._speaks = base_url, key, speaks

    def _model(self, cell: dict[str, Any]) -> Any:
        common = {
            "model": cell["model"],
            "api_key": self._key,
            "max_retries": 0,
            "timeout": 30,
            "temperature": cell["temperature"],
            "max_tokens": cell["max_tokens"],
        }
        if self._speaks == "anthropic":
            from langchain_anthropic import ChatAnthropic

            return ChatAnthropic(base_url=self._base_url, **common)
        if self._speaks == "gemini":
            from langchain_google_genai import ChatGoogleGenerativeAI

            return ChatGoogleGenerativeAI(base_url=self._base_url, **common)
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(
            base_url=f"{self._base_url}/v1", stream_usage=True, use_responses_api=self._speaks == "responses", **common
        )

    def ask(self, cell: dict[str, Any], seen: Seen) -> None:
        reply = self._model(cell).invoke(_messages(cell))
        seen.text, seen.finish = str(reply.text), _finish(reply)
        _used(seen, reply.usage_metadata)

    def stream(self, cell: dict[str, Any], seen: Seen) -> None:
        whole = None
        for chunk in self._model(cell).stream(_messages(cell)):
            seen.piece(str(chunk.text))
            whole = chunk if whole is None else whole + chunk
        if whole is not None:
            seen.finish = _finish(whole)
            _used(seen, whole.usage_metadata)

    def call_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        model, messages = self._model(cell).bind_tools(_tools(cell)), _messages(cell)
        reply = model.invoke(messages)
        _note(reply, seen)
        results = [ToolMessage(cell["results"][c["name"]], tool_call_id=c["id"], name=c["name"]) for c in reply.tool_calls]
        seen.text = str(model.invoke([*messages, reply, *results]).text)

    def stream_tools(self, cell: dict[str, Any], seen: Seen) -> None:
        first, *rest = self._model(cell).bind_tools(_tools(cell)).stream(_messages(cell))
        for chunk in rest:
            first += chunk
        _note(first, seen)

    def structured(self, cell: dict[str, Any], seen: Seen) -> None:
        asking = self._model(cell).with_structured_output(Ticket, method="json_schema")
        seen.parsed = asking.invoke(_messages(cell)).model_dump()


def _messages(cell: dict[str, Any]) -> list[Any]:
    content: Any = cell["question"]
    if "image_url" in cell:
        content = [{"type": "text", "text": content}, {"type": "image", "url": cell["image_url"]}]
    elif "image" in cell:
        content = [{"type": "text", "text": content}, {"type": "image", "base64": cell["image"], "mime_type": "image/png"}]
    system, asked, said = cell["before"]
    return [SystemMessage(system), HumanMessage(asked), AIMessage(said), HumanMessage(content)]


def _tools(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "function", "function": tool} for tool in cell["tools"]]


def _note(reply: Any, seen: Seen) -> None:
    seen.finish = _finish(reply)
    seen.calls = [{"id": c["id"], "name": c["name"], "arguments": c["args"]} for c in reply.tool_calls]


def _finish(reply: Any) -> str | None:
    told = reply.response_metadata
    return told.get("finish_reason") or told.get("stop_reason") or told.get("status")


def _used(seen: Seen, usage: Any) -> None:
    seen.used(
        usage["input_tokens"],
        usage["output_tokens"],
        usage.get("input_token_details", {}).get("cache_read"),
        usage.get("output_token_details", {}).get("reasoning"),
    )
