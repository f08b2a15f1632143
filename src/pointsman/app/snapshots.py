"""From `pointsman.yaml` to what the gateway serves. What lives longer than one configuration (connections, keys'
rest, breakers) is kept here and handed to the next.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from pointsman.app.config import ProjectSpec, ProviderSpec
from pointsman.app.conversations import ConversationTable
from pointsman.app.gateway_spec import RouteSpec
from pointsman.app.orders import RolloutOrder, snapshot_id
from pointsman.app.prices import catalogue_price, own_price
from pointsman.core.estimate import Unknown
from pointsman.core.failure import ConfigError, PointsmanError
from pointsman.core.variant import Variant
from pointsman.cost.meter import Meter
from pointsman.evals.spec import VariantSpec
from pointsman.gateway.snapshot import Limits, Mirror, Route, Snapshot, Target, Tenant
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.endpoint import endpoint_for, key_ring
from pointsman.providers.http import HttpProvider
from pointsman.providers.keys import KeyRing
from pointsman.providers.local_provider import LOCAL
from pointsman.providers.retry import RetryPolicy
from pointsman.providers.transport import Network, Timeouts, Transport
from pointsman.routing.fallback import Stop
from pointsman.routing.health import Breaker
from pointsman.routing.memory import Memory
from pointsman.routing.policies.rollout import Rollout
from pointsman.routing.policy import POLICIES, Policy, PolicyPlugin

__all__ = ["SnapshotMaker", "hash_of_key", "is_key_hash", "routes_of", "variants_of_routes"]

_HASTY_WAIT_S = 2.0
_DIGEST = "sha256:"


def is_key_hash(text: str) -> bool:
    """Whether a text is `sha256:` and 64 hex digits."""
    digits = text.removeprefix(_DIGEST)
    return text.startswith(_DIGEST) and len(digits) == 64 and all(c in "0123456789abcdef" for c in digits.lower())


def hash_of_key(text: str) -> bytes:
    """The SHA-256 that a text of the form `sha256:…` names."""
    return bytes.fromhex(text.removeprefix(_DIGEST))


class SnapshotMaker:
    """Compiles configurations. Make it inside the event loop that serves."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._transports: dict[str | None, Transport] = {}
        self._rings: dict[object, KeyRing | None] = {}
        self._breakers: dict[str, Breaker] = {}
        self._memories: dict[str, ConversationTable] = {}
        self.warnings: list[str] = []
        """What the last configuration left open, such as prices nobody knows."""

    def make(self, project: ProjectSpec, rollouts: tuple[RolloutOrder, ...] = ()) -> Snapshot:
        """One configuration and the migrations over it, compiled. Raises `ConfigError` naming what is missing or wrong;
        nothing changes then.
        """
        self.warnings = []
        if not project.variants:
            raise ConfigError("there is nothing to serve", key="variants", hint="name at least one: {provider: …, model: …}")
        orders = {order.route: order for order in rollouts}
        specs = {name: _migrating(spec, orders.get(name)) for name, spec in routes_of(project).items()}
        used = {variant for name, spec in specs.items() for variant in _variants_of(name, spec)}
        targets: dict[str, Target] = {}
        for name in sorted(used & set(project.variants)):
            try:
                targets[name] = self._target(name, project.variants[name], project)
            except ConfigError as error:
                raise error.under(f"variants.{name}") from None
            except PointsmanError as error:
                raise ConfigError(error.message, key=f"variants.{name}", hint=error.hint) from None
        return Snapshot(
            id=snapshot_id(project, rollouts),
            routes={
                name: _route(
                    name, spec, targets, self._memory(orders.get(name)), self._mirror(orders.get(name), targets, project)
                )
                for name, spec in specs.items()
            },
            tenants=_tenants(project, set(specs)),
            limits=Limits(
                max_body_bytes=project.gateway.max_body_bytes,
                body_s=project.gateway.body_timeout_s,
                write_s=project.gateway.write_timeout_s,
                max_header_bytes=project.gateway.max_header_bytes,
                header_s=project.gateway.header_timeout_s,
                keep_alive_s=project.gateway.keep_alive_s,
                max_connections=project.gateway.max_connections,
            ),
            trace_ratio=project.gateway.otel.sample if project.gateway.otel is not None else 1.0,
        )

    def _mirror(self, order: RolloutOrder | None, targets: Mapping[str, Target], project: ProjectSpec) -> Mirror | None:
        """The candidate as it is asked in a shadow: once, and with a rotation of keys of its own."""
        if order is None or order.shadow <= 0.0 or order.candidate not in targets:
            return None
        target, spec = targets[order.candidate], project.variants[order.candidate]
        ours = project.provider(spec.provider)
        given = (spec.key,) if spec.key is not None else ours.keys
        needed = False if spec.base_url or ours.base_url else None
        provider = HttpProvider(
            target.variant,
            target.endpoint,
            target.dialect,
            target.transport,
            keys=key_ring(spec.provider, self._environment, keys=given, needed=needed),
            timeouts=target.timeouts,
            policy=RetryPolicy(max_attempts=1),
        )
        return Mirror(
            migration=order.migration, variant=order.candidate, provider=provider, meter=target.meter, share=order.shadow
        )

    def _memory(self, order: RolloutOrder | None) -> Memory | None:
        if order is None or not order.memory:
            return None
        if order.memory not in self._memories:
            self._memories[order.memory] = ConversationTable(Path(order.memory), order.slots, fresh_s=order.fresh_s)
        return self._memories[order.memory]

    async def close(self) -> None:
        """Close every connection to providers."""
        for transport in self._transports.values():
            await transport.close()

    def _target(self, name: str, spec: VariantSpec, project: ProjectSpec) -> Target:
        if spec.provider in LOCAL.names():
            hint = "run `pointsman scripted` and name it by base_url" if spec.provider == "scripted" else None
            raise ConfigError("the gateway serves providers behind HTTP only", key="provider", value=spec.provider, hint=hint)
        ours = project.provider(spec.provider)
        endpoint = endpoint_for(
            spec.provider,
            base_url=spec.base_url or ours.base_url,
            dialect=spec.dialect or ours.dialect,
            settings=ours.settings,
            environ=self._environment,
        )
        variant = Variant(
            provider=spec.provider,
            model=spec.model,
            base_url=spec.base_url,
            dialect=spec.dialect,
            params=spec.params,
            system=spec.system,
        )
        return Target(
            name,
            variant,
            endpoint,
            DIALECTS.load(endpoint.dialect),
            self._transport(ours),
            keys=self._keys(endpoint.base_url, spec, ours),
            timeouts=_timeouts(ours),
            meter=self._meter(name, spec),
            breaker=self._breakers.setdefault(variant.hash, Breaker()),
            cancels=ours.on_client_gone == "cancel",
            context_tokens=_window(spec),
            traced=ours.traceparent,
        )

    def _transport(self, ours: ProviderSpec) -> Transport:
        if ours.ca_file not in self._transports:
            self._transports[ours.ca_file] = Transport(Network(ca_file=ours.ca_file))
        return self._transports[ours.ca_file]

    def _keys(self, base_url: str, spec: VariantSpec, ours: ProviderSpec) -> KeyRing | None:
        given = (spec.key,) if spec.key is not None else ours.keys
        lane = (spec.provider, base_url, given)
        if lane not in self._rings:
            needed = False if spec.base_url or ours.base_url else None
            self._rings[lane] = key_ring(spec.provider, self._environment, keys=given, needed=needed)
        return self._rings[lane]

    def _meter(self, name: str, spec: VariantSpec) -> Meter | None:
        mode = spec.params.get("service_tier")
        mode = mode if isinstance(mode, str) else None
        if spec.price is not None:
            price = msgspec.structs.replace(spec.price, source=spec.price.source or "pointsman.yaml")
            return Meter(own_price(price, spec.provider, spec.model).sheet, mode)
        found = catalogue_price(spec.provider, spec.model, datetime.now(UTC))
        if isinstance(found, Unknown):
            self.warnings.append(f"{name}: no price, so its requests are recorded without cost: {found.reason}")
            return None
        return Meter(found.sheet, mode)


def routes_of(project: ProjectSpec) -> dict[str, RouteSpec]:
    """The routes of a configuration; without any, one for each variant."""
    return project.routes or {name: RouteSpec(variant=name, salt=name) for name in project.variants}


def variants_of_routes(project: ProjectSpec) -> dict[str, tuple[str, ...]]:
    """Whom each route may ask. Raises `ConfigError`."""
    return {name: _variants_of(name, spec) for name, spec in routes_of(project).items()}


def _migrating(spec: RouteSpec, order: RolloutOrder | None) -> RouteSpec:
    """A route as a migration has it."""
    if order is None:
        return spec
    sides = {"baseline": order.baseline, "candidate": order.candidate}
    options = {**sides, "weight": order.weight, "move_live": order.move_live, "stay": order.stay}
    return msgspec.structs.replace(spec, variant=None, policy={"rollout": options}, salt=order.salt)


def _timeouts(ours: ProviderSpec) -> Timeouts:
    usual = Timeouts()
    whole_s = ours.timeout_s or usual.total_s
    return Timeouts(
        connect_s=ours.connect_timeout_s or min(usual.connect_s, whole_s),
        first_token_s=min(usual.first_token_s, whole_s),
        idle_s=ours.idle_timeout_s or usual.idle_s,
        total_s=whole_s,
    )


def _window(spec: VariantSpec) -> int | None:
    """What the catalogue says of the model's window; None if it does not know the model."""
    from pointsman.catalog.load import load_catalog
    from pointsman.catalog.lookup import find_offer

    try:
        return find_offer(load_catalog(), spec.model, spec.provider).context_tokens
    except PointsmanError:
        return None


def _plugin_of(spec: RouteSpec) -> tuple[PolicyPlugin, Any, tuple[str, ...]]:
    """The policy a route names, its options, and the variants these lead to. Raises `ConfigError`."""
    if (spec.variant is None) == (spec.policy is None):
        raise ConfigError("needs either `variant` or `policy`", hint="variant: NAME is the shortest")
    name, options = next(iter((spec.policy or {"fixed": {"variant": spec.variant}}).items()))
    if spec.policy is not None and len(spec.policy) != 1:
        raise ConfigError("names more than one policy", key="policy", hint="give exactly one")
    try:
        plugin = POLICIES.load(name)
    except ConfigError:
        raise
    except PointsmanError as error:
        raise ConfigError(error.message, key=f"policy.{name}", hint=error.hint) from None
    try:
        converted = msgspec.convert(options, plugin.options)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), key=f"policy.{name}") from None
    return plugin, converted, tuple(plugin.variants(converted))


def _variants_of(name: str, spec: RouteSpec) -> tuple[str, ...]:
    try:
        return (*_plugin_of(spec)[2], *spec.fallbacks)
    except ConfigError as error:
        raise error.under(f"routes.{name}") from None


def _route(name: str, spec: RouteSpec, targets: Mapping[str, Target], memory: Memory | None, mirror: Mirror | None) -> Route:
    key = f"routes.{name}"
    try:
        plugin, options, chosen = _plugin_of(spec)
        policy: Policy = plugin.build(options) if memory is None else Rollout(options, memory)
    except ConfigError as error:
        raise error.under(key) from None
    for variant in (*chosen, *spec.fallbacks):
        if variant not in targets:
            near = difflib.get_close_matches(variant, targets, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "variants must stand in pointsman.yaml"
            raise ConfigError("names a variant that does not exist", key=key, value=variant, hint=hint)
    chains = {v: tuple(targets[n] for n in dict.fromkeys((v, *spec.fallbacks))) for v in chosen}
    tries = spec.retries + 1
    return Route(
        name=name,
        policy=policy,
        uses_draw=plugin.uses_draw,
        uses_conversation=plugin.uses_conversation,
        mirror=mirror,
        chains=chains,
        stops={v: tuple(Stop(variant=t.name, context_tokens=t.context_tokens) for t in chain) for v, chain in chains.items()},
        sticky=spec.sticky,
        salt=name if spec.salt is None else spec.salt,
        on_loss=spec.on_loss,
        patient=RetryPolicy(max_attempts=tries, base_s=0.25, max_backoff_s=8.0, max_retry_after_s=spec.max_retry_after_s),
        hasty=RetryPolicy(
            max_attempts=tries, base_s=0.1, max_backoff_s=1.0, max_retry_after_s=min(_HASTY_WAIT_S, spec.max_retry_after_s)
        ),
    )


def _tenants(project: ProjectSpec, routes: set[str]) -> dict[bytes, Tenant] | None:
    if not project.gateway.tenants:
        return None
    found: dict[bytes, Tenant] = {}
    for name, spec in project.gateway.tenants.items():
        where = f"gateway.tenants.{name}"
        unknown = sorted(set(spec.routes or ()) - routes)
        if unknown:
            hint = f"routes: {', '.join(sorted(routes))}"
            raise ConfigError("there is no such route", key=f"{where}.routes", value=unknown[0], hint=hint)
        tenant = Tenant(name, None if spec.routes is None else frozenset(spec.routes))
        for key in spec.keys:
            if not is_key_hash(key):  # the value is not shown: it may be the key itself
                raise ConfigError(
                    "a key is kept as its hash: sha256: and 64 hex digits",
                    key=f"{where}.keys",
                    hint="`pointsman serve --new-key` makes one",
                )
            if found.setdefault(hash_of_key(key), tenant) is not tenant:
                hint = "`pointsman serve --new-key` makes another"
                raise ConfigError("two tenants have the same key", key=f"{where}.keys", hint=hint)
    return found
