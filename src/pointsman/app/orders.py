"""What a supervisor tells its workers: what to serve, and now and then that it still stands."""

from __future__ import annotations

import msgspec

from pointsman.app.config import ProjectSpec
from pointsman.core.ids import content_hash

__all__ = ["Order", "Orders", "Pulse", "RolloutOrder", "decode_order", "encode_order", "snapshot_id"]


class RolloutOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One migration as workers carry it out."""

    migration: str
    route: str
    baseline: str
    candidate: str
    salt: str
    weight: float
    """Share of new units that get the candidate."""
    move_live: bool = False
    stay: bool = True
    """Whether conversations from before the rollout may still come."""
    memory: str = ""
    """File of the conversations' notes."""
    slots: int = 0
    fresh_s: float = 86_400.0
    shadow: float = 0.0
    """Share of the baseline's requests to mirror to the candidate."""


class Orders(msgspec.Struct, frozen=True, kw_only=True, tag="orders"):
    """The configuration, and over it the migrations under way."""

    project: ProjectSpec
    rollouts: tuple[RolloutOrder, ...] = ()


class Pulse(msgspec.Struct, frozen=True, kw_only=True, tag="pulse"):
    """The shares ordered last still stand. A worker that hears nothing for a while sends new units to the baseline."""

    shadow_usd: dict[str, float | None] = {}
    """By migration, what a worker may still spend on mirrored requests until the next pulse; None: no limit."""


Order = Orders | Pulse
_DECODER: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
_ENCODER = msgspec.json.Encoder()


def encode_order(order: Order) -> bytes:
    """As a frame's content."""
    return _ENCODER.encode(order)


def decode_order(data: bytes) -> Order:
    """Read it. Raises `msgspec.MsgspecError`."""
    return _DECODER.decode(data)


def snapshot_id(project: ProjectSpec, rollouts: tuple[RolloutOrder, ...] = ()) -> str:
    """Hash of all that changes what is served, keys left out."""
    providers = {n: None if p is None else msgspec.structs.replace(p, keys=()) for n, p in project.providers.items()}
    tenants = {n: t.routes for n, t in project.gateway.tenants.items()}
    said: list[object] = [project.variants, project.routes, [providers, tenants]]
    return content_hash([*said, rollouts] if rollouts else said)
