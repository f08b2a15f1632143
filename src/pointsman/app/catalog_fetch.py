"""The bytes of the outside lists: from a folder, from a mirror, or from where each is published."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pointsman.catalog.claim import fact_sources
from pointsman.catalog.refresh import PRICE_LIST_URL
from pointsman.core.failure import FailureClass, PointsmanError, ProviderError
from pointsman.providers.transport import Timeouts, Transport

__all__ = ["fetch_sources", "mirror_of"]

_WEB = ("http://", "https://")


def mirror_of(text: str | None) -> Path | str | None:
    """What `--from` names: a folder, or the address of one."""
    return Path(text) if text and not text.startswith(_WEB) else text or None


def fetch_sources(
    names: tuple[str, ...], mirror: Path | str | None = None, timeout_s: float = 60.0
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Bytes of each source, and for those missing the reason.

    `mirror` is a folder or the address of one, which holds `NAME.json`; without it each source's own address
    is asked. `timeout_s` bounds each source from the first packet to the last. Redirects are not followed, and
    nothing but the address is sent. Raises `PointsmanError` for a mirror that is not there.
    """
    if isinstance(mirror, Path):
        if not mirror.is_dir():
            raise PointsmanError(f"there is no folder {mirror}", hint="--from takes a folder, or an http(s) address of one")
        return _read(names, mirror)
    return asyncio.run(_fetch(names, mirror, timeout_s))


def _read(names: tuple[str, ...], folder: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    raw: dict[str, bytes] = {}
    failed: dict[str, str] = {}
    for name in names:
        try:
            raw[name] = (folder / f"{name}.json").read_bytes()
        except OSError as error:
            failed[name] = str(error)
    return raw, failed


async def _fetch(names: tuple[str, ...], mirror: str | None, timeout_s: float) -> tuple[dict[str, bytes], dict[str, str]]:
    raw: dict[str, bytes] = {}
    failed: dict[str, str] = {}
    limits = Timeouts(connect_s=min(10.0, timeout_s), first_token_s=timeout_s, idle_s=timeout_s, total_s=timeout_s)

    async def one(transport: Transport, name: str) -> None:
        try:
            reply = await transport.send(_address(name, mirror), b"", _HEADERS, stream=False, timeouts=limits, method="GET")
        except ProviderError as error:
            failed[name] = _reason(error, timeout_s)
            return
        if reply.status == 200:
            raw[name] = reply.body
        else:
            failed[name] = f"HTTP {reply.status}"

    async with Transport() as transport:
        await asyncio.gather(*(one(transport, name) for name in names))
    return raw, failed


_HEADERS = {"user-agent": "pointsman", "accept": "application/json, text/plain"}


def _reason(error: ProviderError, timeout_s: float) -> str:
    """In this command's words: the transport speaks of a provider's settings, which a list does not have."""
    failure = error.failure
    if failure.status is not None and 300 <= failure.status < 400:
        return f"HTTP {failure.status}: it redirects, which is not followed"
    if failure.kind is FailureClass.TIMEOUT:
        return f"not read within {timeout_s:g} s"
    return failure.message


def _address(name: str, mirror: str | None) -> str:
    if mirror is not None:
        return f"{mirror.rstrip('/')}/{name}.json"
    return PRICE_LIST_URL if name == "genai_prices" else fact_sources().load(name).url
