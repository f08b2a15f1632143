"""Where a variant's calls go and what must be in them: a provider's row with the user's settings filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from pointsman.core.failure import ConfigError
from pointsman.providers.keys import KeyRing
from pointsman.providers.provider_row import AuthStyle, ProviderRow, Quirks, load_provider, provider_names
from pointsman.providers.secret import Secret

__all__ = ["Endpoint", "endpoint_for", "key_ring"]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One server, ready to be called. It holds no key."""

    provider: str
    dialect: str
    base_url: str
    """Without a slash at its end."""
    auth: AuthStyle | None = None
    """None: as the dialect says."""
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    path: str | None = None
    quirks: Quirks = Quirks()

    def url(self, path: str, model: str) -> str:
        """The address for `path`, as the dialect wrote it, or for this server's own path.

        A version at the head of the path is left out where the base URL names one already, so that both
        `https://host` and `https://host/v1` may be written before `/v1/messages`.
        """
        if self.path is not None:
            path = self.path.replace("{model}", quote(model, safe=""))
        elif (version := _VERSION.match(path)) and _NAMES_VERSION.search(self.base_url):
            path = path[version.end() :]
        if not self.query:
            return self.base_url + path
        return f"{self.base_url}{path}{'&' if '?' in path else '?'}{urlencode(self.query)}"


_VERSION = re.compile(r"/v\d+(?:(?:alpha|beta)\d*)?(?=/)")
_NAMES_VERSION = re.compile(r"/v\d+(?:(?:alpha|beta)\d*)?(?=/|$)")


def endpoint_for(
    provider: str,
    *,
    base_url: str | None = None,
    dialect: str | None = None,
    settings: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Endpoint:
    """The endpoint of a provider we know, or of any other server that has a `base_url`.

    A server we have no row for speaks `openai_chat` unless `dialect` says otherwise. `settings` fill the
    row's placeholders (an Azure resource, a Google project), then `environ`, then the row's defaults; `headers`
    are sent with every request, beside or in place of the row's.
    Raises `PointsmanError` for an unknown name without a `base_url`, and `ConfigError` for one that is no
    URL or for a placeholder without a value.
    """
    own = {name.lower(): text for name, text in (headers or {}).items()}
    if base_url is not None and provider not in provider_names():
        return Endpoint(provider=provider, dialect=dialect or "openai_chat", base_url=_checked(base_url), headers=own)
    row = load_provider(provider)
    values = _Values(provider, row, settings or {}, environ or {})
    return Endpoint(
        provider=provider,
        dialect=dialect or row.dialect,
        base_url=_checked(values.fill(base_url or row.base_url)),
        auth=row.auth,
        headers={name.lower(): values.fill(text) for name, text in row.headers.items()} | own,
        query={name: values.fill(text) for name, text in row.query.items()},
        path=values.fill(row.path) if row.path is not None and dialect in (None, row.dialect) else None,
        quirks=row.quirks,
    )


def key_ring(
    provider: str, environ: Mapping[str, str], *, keys: Sequence[str] = (), key_env: str | None = None, needed: bool | None = None
) -> KeyRing | None:
    """The keys to use: those given, else the one in `key_env`, else the first of the provider's own variables that is set.

    None if there is none and none is needed (a local server, or one we have no row for). Raises `ConfigError`
    that names the missing variable otherwise.
    """
    row = load_provider(provider) if provider in provider_names() else None
    if keys:
        return KeyRing([Secret(k) for k in keys])
    names = (key_env,) if key_env is not None else row.key_env if row is not None else ()
    found = next((name for name in names if environ.get(name, "").strip()), None)
    if found is not None:
        return KeyRing([Secret(environ[found])])
    if needed is None:
        needed = key_env is not None or (row is not None and row.key_required)
    if not needed:
        return None
    raise ConfigError(
        f"no key for provider {provider!r}: {' or '.join(names) or 'its variable'} is not set",
        key="keys",
        hint=f"export {names[0] if names else 'a variable'}=… or name another variable as key_env",
    )


class _Values:
    """Looks placeholders up: what the user set, then the environment, then the row's default."""

    def __init__(self, provider: str, row: ProviderRow, settings: Mapping[str, str], environ: Mapping[str, str]) -> None:
        unknown = sorted(set(settings) - set(row.settings))
        if unknown:
            known = ", ".join(row.settings) or "none"
            raise ConfigError(f"provider {provider!r} has no such setting", key=unknown[0], hint=f"known: {known}")
        self._provider, self._row, self._settings, self._environ = provider, row, settings, environ

    def fill(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: found[0] if found[1] == "model" else self._value(found[1]), text)

    def _value(self, name: str) -> str:
        if name in self._settings:
            return self._settings[name]
        setting = self._row.settings.get(name)
        if setting is None:
            raise ConfigError(f"placeholder {{{name}}} is not explained under settings", key=name)
        for variable in setting.env:
            if self._environ.get(variable):
                return self._environ[variable]
        if setting.default is not None:
            return setting.default
        raise ConfigError(
            f"provider {self._provider!r} needs {setting.what}",
            key=name,
            hint=f"set {name}" + (f" or export {setting.env[0]}" if setting.env else ""),
        )


def _checked(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
        parts = urlsplit("")
    if not good or parts.query or parts.fragment:
        raise ConfigError("not an http or https address", key="base_url", hint='such as "https://api.example.com/v1"')
    if parts.username or parts.password:
        raise ConfigError("holds a user name or password", key="base_url", hint="give credentials as a key instead")
    return base_url.rstrip("/")
