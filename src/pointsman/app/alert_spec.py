"""What `pointsman.yaml` says of alerts: what is watched, and who is told."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pointsman.core.failure import ConfigError
from pointsman.telemetry.alerts import DEFAULT_RULES, AlertRule

__all__ = ["AlertsSpec", "Receiver", "checked_alerts"]

_CONDITIONS = ("above", "below", "over_baseline", "under_baseline")


class Receiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody to tell. Give one of `url`, `webhook`, `alertmanager`."""

    url: str | None = None
    """An Apprise address: `slack://…`, `mailto://…`, `tgram://…` and a hundred more; needs `pip install pointsman[alerts]`.
    Write it as `${NAME}`: it holds a secret."""
    webhook: str | None = None
    """Gets what Alertmanager sends to its webhooks (version 4), so that what understands the one understands the other."""
    alertmanager: str | None = None
    """An Alertmanager's address, such as `http://127.0.0.1:9093`; it groups, silences and repeats as it is set up to."""


class AlertsSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Rules and receivers."""

    defaults: bool = True
    """Whether the usual rules apply: errors 1.3 times the baseline's, p95 latency 1.5 times, satisfaction 15 points lower,
    half of all requests failing."""
    rules: dict[str, AlertRule | None] = msgspec.field(default_factory=dict)
    """By name; one that is called like a usual rule replaces it, and with nothing under it takes it away."""
    notify: dict[str, Receiver] = msgspec.field(default_factory=dict)
    """Receivers by name. Without any, alerts are said on stderr and can be seen in the metrics."""

    def in_force(self) -> dict[str, AlertRule]:
        """Every rule that applies, by name."""
        rules: dict[str, AlertRule | None] = {**(DEFAULT_RULES if self.defaults else {}), **self.rules}
        return {name: rule for name, rule in rules.items() if rule is not None}


def checked_alerts(spec: AlertsSpec, routes: Mapping[str, object]) -> AlertsSpec:
    """The spec, if it makes sense. Raises `ConfigError` that names the key."""
    for name, rule in spec.in_force().items():
        key = f"alerts.rules.{name}"
        given = [c for c in _CONDITIONS if getattr(rule, c) is not None]
        if len(given) != 1:
            raise ConfigError(f"needs exactly one of {', '.join(_CONDITIONS)}", key=key, hint="above: 0.05 is five per cent")
        if rule.window_s > 3600:
            raise ConfigError("only the last hour is known", key=f"{key}.window_s", value=rule.window_s)
        _known(rule.routes, routes, f"{key}.routes", "there is no such route")
        _known(rule.notify, spec.notify, f"{key}.notify", "there is no such receiver")
    for name, receiver in spec.notify.items():
        if sum(x is not None for x in (receiver.url, receiver.webhook, receiver.alertmanager)) != 1:
            raise ConfigError("needs exactly one of url, webhook, alertmanager", key=f"alerts.notify.{name}")
    return spec


def _known(named: tuple[str, ...], known: Mapping[str, object], key: str, what: str) -> None:
    for name in named:
        if name not in known:
            raise ConfigError(what, key=key, value=name, hint=f"known: {', '.join(known) or 'none'}")
