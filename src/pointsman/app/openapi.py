"""Our two HTTP interfaces as OpenAPI documents, made from the tables and shapes the code itself uses.

They are two because they are two listeners, which share paths. What a model answers is its protocol's
own affair, so answers are described as far as they are ours: media types, statuses, errors, headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from pointsman import __version__
from pointsman.app.admin_paths import ADMIN_PATHS
from pointsman.app.live_rollout import COMMANDS
from pointsman.app.migrations_admin import Why
from pointsman.gateway.endpoints import PATHS, Endpoint
from pointsman.gateway.header_names import REPLY_HEADERS
from pointsman.gateway.request_shapes import shape_of
from pointsman.rollout.plan import Plan

__all__ = ["admin_document", "gateway_document"]

Document = dict[str, Any]

_REFS = "#/components/schemas/{name}"
_IN_PATH = re.compile(r"\{(\w+)\}")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_TEXT: Document = {"type": "string"}
_OBJECT: Document = {"type": "object"}
_KINDS = {
    "chat": "Answer a conversation",
    "count": "Count the tokens of a conversation",
    "embeddings": "Embed texts",
    "models": "The routes this key may call",
    "feedback": "Say how good an answer was",
    "health": "200 as long as the process answers",
    "ready": "200 while requests are welcome, 503 while it drains",
}
_WORDS = {
    "openai_chat": "OpenAI's protocol",
    "openai_responses": "OpenAI's Responses protocol",
    "anthropic_messages": "Anthropic's Messages protocol",
    "gemini": "Gemini's protocol",
}
_FREE = frozenset({"health", "ready"})
_ERRORS: dict[str, Document] = {
    "OpenAIError": _OBJECT
    | {
        "required": ["error"],
        "properties": {
            "error": _OBJECT
            | {
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": _TEXT,
                    "type": _TEXT,
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "null"]},
                },
            }
        },
    },
    "AnthropicError": _OBJECT
    | {
        "required": ["type", "error"],
        "properties": {
            "type": {"const": "error"},
            "error": _OBJECT | {"required": ["type", "message"], "properties": {"type": _TEXT, "message": _TEXT}},
        },
    },
    "GeminiError": _OBJECT
    | {
        "required": ["error"],
        "properties": {
            "error": _OBJECT
            | {
                "required": ["code", "message", "status"],
                "properties": {"code": {"type": "integer"}, "message": _TEXT, "status": _TEXT},
            }
        },
    },
}
_ERROR_OF = {"anthropic_messages": "AnthropicError", "gemini": "GeminiError"}
_KEYS: dict[str, Document] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "x-goog-api-key": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
    "key": {"type": "apiKey", "in": "query", "name": "key"},
}


@cache
def gateway_document() -> Document:
    """What applications talk to."""
    shapes = {kind for endpoint in PATHS.values() if (kind := shape_of(endpoint)) is not None}
    headers = {name: {"description": meaning, "schema": _TEXT} for name, meaning in REPLY_HEADERS.items()}
    document = _document("Pointsman, the data plane", "Keys are needed where `gateway.tenants` is configured.", _shapes(shapes))
    document["components"]["schemas"] |= _ERRORS
    document["components"] |= {"headers": headers, "securitySchemes": _KEYS}
    document["security"] = [{name: []} for name in _KEYS] + [{}]
    document["paths"] = {path: {e.method.lower(): _operation(path, e)} for path, e in PATHS.items()}
    return document


@cache
def admin_document() -> Document:
    """What whoever runs the gateway talks to."""
    document = _document("Pointsman, the admin listener", "With the admin key.", _shapes([Plan, Why]))
    document["components"]["schemas"]["Error"] = _OBJECT | {"required": ["error"], "properties": {"error": _TEXT}}
    document["components"]["securitySchemes"] = {"bearer": _KEYS["bearer"]}
    document["security"] = [{"bearer": []}]
    document["paths"] = {
        path: {method.lower(): _admin_operation(path, method, meaning) for method, meaning in methods.items()}
        for path, methods in ADMIN_PATHS.items()
    }
    return document


def _document(title: str, description: str, schemas: dict[str, Any]) -> Document:
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__, "description": description},
        "components": {"schemas": schemas},
    }


def _shapes(types: Iterable[type[Any]]) -> dict[str, Any]:
    in_order = sorted(types, key=lambda kind: kind.__name__)
    return msgspec.json.schema_components(in_order, ref_template=_REFS)[1]


def _operation(path: str, endpoint: Endpoint) -> Document:
    words = _WORDS[endpoint.dialect]
    found: Document = {
        "operationId": _name(endpoint.method, path),
        "summary": _KINDS[endpoint.kind] + ("" if endpoint.kind in _FREE else f", in {words}"),
        "responses": _answers(path, endpoint),
    }
    if parameters := _parameters(path):
        found["parameters"] = parameters
    if endpoint.kind in _FREE:
        found["security"] = []
    if (shape := shape_of(endpoint)) is not None:
        found["requestBody"] = _body(shape.__name__, required=True)
    return found


def _answers(path: str, endpoint: Endpoint) -> Document:
    content: Document = {"application/json": {"schema": _OBJECT}}
    if endpoint.kind == "chat":
        content["text/event-stream"] = {}
    if path.endswith(":streamGenerateContent"):
        content["application/json"] = {"schema": {"type": ["array", "object"]}}
    said: Document = {"description": "The answer, in the protocol's own form.", "content": content}
    said["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in REPLY_HEADERS}
    shape = _ERROR_OF.get(endpoint.dialect, "OpenAIError")
    error = {"description": "An error, in the protocol's own form.", "content": _json(_REFS.format(name=shape))}
    if endpoint.kind in _FREE:
        return {"200": said, "503": {"description": "It drains.", "content": content}, "4XX": error}
    return {"202" if endpoint.kind == "feedback" else "200": said, "4XX": error, "5XX": error}


def _admin_operation(path: str, method: str, meaning: str) -> Document:
    kind = "text/plain" if path == "/metrics" else "text/html" if path.startswith("/dashboard") else None
    content: Document = {kind: {"schema": _TEXT}} if kind else {"application/json": {"schema": {"type": ["object", "array"]}}}
    error = {"description": "What went wrong.", "content": _json(_REFS.format(name="Error"))}
    status = "201" if (method, path) == ("POST", "/migrations") else "200"
    found: Document = {
        "operationId": _name(method, path),
        "summary": _LINK.sub(r"\1", meaning),
        "responses": {status: {"description": "The answer.", "content": content}, "4XX": error},
    }
    if path == "/dashboard":
        found["security"] = []
    if path == "/ready":
        found["responses"]["503"] = {"description": "Not every worker serves it yet.", "content": content}
    if parameters := _parameters(path):
        found["parameters"] = parameters
    if path.startswith("/migrations") and method == "POST":
        found["requestBody"] = _body("Why", required=False) if "{" in path else _body("Plan", required=True)
    return found


def _parameters(path: str) -> list[Document]:
    known = {"command": {"enum": list(COMMANDS)}}
    return [
        {"name": name, "in": "path", "required": True, "schema": _TEXT | {"minLength": 1} | known.get(name, {})}
        for name in _IN_PATH.findall(path)
    ]


def _body(name: str, *, required: bool) -> Document:
    return {"required": required, "content": _json(_REFS.format(name=name))}


def _json(ref: str) -> Document:
    return {"application/json": {"schema": {"$ref": ref}}}


def _name(method: str, path: str) -> str:
    return re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_")
