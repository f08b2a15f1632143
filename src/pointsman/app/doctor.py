"""The doctor: what is set up, what is not, and what to do about each."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

from pointsman import __version__
from pointsman.app.config import ProjectSpec, ProviderSpec, find_project, load_eval, load_project
from pointsman.app.finding import Finding
from pointsman.app.gateway_check import check_gateway
from pointsman.core.failure import PointsmanError, ProviderError
from pointsman.core.verdict import VerdictName
from pointsman.providers.endpoint import Endpoint, endpoint_for
from pointsman.providers.provider_row import load_provider, provider_names
from pointsman.providers.transport import Timeouts, Transport

__all__ = ["examine", "local_servers", "overall"]

_MOST_SKEW_S = 60.0
_LEAST_FREE_BYTES = 200 * 1024 * 1024
_REACH = Timeouts(connect_s=4.0, first_token_s=6.0, idle_s=6.0, total_s=8.0)


async def examine(folder: Path, runs: Path, environment: Mapping[str, str], *, reach: bool = True) -> list[Finding]:
    """Look at everything; with `reach`, also at the providers that have a key and the servers on this machine."""
    project, findings = _config(folder, environment)
    findings += await check_gateway(project, (find_project(folder) or folder / "pointsman.yaml").parent, environment)
    keyed = _keys(project, environment, findings)
    if reach:
        findings += await _reach(project, keyed, environment)
    return [*_versions(), *findings, *_disk(runs)]


def overall(findings: list[Finding]) -> VerdictName:
    """Fail if anything will not work, otherwise pass: what is not set up is not a fault."""
    return "fail" if any(f.state == "fail" for f in findings) else "pass"


def _versions() -> list[Finding]:
    python = platform.python_version()
    old = sys.version_info < (3, 11)
    found = [
        Finding(area="versions", subject="pointsman", state="pass", detail=__version__),
        Finding(
            area="versions",
            subject="python",
            state="fail" if old else "pass",
            detail=python,
            advice="use Python 3.11 or newer" if old else "",
        ),
    ]
    for package, advice in (
        ("uvloop", "pip install uvloop: runs take less CPU"),
        ("pyarrow", "pip install 'pointsman[parquet]', to read Parquet test sets"),
    ):
        try:
            found.append(Finding(area="versions", subject=package, state="pass", detail=importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            found.append(Finding(area="versions", subject=package, state="unknown", detail="not installed", advice=advice))
    return found


def _config(folder: Path, environment: Mapping[str, str]) -> tuple[ProjectSpec, list[Finding]]:
    findings: list[Finding] = []
    project, path = ProjectSpec(), find_project(folder)
    if path is None:
        findings.append(
            Finding(
                area="config",
                subject="pointsman.yaml",
                state="unknown",
                detail="none here or above",
                advice="fine for a single eval.yaml; `pointsman init` writes one",
            )
        )
    else:
        findings.append(_tried(str(path), partial(load_project, path, environment)))
        if findings[-1].state == "pass":
            project = load_project(path, environment)
    findings += [_tried(str(spec), partial(load_eval, spec, project, environment)) for spec in sorted(folder.glob("eval*.yaml"))]
    return project, findings


def _tried(subject: str, read: Callable[[], object]) -> Finding:
    try:
        read()
    except PointsmanError as error:
        return Finding(area="config", subject=subject, state="fail", detail=error.message, advice=error.hint or "")
    return Finding(area="config", subject=subject, state="pass", detail="reads well")


def _keys(project: ProjectSpec, environment: Mapping[str, str], findings: list[Finding]) -> list[str]:
    """Which providers have a key; the environment is looked at by name, and no value is shown."""
    keyed: list[str] = []
    for name in provider_names():
        row = load_provider(name)
        given = project.provider(name).keys
        variable = next((v for v in row.key_env if environment.get(v, "").strip()), None)
        if given or variable:
            keyed.append(name)
            where = f"{len(given)} in pointsman.yaml" if given else f"${variable}"
            findings.append(Finding(area="keys", subject=name, state="pass", detail=where))
        elif name in project.providers and row.key_required:
            names = " or ".join(row.key_env)
            findings.append(Finding(area="keys", subject=name, state="fail", detail="no key", advice=f"export {names}=…"))
    if not keyed:
        findings.append(
            Finding(
                area="keys",
                subject="providers",
                state="unknown",
                detail="no provider has a key",
                advice="export OPENAI_API_KEY=… or another; replay and scripted need none",
            )
        )
    return keyed


async def _reach(project: ProjectSpec, keyed: list[str], environment: Mapping[str, str]) -> list[Finding]:
    named = [n for n, given in project.providers.items() if given is not None and given.base_url is not None]
    async with Transport() as transport:
        probes = [_probe(transport, name, project.provider(name), environment) for name in dict.fromkeys([*keyed, *named])]
        found = await asyncio.gather(*probes)
        local = await local_servers(transport)
    return [f for findings in found for f in findings] + local


async def _probe(transport: Transport, name: str, ours: ProviderSpec, environment: Mapping[str, str]) -> list[Finding]:
    try:
        endpoint = endpoint_for(name, base_url=ours.base_url, dialect=ours.dialect, settings=ours.settings, environ=environment)
        began_s, wall_s = time.perf_counter(), time.time()
        reply = await transport.send(_models_url(endpoint), b"", {}, stream=False, timeouts=_REACH, method="GET")
    except ProviderError as error:
        return [
            Finding(
                area="reach",
                subject=name,
                state="fail",
                detail=error.failure.message,
                advice="check the network, a proxy, or base_url",
            )
        ]
    except PointsmanError as error:
        return [Finding(area="reach", subject=name, state="fail", detail=error.message, advice=error.hint or "")]
    # Any answer will do, also 401: no key is sent just to see whether somebody is there.
    found = [
        Finding(
            area="reach",
            subject=name,
            state="pass",
            detail=f"answers in {(time.perf_counter() - began_s) * 1000:.0f} ms (status {reply.status})",
        )
    ]
    if (date := reply.headers.get("Date")) is not None:
        skew_s = parsedate_to_datetime(date).timestamp() - wall_s
        far = abs(skew_s) > _MOST_SKEW_S
        found.append(
            Finding(
                area="clock",
                subject=name,
                state="fail" if far else "pass",
                detail=f"this clock differs by {skew_s:+.0f} s",
                advice="set the clock (NTP)" if far else "",
            )
        )
    return found


def _models_url(endpoint: Endpoint) -> str:
    return f"{endpoint.base_url.rstrip('/')}/models"


async def local_servers(transport: Transport) -> list[Finding]:
    """Model servers that listen on this machine at their usual port."""
    quick = Timeouts(connect_s=0.5, first_token_s=1.0, idle_s=1.0, total_s=1.5)
    found: list[Finding] = []
    for name in ("ollama", "vllm", "llamacpp", "lmstudio", "tgi"):
        if name not in provider_names():
            continue
        url = load_provider(name).base_url
        try:
            reply = await transport.send(f"{url.rstrip('/')}/models", b"", {}, stream=False, timeouts=quick, method="GET")
        except PointsmanError:
            continue
        if reply.status < 500:
            found.append(
                Finding(
                    area="reach",
                    subject=name,
                    state="pass",
                    detail=f"a server answers at {url}",
                    advice=f"use it with `provider: {name}`",
                )
            )
    return found


def _disk(runs: Path) -> list[Finding]:
    place = next(p for p in (runs.absolute(), *runs.absolute().parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return [
            Finding(
                area="disk",
                subject=str(runs),
                state="fail",
                detail=error.strerror or str(error),
                advice="choose another folder with --runs DIR",
            )
        ]
    free = shutil.disk_usage(place).free
    low = free < _LEAST_FREE_BYTES
    return [
        Finding(
            area="disk",
            subject=str(runs),
            state="fail" if low else "pass",
            detail=f"writable, {free / 1e9:.1f} GB free",
            advice="free some space" if low else "",
        )
    ]
