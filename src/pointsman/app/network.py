"""Providers reached over the network, wired once per run: connections, keys, limits, retries."""

from __future__ import annotations

import random
from collections.abc import Mapping
from urllib.parse import urlsplit

from pointsman.app.config import ProjectSpec, ProviderSpec
from pointsman.core.variant import Variant
from pointsman.evals.contestant import Gate
from pointsman.evals.spec import EvalSpec, VariantSpec
from pointsman.providers.concurrency import AdaptiveGate, Aimd, AimdSettings
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.endpoint import endpoint_for, key_ring
from pointsman.providers.http import HttpProvider
from pointsman.providers.keys import KeyRing
from pointsman.providers.provider import Provider
from pointsman.providers.retry import RetryPolicy
from pointsman.providers.transport import Network as Connections
from pointsman.providers.transport import Timeouts, Transport

__all__ = ["Network"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Network:
    """What the networked variants of one run share. Make it inside the event loop that will send."""

    def __init__(self, spec: EvalSpec, project: ProjectSpec, environment: Mapping[str, str]) -> None:
        self._spec = spec
        self._project = project
        self._environment = environment
        self._transports: dict[str | None, Transport] = {}
        self._gates: dict[str, AdaptiveGate] = {}
        self._hosts: dict[str, str] = {}
        self._rings: dict[str, KeyRing | None] = {}
        self._dice = random.Random(spec.seed)  # noqa: S311  # spreads retries, guards nothing
        retries = spec.max_retries
        self._policy = RetryPolicy() if retries is None else RetryPolicy(max_attempts=retries + 1)

    def open(self, spec: VariantSpec, variant: Variant) -> tuple[Provider, Gate, str]:
        """A provider for one variant, the gate it queues at, and the name of the lane it shares.

        Raises `ConfigError` for an address, a key or a parameter that is missing or wrong.
        """
        ours = self._project.provider(spec.provider)
        endpoint = endpoint_for(
            spec.provider,
            base_url=spec.base_url or ours.base_url,
            dialect=spec.dialect or ours.dialect,
            settings=ours.settings,
            environ=self._environment,
        )
        lane = f"{spec.provider} {endpoint.base_url}"
        self._hosts[lane] = urlsplit(endpoint.base_url).hostname or ""
        gate = self._gate(lane)
        provider = HttpProvider(
            variant,
            endpoint,
            DIALECTS.load(endpoint.dialect),
            self._transport(ours),
            keys=self._keys(lane, spec, ours),
            timeouts=self._timeouts(ours),
            policy=self._policy,
            draw=self._dice.random,
            on_attempt=gate.saw,
        )
        return provider, gate, lane

    def is_local(self, lane: str) -> bool:
        """Whether a lane leads to this machine, where nobody sends a bill."""
        return self._hosts[lane] in _LOOPBACK

    async def close(self) -> None:
        """Close every connection."""
        for opened in self._transports.values():
            await opened.close()
        self._transports.clear()

    def _transport(self, ours: ProviderSpec) -> Transport:
        """The connections of all providers that trust the same authorities."""
        if ours.ca_file not in self._transports:
            self._transports[ours.ca_file] = Transport(Connections(ca_file=ours.ca_file))
        return self._transports[ours.ca_file]

    def _timeouts(self, ours: ProviderSpec) -> Timeouts:
        usual = Timeouts()
        whole_s = self._spec.timeout_s or ours.timeout_s
        return Timeouts(
            connect_s=ours.connect_timeout_s or min(usual.connect_s, whole_s or usual.connect_s),
            first_token_s=min(usual.first_token_s, whole_s or usual.first_token_s),
            idle_s=ours.idle_timeout_s or usual.idle_s,
            total_s=whole_s or usual.total_s,
        )

    def _gate(self, lane: str) -> AdaptiveGate:
        if lane not in self._gates:
            self._gates[lane] = AdaptiveGate(Aimd(AimdSettings(max_limit=self._spec.concurrency)))
        return self._gates[lane]

    def _keys(self, lane: str, spec: VariantSpec, ours: ProviderSpec) -> KeyRing | None:
        if spec.key is not None:
            return key_ring(spec.provider, self._environment, keys=[spec.key])
        if lane not in self._rings:
            # A server of the user's own may want no key; the provider's own server does.
            needed = False if spec.base_url or ours.base_url else None
            self._rings[lane] = key_ring(spec.provider, self._environment, keys=ours.keys, needed=needed)
        return self._rings[lane]
