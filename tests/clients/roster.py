"""The clients: where each lives, what it calls its errors and its ends, and what it cannot do whatever the gateway does."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

__all__ = ["CLIENTS", "Client", "Wanted"]


class Wanted(msgspec.Struct, frozen=True):
    """An error as the SDK must raise it."""

    kind: str
    """`package.Class`; the class raised may be a subclass of it."""
    status: tuple[int, ...] | None = None
    """The status its caller reads from it; None where the class says it all."""
    silent: bool = False
    """The SDK does not pass on what the server said."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """One way an application talks."""

    name: str
    speaks: str
    """The protocol, as the gateway calls it."""
    home: str
    """The environment its packages live in: `clients`, `clients-held-back` or `js`."""
    module: str
    packages: tuple[str, ...]
    """Whose versions the table tells."""
    options: Mapping[str, str] = {}
    errors: Mapping[str, Wanted]
    finish: Mapping[str, tuple[str | None, ...]]
    usage_untold: frozenset[str] = frozenset()
    """Counts its callers cannot see."""
    sends_no_call_ids: bool = False
    """It pairs calls and results by name alone, though it was given ids."""
    never: str | None = None
    """Why nothing at all can be asked of it, with any server."""
    rewrites: Mapping[str, str] = {}
    """Case: what of it the client sends otherwise than it was told, to any server. The rest of the case is judged."""
    unsupported: Mapping[str, str] = {}
    """Case: why it cannot be asked of this client, with any server."""


_OPENAI = {
    "auth": Wanted("openai.AuthenticationError", (401,)),
    "not_found": Wanted("openai.NotFoundError", (404,)),
    "rate_limit": Wanted("openai.RateLimitError", (429,)),
    "overloaded": Wanted("openai.InternalServerError", (503, 529)),
    "too_long": Wanted("openai.BadRequestError", (400,)),
    "mid_stream": Wanted("openai.APIError"),
}
_ANTHROPIC = {
    "auth": Wanted("anthropic.AuthenticationError", (401,)),
    "not_found": Wanted("anthropic.NotFoundError", (404,)),
    "rate_limit": Wanted("anthropic.RateLimitError", (429,)),
    "overloaded": Wanted("anthropic.InternalServerError", (503, 529)),
    "too_long": Wanted("anthropic.BadRequestError", (400,)),
    "mid_stream": Wanted("anthropic.APIStatusError"),
}
_GOOGLE = {
    "auth": Wanted("genai.ClientError", (401,)),
    "not_found": Wanted("genai.ClientError", (404,)),
    "rate_limit": Wanted("genai.ClientError", (429,)),
    "overloaded": Wanted("genai.ServerError", (503,)),
    "too_long": Wanted("genai.ClientError", (400,)),
    "mid_stream": Wanted("genai.APIError"),
}
_LANGCHAIN_GOOGLE = {
    "auth": Wanted("langchain_google_genai.GoogleAuthenticationError"),
    "not_found": Wanted("langchain_google_genai.GoogleModelNotFoundError"),
    "rate_limit": Wanted("langchain_google_genai.GoogleRateLimitError"),
    "overloaded": Wanted("genai.ServerError", (503,)),
    "too_long": Wanted("langchain_google_genai.GoogleInvalidRequestError"),
    "mid_stream": Wanted("genai.APIError"),
}
_CHAT_ENDS = {"stop": ("stop",), "tools": ("tool_calls",), "length": ("length",)}
_RESPONSE_ENDS = {"stop": ("completed",), "tools": ("completed",), "length": ("incomplete",)}
_MESSAGE_ENDS = {"stop": ("end_turn",), "tools": ("tool_use",), "length": ("max_tokens",)}
_GEMINI_ENDS = {"stop": ("STOP",), "tools": ("STOP",), "length": ("MAX_TOKENS",)}

_OPENAI_JS = {kind: Wanted(w.kind.replace("openai.", "js."), w.status) for kind, w in _OPENAI.items()}
_AI_SDK = {kind: Wanted("js.AI_APICallError", w.status) for kind, w in _OPENAI.items()} | {
    "mid_stream": Wanted("js.AI_StreamProviderError")
}
_AI_SDK_ENDS = {"stop": ("stop",), "tools": ("tool-calls",), "length": ("length",)}

CLIENTS: tuple[Client, ...] = (
    Client(
        name="openai (Python), Chat Completions",
        speaks="openai_chat",
        home="clients",
        module="openai_chat",
        packages=("openai",),
        errors=_OPENAI,
        finish=_CHAT_ENDS,
    ),
    Client(
        name="openai (Python), Responses",
        speaks="openai_responses",
        home="clients",
        module="openai_responses",
        packages=("openai",),
        errors=_OPENAI | {"mid_stream": Wanted("response.failed")},
        finish=_RESPONSE_ENDS,
    ),
    Client(
        name="anthropic (Python)",
        speaks="anthropic_messages",
        home="clients",
        module="anthropic_messages",
        packages=("anthropic",),
        errors=_ANTHROPIC,
        finish=_MESSAGE_ENDS,
    ),
    Client(
        name="google-genai (Python)",
        speaks="gemini",
        home="clients",
        module="google_genai",
        packages=("google-genai",),
        errors=_GOOGLE,
        finish=_GEMINI_ENDS,
    ),
    Client(
        name="LangChain ChatOpenAI, Chat Completions",
        speaks="openai_chat",
        home="clients",
        module="langchain_chat",
        options={"speaks": "chat"},
        packages=("langchain-openai", "langchain-core"),
        errors=_OPENAI,
        finish=_CHAT_ENDS,
    ),
    Client(
        name="LangChain ChatOpenAI, Responses",
        speaks="openai_responses",
        home="clients",
        module="langchain_chat",
        options={"speaks": "responses"},
        packages=("langchain-openai", "langchain-core"),
        errors=_OPENAI | {"mid_stream": Wanted("builtins.ValueError")},
        finish=_RESPONSE_ENDS,
    ),
    Client(
        name="LangChain ChatAnthropic",
        speaks="anthropic_messages",
        home="clients",
        module="langchain_chat",
        options={"speaks": "anthropic"},
        packages=("langchain-anthropic", "langchain-core"),
        errors=_ANTHROPIC,
        finish=_MESSAGE_ENDS,
    ),
    Client(
        name="LangChain ChatGoogleGenerativeAI",
        speaks="gemini",
        home="clients-held-back",
        module="langchain_chat",
        options={"speaks": "gemini"},
        packages=("langchain-google-genai", "langchain-core", "google-genai"),
        errors=_LANGCHAIN_GOOGLE,
        finish=_GEMINI_ENDS,
        sends_no_call_ids=True,
        unsupported={"image address": "it fetches the picture itself and sends its bytes"},
    ),
    Client(
        name="openai (JavaScript), Chat Completions",
        speaks="openai_chat",
        home="js",
        module="openai_chat",
        packages=("openai",),
        errors=_OPENAI_JS,
        finish=_CHAT_ENDS,
    ),
    Client(
        name="openai (JavaScript), Responses",
        speaks="openai_responses",
        home="js",
        module="openai_responses",
        packages=("openai",),
        errors=_OPENAI_JS | {"mid_stream": Wanted("response.failed")},
        finish=_RESPONSE_ENDS,
    ),
    Client(
        name="Vercel AI SDK, OpenAI Chat Completions",
        speaks="openai_chat",
        home="js",
        module="ai_sdk",
        options={"speaks": "chat"},
        packages=("ai", "@ai-sdk/openai"),
        errors=_AI_SDK,
        finish=_AI_SDK_ENDS,
    ),
    Client(
        name="Vercel AI SDK, OpenAI Responses",
        speaks="openai_responses",
        home="js",
        module="ai_sdk",
        options={"speaks": "responses"},
        packages=("ai", "@ai-sdk/openai"),
        errors=_AI_SDK,
        finish=_AI_SDK_ENDS,
    ),
    Client(
        name="Vercel AI SDK, Anthropic",
        speaks="anthropic_messages",
        home="js",
        module="ai_sdk",
        options={"speaks": "anthropic"},
        packages=("ai", "@ai-sdk/anthropic"),
        errors=_AI_SDK,
        finish=_AI_SDK_ENDS,
    ),
    Client(
        name="Vercel AI SDK, Google",
        speaks="gemini",
        home="js",
        module="ai_sdk",
        options={"speaks": "gemini"},
        packages=("ai", "@ai-sdk/google"),
        errors=_AI_SDK,
        finish=_AI_SDK_ENDS,
        unsupported={"image address": "it fetches the picture itself and sends its bytes"},
    ),
    Client(
        name="LlamaIndex OpenAILike",
        speaks="openai_chat",
        home="clients-held-back",
        module="llama_index_chat",
        options={"speaks": "chat"},
        packages=("llama-index-llms-openai-like", "llama-index-core", "openai"),
        errors=_OPENAI,
        finish=_CHAT_ENDS,
    ),
    Client(
        name="LlamaIndex OpenAILikeResponses",
        speaks="openai_responses",
        home="clients-held-back",
        module="llama_index_chat",
        options={"speaks": "responses"},
        packages=("llama-index-llms-openai-like", "llama-index-core", "openai"),
        errors=_OPENAI | {"mid_stream": Wanted("response.failed")},
        rewrites={"structured": "temperature and limit are left out"},
        finish=_RESPONSE_ENDS,
    ),
    Client(
        name="LlamaIndex Anthropic",
        speaks="anthropic_messages",
        home="clients-held-back",
        module="llama_index_chat",
        options={"speaks": "anthropic"},
        packages=("llama-index-llms-anthropic", "llama-index-core", "anthropic"),
        errors=_ANTHROPIC,
        never="with the `anthropic` release that its own package asks for, it ends in a TypeError before it sends anything",
        finish=_MESSAGE_ENDS,
    ),
    Client(
        name="LlamaIndex GoogleGenAI",
        speaks="gemini",
        home="clients-held-back",
        module="llama_index_chat",
        options={"speaks": "gemini"},
        packages=("llama-index-llms-google-genai", "llama-index-core", "google-genai"),
        errors=_GOOGLE,
        finish=_GEMINI_ENDS,
        rewrites={"structured": "the system prompt is sent as a user's turn"},
        unsupported={
            "cut at max_tokens": "it raises an error of its own for every answer that reached its limit",
            "image address": "it fetches the picture itself and sends its bytes",
        },
    ),
)
