"""Runs every cell of one client: gateway and driver fresh, providers as if nobody had asked before."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from clients.cells import BEFORE, CASES, MAX_TOKENS, PROVIDERS, RESULTS, TEMPERATURE, TOOLS, Case
from clients.driving import driving
from clients.judge import complaints
from clients.roster import Client
from clients.stage import Gateway, Providers, route_of, serving
from clients.table import Outcome

__all__ = ["run_cells", "run_client"]


def run_client(client: Client, behind: Providers) -> Outcome:
    """Every cell that this client can be asked."""
    behind.forget()
    with serving(behind) as gateway:
        return run_cells(client, behind, gateway)


def run_cells(
    client: Client, behind: Providers, gateway: Gateway, *, only: Collection[str] = CASES.keys(), python: str | None = None
) -> Outcome:
    """The cells of these cases at a gateway that runs; `python` has the client's packages, by default that of its home."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    with tempfile.TemporaryDirectory() as folder, driving(client, gateway.base_url, Path(folder), python=python) as driver:
        for provider, name in _all_cells(client):
            if name in only:
                behind.take()
                seen = driver.ask(_ticket(gateway, provider, name, CASES[name]))
                found[provider, name] = tuple(complaints(client, CASES[name], seen, behind.take()))
        return Outcome(client, driver.versions, found)


def _all_cells(client: Client) -> Iterator[tuple[str, str]]:
    for provider in PROVIDERS:
        for name in CASES:
            if client.never is None and name not in client.unsupported:
                yield provider, name


def _ticket(gateway: Gateway, provider: str, name: str, case: Case) -> dict[str, Any]:
    ticket: dict[str, Any] = {
        "op": case.op,
        "key": gateway.key if case.key == "good" else f"{gateway.key}-not",
        "model": case.route or route_of(provider, name),
        "question": case.question,
        "before": BEFORE,
        "temperature": TEMPERATURE,
        "max_tokens": MAX_TOKENS,
        "tools": TOOLS,
        "results": RESULTS,
    }
    if case.image is not None:
        ticket["image"] = case.image
    if case.image_url is not None:
        ticket["image_url"] = case.image_url
    return ticket
