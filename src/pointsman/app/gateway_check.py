"""The doctor's look at what `pointsman serve` would do with a configuration, before it does."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec

from pointsman.app.body_keeper import checked_bodies
from pointsman.app.config import ProjectSpec
from pointsman.app.finding import Finding
from pointsman.app.gateway_spec import GatewaySpec, StoreSpec
from pointsman.app.listening import bind, is_loopback
from pointsman.app.snapshots import SnapshotMaker, is_key_hash, routes_of
from pointsman.core.failure import PointsmanError
from pointsman.core.verdict import VerdictName
from pointsman.providers.transport import Timeouts, Transport

__all__ = ["check_gateway"]

_QUICK = Timeouts(connect_s=0.5, first_token_s=1.0, idle_s=1.0, total_s=1.5)
_LEAST_KEY = 16
_found = partial(Finding, area="gateway")


async def check_gateway(project: ProjectSpec, folder: Path, environment: Mapping[str, str]) -> list[Finding]:
    """Everything of routes, tenants, admin, ports and store; nothing for a project that does not speak of serving."""
    if not project.routes and project.gateway == GatewaySpec() and project.store == StoreSpec():
        return []
    routes, snapshot = await _routes(project, environment)
    return [
        *routes,
        _tenants(project.gateway),
        _admin(project.gateway),
        await _port(project.gateway, snapshot),
        *_admin_port(project.gateway),
        *_files(project, folder),
        *_otel(project.gateway, environment),
    ]


async def _routes(project: ProjectSpec, environment: Mapping[str, str]) -> tuple[list[Finding], str | None]:
    """Whether it compiles, and which of its variants have no price."""
    maker = SnapshotMaker(environment)
    try:
        snapshot = maker.make(project)
    except PointsmanError as error:
        return [_found(subject="routes", state="fail", detail=error.message, advice=error.hint or "")], None
    finally:
        await maker.close()
    routes, variants = len(snapshot.routes), len(snapshot.targets)
    said = f"{_count(routes, 'route')} to {_count(variants, 'variant')}, snapshot {snapshot.id}"
    findings = [_found(subject="routes", state="pass", detail=said)]
    idle = sorted(set(project.variants) - set(snapshot.targets))
    if idle:
        findings.append(
            _found(
                subject="variants",
                state="unknown",
                detail=f"no route leads to {', '.join(idle)}",
                advice="fine if they are for evaluations only",
            )
        )
    for warning in maker.warnings:
        name, _, why = warning.partition(": ")
        findings.append(
            _found(
                subject=f"variants.{name}",
                state="unknown",
                detail=why,
                advice=f"write `price: {{input: …, output: …}}` (dollars per million tokens) under variants.{name}",
            )
        )
    return findings, snapshot.id


def _tenants(gateway: GatewaySpec) -> Finding:
    if gateway.tenants:
        keys = sum(len(t.keys) for t in gateway.tenants.values())
        silent = sorted(name for name, tenant in gateway.tenants.items() if not tenant.keys)
        if silent:
            advice = "`pointsman serve --new-key` makes one; write its hash under gateway.tenants.NAME.keys"
            return _found(subject="tenants", state="unknown", detail=f"{', '.join(silent)} has no key", advice=advice)
        return _found(
            subject="tenants", state="pass", detail=f"{_count(len(gateway.tenants), 'tenant')} with {_count(keys, 'key')}"
        )
    local = is_loopback(gateway.host)
    return _found(
        subject="tenants",
        state="unknown" if local else "fail",
        detail=f"nobody needs a key, and {gateway.host} can be reached from {'this machine only' if local else 'outside'}",
        advice="`pointsman serve --new-key` makes a key; write its hash under gateway.tenants.NAME.keys",
    )


def _admin(gateway: GatewaySpec) -> Finding:
    admin = gateway.admin
    if not admin.key:
        return _found(
            subject="admin",
            state="unknown",
            detail="no gateway.admin.key, so no metrics and no reload over HTTP",
            advice="`pointsman serve --new-key` makes a key; write its hash there",
        )
    if not is_key_hash(admin.key) and len(admin.key) < _LEAST_KEY:
        advice = "`pointsman serve --new-key` makes one that nobody guesses"
        return _found(subject="admin", state="fail", detail=f"a key of fewer than {_LEAST_KEY} characters", advice=advice)
    if not is_loopback(admin.host):
        advice = "keys travel in the clear unless TLS ends in front of it; 127.0.0.1 with a scraper on this machine is safer"
        return _found(subject="admin", state="unknown", detail=f"{admin.host} can be reached from outside", advice=advice)
    return _found(subject="admin", state="pass", detail=f"needs a key, on {admin.host}")


async def _port(gateway: GatewaySpec, snapshot: str | None) -> Finding:
    """Free, or held by a gateway of ours: that one tells which configuration it serves."""
    address = f"{gateway.host}:{gateway.port}"
    if _is_free(gateway.host, gateway.port):
        return _found(subject="address", state="pass", detail=f"{address} is free")
    running = await _snapshot_at(gateway.host, gateway.port)
    if running is None:
        return _found(
            subject="address", state="fail", detail=f"{address} is taken", advice="end who listens there, or choose another port"
        )
    if running == snapshot or snapshot is None:
        return _found(subject="address", state="pass", detail=f"a gateway serves at {address} (snapshot {running})")
    return _found(
        subject="address",
        state="unknown",
        detail=f"a gateway serves at {address} with another configuration (snapshot {running})",
        advice="reload it: SIGHUP, or POST /reload on its admin listener",
    )


def _admin_port(gateway: GatewaySpec) -> list[Finding]:
    admin = gateway.admin
    if not admin.key or _is_free(admin.host, admin.port):
        return []
    # Whose it is cannot be asked without the key, so it is a fault only if nobody serves the data plane.
    advice = "fine if the gateway is running; otherwise choose another gateway.admin.port"
    state: VerdictName = "unknown" if not _is_free(gateway.host, gateway.port) else "fail"
    return [_found(subject="admin address", state=state, detail=f"{admin.host}:{admin.port} is taken", advice=advice)]


def _is_free(host: str, port: int) -> bool:
    with contextlib.ExitStack() as opened:
        try:
            bind(host, port, 1, opened)
        except PointsmanError:
            return False
    return True


async def _snapshot_at(host: str, port: int) -> str | None:
    """What a gateway at this address says it serves; None if nobody there is one."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  # compared, not listened on
    url = f"http://{f'[{name}]' if ':' in name else name}:{port}/health"
    async with Transport() as transport:
        try:
            reply = await transport.send(url, b"", {}, stream=False, timeouts=_QUICK, method="GET")
            return msgspec.json.decode(reply.body, type=_Health).snapshot
        except (PointsmanError, msgspec.MsgspecError):
            return None


class _Health(msgspec.Struct):
    snapshot: str


def _files(project: ProjectSpec, folder: Path) -> list[Finding]:
    ledger, log = project.store.ledger, project.gateway.access_log
    findings: list[Finding] = []
    if ledger is None:
        advice = "fine if nobody asks what was spent; otherwise delete `store.ledger: null`"
        findings.append(_found(subject="ledger", state="unknown", detail="requests and their cost are not kept", advice=advice))
    else:
        findings.append(_writable("ledger", folder, ledger, "store.ledger"))
    if log is not None and log != "-":
        path = folder / log
        if path.parent.is_dir():
            findings.append(_writable("access log", folder, log, "gateway.access_log"))
        else:
            advice = f"mkdir -p {path.parent}"
            findings.append(_found(subject="access log", state="fail", detail=f"{path.parent} does not exist", advice=advice))
    return [*findings, *_bodies(project, folder)]


def _bodies(project: ProjectSpec, folder: Path) -> list[Finding]:
    spec = project.store.bodies
    if spec is None:
        return []
    try:
        checked_bodies(spec, routes_of(project))
    except PointsmanError as error:
        return [_found(subject="bodies", state="fail", detail=error.message, advice=error.hint or "")]
    return [_writable("bodies", folder, spec.file, "store.bodies.file")]


def _writable(subject: str, folder: Path, name: str, key: str) -> Finding:
    """Whether the file, or one in the nearest folder there is, can be written."""
    path = folder / name
    place = next(p for p in (path.absolute().parent, *path.absolute().parents) if p.exists())
    advice = f"choose another place with {key}, or give the gateway's user the right to write there"
    if path.is_dir():
        return _found(subject=subject, state="fail", detail=f"{path} is a folder", advice=f"name a file with {key}")
    if path.exists() and not os.access(path, os.W_OK):
        return _found(subject=subject, state="fail", detail=f"{path} cannot be written", advice=advice)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return _found(subject=subject, state="fail", detail=f"{place}: {error.strerror or error}", advice=advice)
    return _found(subject=subject, state="pass", detail=f"{name} can be written")


def _otel(gateway: GatewaySpec, environment: Mapping[str, str]) -> list[Finding]:
    if gateway.otel is None:
        return []
    if importlib.util.find_spec("opentelemetry") is None or importlib.util.find_spec("opentelemetry.exporter") is None:
        advice = "pip install 'pointsman[otel]'"
        return [_found(subject="otel", state="fail", detail="its packages are not installed", advice=advice)]
    where = gateway.otel.endpoint or environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if where is None:
        advice = "endpoint: http://localhost:4318"
        return [_found(subject="otel", state="fail", detail="gateway.otel names no collector", advice=advice)]
    return [_found(subject="otel", state="pass", detail=f"spans and metrics go to {where}")]


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
