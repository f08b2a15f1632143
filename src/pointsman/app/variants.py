"""From the variants a user wrote to contestants that can be asked: the place where providers are wired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from pointsman.app.config import ProjectSpec
from pointsman.app.prices import SheetPrice, catalogue_price, claimed_price, own_price
from pointsman.core.estimate import Unknown
from pointsman.core.failure import ConfigError, DatasetError, PointsmanError, StorageError
from pointsman.core.variant import Variant
from pointsman.evals.contestant import Contestant, no_cost
from pointsman.evals.criteria import streams
from pointsman.evals.spec import EvalSpec, VariantSpec
from pointsman.providers.local_provider import LOCAL, LocalPlugin
from pointsman.providers.provider_row import load_provider

__all__ = ["Wiring", "variant_of"]

_LOCAL_KEYS = ("answers", "script", "sleep")


def variant_of(name: str, spec: VariantSpec, base_dir: Path) -> Variant:
    """The content of a variant: what its hash is made of. Reads the file its answers come from, if they do."""
    source_hash = None
    if spec.provider in LOCAL.names():
        with _under(name):
            plugin = LOCAL.load(spec.provider)
            source_hash = plugin.source_hash(_local_options(spec, plugin), spec.model, base_dir)
    return Variant(
        provider=spec.provider,
        model=spec.model,
        base_url=spec.base_url,
        dialect=spec.dialect,
        params=spec.params,
        system=spec.system,
        source_hash=source_hash,
    )


@contextmanager
def _under(name: str) -> Iterator[None]:
    """Say of which variant a complaint speaks."""
    try:
        yield
    except ConfigError as error:
        raise error.under(f"variants.{name}") from None
    except (DatasetError, StorageError):  # these name a file of their own
        raise
    except PointsmanError as error:  # such as an unknown provider: it knows what is wrong, not where that was written
        raise ConfigError(error.message, key=f"variants.{name}", hint=error.hint) from None


class Wiring:
    """Builds contestants. `at` is the moment whose prices apply."""

    def __init__(
        self, spec: EvalSpec, project: ProjectSpec, base_dir: Path, environment: Mapping[str, str], at: datetime
    ) -> None:
        self._spec = spec
        self._project = project
        self._base_dir = base_dir
        self._environment = environment
        self._at = at
        self._network: Any = None
        self._stream = streams(spec.criteria) if spec.stream is None else spec.stream
        self.warnings: list[str] = []

    def contestant(self, name: str, spec: VariantSpec, variant: Variant) -> Contestant:
        """One variant, wired. Raises `ConfigError` naming what is missing."""
        with _under(name):
            if spec.provider in LOCAL.names():
                return self._local(name, spec, variant)
            if spec.base_url is None:
                load_provider(spec.provider)  # a name nobody knows is the first thing to say
            for key in _LOCAL_KEYS:
                if getattr(spec, key) is not None:
                    known = ", ".join(LOCAL.names())
                    raise ConfigError(f"goes with {known} only", key=key, hint=f"take it out, or set provider to one of {known}")
            return self._over_network(name, spec, variant)

    async def close(self) -> None:
        """Close the connections that contestants share."""
        if self._network is not None:
            await self._network.close()

    def _local(self, name: str, spec: VariantSpec, variant: Variant) -> Contestant:
        plugin = LOCAL.load(spec.provider)
        options = _local_options(spec, plugin)
        claimed = plugin.price(options, spec.model, self._base_dir)
        price = claimed_price(claimed, spec.provider, spec.model) if claimed is not None and spec.price is None else None
        return Contestant(
            name=name,
            variant=variant,
            provider=plugin.open(options, variant, self._base_dir, self._spec.seed),
            lane=f"local:{name}",
            price=price or self._price(name, spec),
            stream=self._stream,
            billed=False,
            max_output_tokens=_max_output_tokens(spec),
        )

    def _over_network(self, name: str, spec: VariantSpec, variant: Variant) -> Contestant:
        from pointsman.app.network import Network  # sockets and TLS load only where a variant needs them

        if self._network is None:
            self._network = Network(self._spec, self._project, self._environment)
        provider, gate, lane = self._network.open(spec, variant)
        price = self._price(name, spec)
        if price is None and self._spec.budget_usd is not None and not self._network.is_local(lane):
            raise ConfigError(
                "has no known price, so budget_usd cannot be held",
                hint="add `price: {input: …, output: …}` in dollars per million tokens, or take budget_usd out",
            )
        return Contestant(
            name=name,
            variant=variant,
            provider=provider,
            lane=lane,
            gate=gate,
            price=price,
            stream=self._stream,
            billed=price is not None,
            most_usd=price.most_usd if price is not None else no_cost,
            max_output_tokens=_max_output_tokens(spec),
        )

    def _price(self, name: str, spec: VariantSpec) -> SheetPrice | None:
        if spec.price is not None:
            return own_price(spec.price, spec.provider, spec.model)
        found = catalogue_price(spec.provider, spec.model, self._at)
        if isinstance(found, Unknown):
            self.warnings.append(f"{name}: no price: {found.reason}")
            return None
        return found


def _local_options(spec: VariantSpec, plugin: LocalPlugin[Any]) -> Any:
    given = {key: getattr(spec, key) for key in _LOCAL_KEYS if getattr(spec, key) is not None}
    try:
        return msgspec.convert(given, plugin.options)
    except msgspec.ValidationError as error:
        raise ConfigError(f"provider {spec.provider!r}: {error}") from None


def _max_output_tokens(spec: VariantSpec) -> int | None:
    for key in ("max_output_tokens", "max_tokens", "max_completion_tokens"):
        value = spec.params.get(key)
        if isinstance(value, int):
            return value
    return None
