"""A migration's status on a terminal."""

from __future__ import annotations

import math
from typing import Any

import click

from pointsman.cli.output import say
from pointsman.report import format as fmt

__all__ = ["print_status", "status_lines"]

_BAR = 20
_EVENTS_SHOWN = 8
_MARK = {"pass": "✓", "fail": "✗", "unknown": "·"}


def print_status(document: dict[str, Any], *, clear: bool) -> None:
    """To stdout; what needs a person's eye to stderr."""
    if clear:
        click.clear()
    for line in status_lines(document):
        click.echo(line)
    if not document["attended"] and document["status"] in ("running", "completed"):
        say("no gateway attends to it: start `pointsman serve`")
    if document["log"]["broken_at"] is not None:
        say(f"the log was changed at event {document['log']['broken_at']}: do not trust it")


def status_lines(document: dict[str, Any]) -> list[str]:
    """The whole of it."""
    lines = [
        f"{document['migration']}   {document['route']}: {document['from']} → {document['to']}",
        f"{_standing(document)}   {document['weight']:.2%} of new units get the candidate",
    ]
    if document.get("says"):
        lines.append(document["says"])
    if "tally" in document:
        lines += ["", *_tally(document)]
    if document.get("checks"):
        lines += ["", *(_check(name, check) for name, check in document["checks"].items())]
    lines += ["", *(_event(e) for e in document["events"][-_EVENTS_SHOWN:])]
    whole = "whole" if document["log"]["broken_at"] is None else "BROKEN"
    return [*lines, f"log of {document['log']['events']} events, {whole}, head {document['log']['head'][:16]}"]


def _standing(document: dict[str, Any]) -> str:
    status = str(document["status"]).replace("_", " ")
    if "phases" not in document or status != "running":
        return status
    phase = document["phases"][document["phase"]]
    more = "".join(f", {word}" for word in ("paused", "held") if document[word]) + (
        ", asks a person" if document["asked"] else ""
    )
    lasted = f"{fmt.duration(document['in_phase_s'])} of at least {fmt.duration(phase['least_s'])}"
    return f"{status}{more}: phase {document['phase'] + 1} of {len(document['phases'])}, {phase['kind']}, {lasted}"


def _tally(document: dict[str, Any]) -> list[str]:
    t = document["tally"]
    lines = [
        f"{t['requests']:,} requests, {t['candidate_requests']:,} of them the candidate's, from {t['candidate_units']:,} units"
    ]
    if t["pairs"] or t["ratings"]:
        lines.append(f"{t['pairs']:,} shadow pairs, {t['ratings']:,} ratings")
    if t["pairs"]:
        lines.append(_shadow(t["shadow"]))
    if t["crossed"]:
        lines.append(f"{t['crossed']:,} requests left out: their unit had been on the other side")
    replicas = ", ".join(
        f"#{r['worker']} {r['weights'].get(document['migration'], 0.0):.2%}" for r in document.get("replicas", ())
    )
    return [*lines, f"replicas: {replicas or 'none'}"]


def _shadow(shadow: dict[str, Any]) -> str:
    """How the mirrored requests compared."""
    said = [f"shadow: candidate alone flawed {shadow['lost']:,}, baseline alone {shadow['won']:,}"]
    for word, (n, mine, theirs) in (("time", shadow["latency_s"]), ("cost", shadow["cost_usd"])):
        if n and mine:
            said.append(f"{word} {theirs / mine:.2f}×")
    if shadow["similarity"][0]:
        said.append(f"alike {shadow['similarity'][1] / shadow['similarity'][0]:.0%}")
    flaws = ", ".join(f"{flaw} {n:,}" for flaw, n in shadow["candidate_flaws"].items())
    return ", ".join(said) + f", {shadow['usd']:.4g} USD" + (f" ({flaws})" if flaws else "")


def _check(name: str, check: dict[str, Any]) -> str:
    """A line with the evidence of harm as a bar that is full where one would roll back."""
    log_e, threshold = check["log_e"], check["log_threshold"]
    part = 0.0 if log_e is None or not math.isfinite(log_e) else min(1.0, max(0.0, log_e / threshold))
    bar = ("█" * round(part * _BAR)).ljust(_BAR, "░")
    estimate = check["estimate"]
    value = "–" if "unknown" in estimate else f"{estimate['value']:.3g}"
    return f"{_MARK[check['verdict']]} {name:14s} {bar} {check['rung']:8s} {value:>8s}  {check['reason']}"


def _event(event: dict[str, Any]) -> str:
    said = event.get("reason") or ", ".join(f"{k} {v}" for k, v in event.items() if k not in ("number", "at", "kind"))
    by = (
        f" ({event['actor']}{': ' + event['why'] if event.get('why') else ''})"
        if event.get("actor") and event.get("reason")
        else ""
    )
    return f"{event['at'][11:19]}  {event.get('action', event['kind']):11s} {said}{by}"
