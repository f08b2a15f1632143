"""The address and headers of one request, key included."""

from __future__ import annotations

from urllib.parse import quote

from pointsman.core.chat import ChatRequest
from pointsman.providers.dialect import Dialect, HttpRequest
from pointsman.providers.endpoint import Endpoint
from pointsman.providers.provider_row import AuthStyle
from pointsman.providers.secret import Secret

__all__ = ["authorized"]


def authorized(
    endpoint: Endpoint, dialect: Dialect, wire: HttpRequest, request: ChatRequest, key: Secret | None
) -> tuple[str, dict[str, str]]:
    """Where `wire` goes and what it carries. The endpoint's headers win over the dialect's, the key over both.

    The result holds the key in the open: hand it to the transport and to nothing else.
    """
    url = endpoint.url(wire.path, request.model)
    headers = {
        "content-type": "application/json",
        "accept": dialect.stream_content_type if request.stream else "application/json",
        "user-agent": "pointsman",
        **wire.headers,
        **endpoint.headers,
    }
    if key is None or endpoint.auth == "none":
        return url, headers
    if endpoint.auth == "query":
        return f"{url}{'&' if '?' in url else '?'}key={quote(key.reveal(), safe='')}", headers
    headers |= dialect.auth_headers(key.reveal()) if endpoint.auth is None else _header(endpoint.auth, key)
    return url, headers


def _header(style: AuthStyle, key: Secret) -> dict[str, str]:
    return {"authorization": f"Bearer {key.reveal()}"} if style == "bearer" else {style: key.reveal()}
