"""`reference/gateway.md`: paths, headers and the access log of `pointsman serve`, from the tables its code uses."""

from __future__ import annotations

from generator.markdown import code, page, table
from pointsman.app.admin_paths import ADMIN_PATHS
from pointsman.gateway.header_names import REPLY_HEADERS, REQUEST_HEADERS
from pointsman.telemetry.access_log import FIELDS

__all__ = ["PATHS", "pages"]

_HOW = (
    "What clients of [`pointsman serve`](cli.md#pointsman-serve) and the people who run it see. "
    "Keys of the configuration are in [pointsman.yaml](pointsman-yaml.md)."
)
PATHS = (
    ("`POST /v1/chat/completions`", "OpenAI Chat Completions"),
    ("`POST /v1/responses`", "OpenAI Responses"),
    ("`POST /v1/embeddings`", "OpenAI embeddings"),
    ("`POST /v1/messages`, `/v1/messages/count_tokens`", "Anthropic Messages"),
    ("`POST /v1beta/models/NAME:generateContent`, `:streamGenerateContent`, `:countTokens`", "Gemini; also under `/v1/`"),
    ("`GET /v1/models`, `/v1beta/models`", "the routes this key may call; with a name behind it (`/v1/models/chat`), that one"),
    ("`GET /health`", "200 as long as the process answers; no key needed"),
    ("`GET /ready`", "200 while requests are welcome, 503 while it drains; no key needed"),
)
_DOCUMENTED = "As OpenAPI documents: [the data plane](openapi.json), [the admin listener](openapi-admin.json)."


def pages() -> dict[str, str]:
    """The page, by its path below `reference`."""
    admin = [(code(f"{method} {path}"), said) for path, methods in ADMIN_PATHS.items() for method, said in methods.items()]
    log = [(code(name), meaning) for name, (meaning, _) in FIELDS.items()]
    return {
        "gateway.md": page(
            "Gateway", _HOW,
            "## Paths", table(("path", "answers"), PATHS), _DOCUMENTED,
            "## The admin listener's paths\n\nWith the admin key as `Authorization: Bearer …`.",
            table(("path", "answers"), admin),
            "## Reply headers", table(("header", "meaning"), ((code(n), m) for n, m in REPLY_HEADERS.items())),
            "`x-request-id` (Anthropic's protocol: `request-id`) is the provider's where it sent one, otherwise the decision. "
            "The provider's rate-limit and `retry-after` headers are passed on.",
            "## Request headers", table(("header", "meaning"), ((code(n), m) for n, m in REQUEST_HEADERS.items())),
            "Keys are taken as `Authorization: Bearer …`, `x-api-key`, `x-goog-api-key` or `?key=…`, whatever the protocol.",
            "## Access log\n\nWith `gateway.access_log`, one JSON object a line and request, unknown values null:",
            table(("field", "meaning"), log),
        )
    }  # fmt: skip
