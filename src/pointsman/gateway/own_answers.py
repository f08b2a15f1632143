"""What the gateway answers without asking anybody: its models, its health, an estimate of tokens."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pointsman.core.chat import ChatReply
from pointsman.gateway.snapshot import Snapshot, Tenant
from pointsman.gateway.visit import Visit
from pointsman.providers.estimated_usage import estimated_usage

__all__ = ["count_reply", "health_reply", "models_reply"]

_encode = msgspec.json.Encoder().encode
_METHODS = ["generateContent", "streamGenerateContent", "countTokens"]


def health_reply(snapshot: Snapshot, *, ready: bool) -> bytes:
    """`/health` and `/ready`: both need no key, so they say nothing that a stranger should not know."""
    return _encode({"status": "ok" if ready else "draining", "snapshot": snapshot.id})


def models_reply(
    snapshot: Snapshot, tenant: Tenant, dialect: str, headers: Mapping[bytes, bytes], only: str | None = None
) -> bytes | None:
    """The routes this tenant may call, as its SDK expects models: the list, or (with `only`) the one of that name.

    None if there is no such model for this tenant.
    """
    names = [n for n in snapshot.routes if (tenant.routes is None or n in tenant.routes) and only in (None, n)]
    if only is not None and not names:
        return None
    rows: list[dict[str, object]]
    if dialect == "gemini" or b"x-goog-api-key" in headers:
        rows = [{"name": f"models/{n}", "displayName": n, "supportedGenerationMethods": _METHODS} for n in names]
        return _encode({"models": rows} if only is None else rows[0])
    if b"anthropic-version" in headers:
        rows = [{"type": "model", "id": n, "display_name": n, "created_at": "1970-01-01T00:00:00Z"} for n in names]
        ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
        return _encode({"data": rows, "has_more": False, **ends} if only is None else rows[0])
    rows = [{"id": n, "object": "model", "created": 0, "owned_by": "pointsman"} for n in names]
    return _encode({"object": "list", "data": rows} if only is None else rows[0])


def count_reply(visit: Visit) -> bytes:
    """An estimate of a request's tokens (four characters each), where the provider counts in another protocol or not at all.

    Raises `ProviderError` (client fault) for a request we cannot read.
    """
    body, path = visit.body, visit.path
    if visit.dialect.name == "gemini":
        path = path.replace(":countTokens", ":generateContent")
    elif b'"max_tokens"' not in body:
        body = body.rstrip().removesuffix(b"}") + b',"max_tokens":1}'
    tokens = estimated_usage(visit.dialect.read_request(body, path), ChatReply(choices=())).input_tokens
    return _encode({"totalTokens": tokens} if visit.dialect.name == "gemini" else {"input_tokens": tokens})
