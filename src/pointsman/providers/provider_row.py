"""What we know about one provider's API: a data file each, read when that provider is first used.

`catalog/data/providers/<name>.toml`. What a file does not say is not known, and then the protocol's
own default holds.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Literal

import msgspec

from pointsman import catalog
from pointsman.core.failure import ConfigError, PointsmanError

__all__ = ["AuthStyle", "ProviderRow", "Quirks", "Source", "load_provider", "provider_names", "read_provider_row"]

AuthStyle = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key", "query", "none"]
"""How a key travels: `Authorization: Bearer`, a header of that name, the query parameter `key`, or not at all."""


class Quirks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where a server departs from its protocol. None: not known, so the protocol's way is used."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The field that limits output in OpenAI's chat protocol."""
    stream_options: bool | None = None
    """Whether `stream_options` is understood; where false it is not sent."""
    developer_role: bool | None = None
    """Whether the role `developer` is understood; where false it is sent as `system`."""
    json_schema: bool | None = None
    """Whether output can be held to a JSON Schema."""
    parallel_tool_calls: bool | None = None
    """Whether `parallel_tool_calls` is understood; where false it is not sent."""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the facts can be read, and what they were last checked against."""

    url: str
    """The provider's own documentation."""
    basis: Literal["recordings", "documentation", "recall"]
    """`recordings`: address and key header seen in recorded traffic; `recall`: common knowledge, not looked up."""
    checked_on: str | None = None
    """ISO date of that check; None for what was not looked up."""


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One provider."""

    title: str
    dialect: str
    base_url: str
    """May hold `{placeholders}`, each explained in `settings`."""
    source: Source
    key_env: tuple[str, ...] = ()
    """Environment variables that hold a key, in order of preference."""
    key_required: bool = True
    auth: AuthStyle | None = None
    """None: the protocol's own way."""
    headers: dict[str, str] = {}
    """Sent with every request."""
    query: dict[str, str] = {}
    """Appended to every address; values may hold placeholders."""
    path: str | None = None
    """In place of the protocol's path; may hold `{model}` and other placeholders."""
    settings: dict[str, Setting] = {}
    quirks: Quirks = Quirks()


class Setting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A value the user supplies for a placeholder."""

    what: str
    env: tuple[str, ...] = ()
    default: str | None = None


_FOLDER = Path(catalog.__file__).parent / "data" / "providers"
_loaded: dict[str, ProviderRow] = {}


def provider_names() -> list[str]:
    """Every provider we have a row for, sorted; reads file names only."""
    return sorted(p.stem for p in _FOLDER.glob("*.toml"))


def load_provider(name: str) -> ProviderRow:
    """The row called `name`, read once. Raises `PointsmanError` with the nearest name if there is none."""
    row = _loaded.get(name)
    if row is None:
        path = _FOLDER / f"{name}.toml"
        if not re.fullmatch(r"[\w-]+", name) or not path.is_file():
            raise _unknown(name)
        row = _loaded[name] = read_provider_row(path)
    return row


def read_provider_row(path: Path) -> ProviderRow:
    """Read one file. Raises `ConfigError` that names the file and the key it cannot use."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=ProviderRow)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), file=str(path), key=_key(str(error)), hint=_hint(str(error))) from None
    except (msgspec.DecodeError, ValueError) as error:
        raise ConfigError(f"not valid TOML: {error}", file=str(path)) from None


def _key(message: str) -> str | None:
    """The dotted key a msgspec message speaks of: its path, and the field it names."""
    at = re.search(r" - at `\$\.?([^`]*)`", message)
    field = re.search(r"field `([^`]+)`", message)
    return ".".join(part[1] for part in (at, field) if part and part[1]) or None


def _hint(message: str) -> str | None:
    unknown = re.search(r"unknown field `([^`]+)`", message)
    if unknown is None:
        return None
    fields = [*ProviderRow.__struct_fields__, *Quirks.__struct_fields__, *Setting.__struct_fields__]
    near = difflib.get_close_matches(unknown[1], fields, n=1)
    return f"did you mean {near[0]!r}?" if near else None


def _unknown(name: str) -> PointsmanError:
    known = provider_names()
    near = difflib.get_close_matches(name, known, n=1)
    hint = (f"did you mean {near[0]!r}? " if near else "") + "any server that speaks OpenAI's protocol needs only a base_url"
    return PointsmanError(f"there is no provider called {name!r}", hint=hint)
