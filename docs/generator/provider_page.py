"""`reference/providers.md`: protocols, and the providers we have a row for."""

from __future__ import annotations

import importlib

from generator.markdown import code, page, table
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.local_provider import LOCAL
from pointsman.providers.provider_row import ProviderRow, load_provider, provider_names

__all__ = ["pages"]


def pages() -> dict[str, str]:
    """The page, by its path below `reference`."""
    rows = {name: load_provider(name) for name in provider_names()}
    return {
        "providers.md": page(
            "Providers",
            "A name in the first column needs only its key. Any other server needs a `base_url`: "
            "[self-hosted servers](../how-to/self-hosted-servers.md).",
            table(("provider", "title", "protocol", "key variable", "base URL"), [_row(n, r) for n, r in rows.items()]),
            "## What an address needs",
            table(("provider", "setting", "what", "variable", "default"), [s for n, r in rows.items() for s in _settings(n, r)]),
            "## Where the rows come from",
            "`recordings`: address and key header were seen in recorded traffic; `documentation`: they were looked up there; "
            "`recall`: common knowledge, not looked up.",
            table(("provider", "basis", "checked on", "documentation"), [_source(n, r) for n, r in rows.items()]),
            "## Protocols",
            table(("dialect", "what it is"), [(code(n), _about("providers.dialects", n)) for n in DIALECTS.names()]),
            "## Without a network",
            table(("provider", "what it is"), [(code(n), _about("providers.local", n)) for n in LOCAL.names()]),
        )
    }


def _row(name: str, row: ProviderRow) -> tuple[str, ...]:
    key = " or ".join(code(v) for v in row.key_env) or "none"
    return code(name), row.title, code(row.dialect), key + ("" if row.key_required else " (optional)"), code(row.base_url)


def _settings(name: str, row: ProviderRow) -> list[tuple[str, ...]]:
    return [
        (code(name), code(key), s.what, " or ".join(map(code, s.env)), "" if s.default is None else code(s.default))
        for key, s in row.settings.items()
    ]


def _source(name: str, row: ProviderRow) -> tuple[str, ...]:
    return code(name), row.source.basis, row.source.checked_on or "not looked up", f"<{row.source.url}>"


def _about(package: str, name: str) -> str:
    """The first sentence of a plug-in's module."""
    module = importlib.import_module(f"pointsman.{package}.{name}")
    return " ".join((module.__doc__ or "").split("\n\n")[0].split())
