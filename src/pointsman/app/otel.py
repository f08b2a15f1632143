"""Whether spans and metrics go to an OpenTelemetry collector, by `gateway.otel` or by the standard's own variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pointsman.app.config import ProjectSpec
from pointsman.app.gateway_spec import OtelSpec
from pointsman.core.failure import ConfigError, PointsmanError
from pointsman.providers.endpoint import endpoint_for
from pointsman.telemetry.gen_ai import Asked

if TYPE_CHECKING:
    from pointsman.telemetry.otel import OtelExport

__all__ = ["asked_variants", "open_export"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_INSTALL = "pip install 'pointsman[otel]'"


def open_export(project: ProjectSpec, environment: Mapping[str, str], say: Callable[[str], None]) -> OtelExport | None:
    """None if nobody asked for it. Raises `ConfigError` if the file asks for it and the extra is not installed."""
    spec = project.gateway.otel
    named = any(environment.get(name) for name in _ENDPOINTS)
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or (spec is None and not named):
        return None
    try:
        from pointsman.telemetry.otel import OtelExport
    except ImportError:
        if spec is None:
            say(f"warning: the environment names an OpenTelemetry collector, and nothing is sent: {_INSTALL}")
            return None
        raise ConfigError("needs packages that are not installed", key="gateway.otel", hint=_INSTALL) from None
    given = spec or OtelSpec()
    if given.endpoint is None and not named:
        hint = f"endpoint: http://localhost:4318, or the variable {_ENDPOINTS[0]}"
        raise ConfigError("names no collector", key="gateway.otel.endpoint", hint=hint)
    return OtelExport(
        endpoint=given.endpoint,
        headers=given.headers,
        service=given.service_name or (None if environment.get("OTEL_SERVICE_NAME") else "pointsman"),
        ratio=given.sample,
        metrics_every_s=given.metrics_every_s,
        say=say,
    )


def asked_variants(project: ProjectSpec, environment: Mapping[str, str]) -> dict[str, Asked]:
    """What spans say of each variant."""
    return {name: _asked(name, project, environment) for name in project.variants}


def _asked(name: str, project: ProjectSpec, environment: Mapping[str, str]) -> Asked:
    spec = project.variants[name]
    ours = project.provider(spec.provider)
    try:
        found = endpoint_for(
            spec.provider,
            base_url=spec.base_url or ours.base_url,
            dialect=spec.dialect or ours.dialect,
            settings=ours.settings,
            environ=environment,
        )
    except PointsmanError:  # a variant no route leads to may be unfinished
        return Asked(provider=spec.provider, model=spec.model)
    address = urlsplit(found.base_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    return Asked(provider=spec.provider, model=spec.model, host=address.hostname, port=port)
