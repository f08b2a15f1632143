"""The outcome as a page for `docs/` and as lines for a terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import msgspec

from clients.cells import CASES, FEATURES, PROVIDERS
from clients.roster import Client

__all__ = ["Outcome", "page", "summary"]


class Outcome(msgspec.Struct, frozen=True):
    """What one client's cells came to."""

    client: Client
    versions: Mapping[str, str]
    complaints: Mapping[tuple[str, str], tuple[str, ...]]
    """By provider and case; empty is good."""

    def cell(self, provider: str, feature: str) -> str:
        """`ok`, `failed`, `–` where the client cannot be asked, or how many of the feature's cases could be."""
        cases = FEATURES[feature]
        ran = [case for case in cases if (provider, case) in self.complaints]
        if any(self.complaints[provider, case] for case in ran):
            return "failed"
        if not ran:
            return "–"
        return "ok" if len(ran) == len(cases) else f"ok {len(ran)}/{len(cases)}"


def summary(outcome: Outcome) -> Iterator[str]:
    """One client's rows for the terminal, with every complaint."""
    bad = sum(bool(c) for c in outcome.complaints.values())
    yield f"{outcome.client.name}: {len(outcome.complaints) - bad} of {len(outcome.complaints)} cells good"
    for (provider, case), complaints in outcome.complaints.items():
        for complaint in complaints:
            yield f"  {provider} | {case} | {complaint}"


def page(outcomes: list[Outcome], on: dt.date) -> str:
    """The whole page."""
    ran = sum(o.client.never is None for o in outcomes)
    cells, providers = sum(len(o.complaints) for o in outcomes), len(PROVIDERS)
    bad = sum(bool(c) for o in outcomes for c in o.complaints.values())
    lines = [
        "# Clients",
        "",
        "<!-- Written by `make test-clients`. Changes here are lost. -->",
        "",
        f"{ran} clients × {providers} provider protocols on {on}: {cells} cells, {cells - bad} good, {bad} failed.",
        "",
        "Each cell is a request of that client, as it is installed from its registry, through `pointsman serve` to a",
        "scripted provider that speaks the row's protocol. It is good if the client shows exactly what the provider said (text",
        "to the character, tool calls with ids and arguments, parsed objects, finish reason, token counts) and the provider",
        "was asked exactly what the client asked (prompts, history, settings, schemas, the bytes of pictures); for an error,",
        "if the client raises its own class for it, with our message and without the provider being asked twice.",
        "",
        "| client | provider | " + " | ".join(FEATURES) + " |",
        "| --- | --- |" + " --- |" * len(FEATURES),
    ]
    for outcome in outcomes:
        for number, provider in enumerate(PROVIDERS):
            name = outcome.client.name if number == 0 else ""
            row = [outcome.cell(provider, feature) for feature in FEATURES]
            lines.append(f"| {name} | `{provider}` | " + " | ".join(row) + " |")
    lines += ["", "## What each column ran", ""]
    lines += [f"- **{feature}**: " + "; ".join(cases) for feature, cases in FEATURES.items()]
    lines += ["", *_unsupported(outcomes), "", "## Versions", "", *_versions(outcomes), "", *_errors(outcomes)]
    return "\n".join(lines) + "\n"


def _unsupported(outcomes: list[Outcome]) -> Iterator[str]:
    yield "## What was not asked"
    yield ""
    yield "`ok 1/2` says that one of the column's two cases was run, `–` that none was. These were not, with any server:"
    yield ""
    yield "| client | case | why |"
    yield "| --- | --- | --- |"
    for outcome in outcomes:
        if outcome.client.never is not None:
            yield f"| {outcome.client.name} | all | {outcome.client.never} |"
        for case, why in outcome.client.unsupported.items():
            yield f"| {outcome.client.name} | {case} | {why} |"
    yield ""
    yield "These were run, and all but this was judged, since the client itself sends it otherwise than it was told:"
    yield ""
    yield "| client | case | what |"
    yield "| --- | --- | --- |"
    for outcome in outcomes:
        for case, what in outcome.client.rewrites.items():
            yield f"| {outcome.client.name} | {case} | {what} |"


def _versions(outcomes: list[Outcome]) -> Iterator[str]:
    yield "| client | packages |"
    yield "| --- | --- |"
    for outcome in outcomes:
        yield f"| {outcome.client.name} | " + ", ".join(f"{n} {v}" for n, v in outcome.versions.items()) + " |"


def _errors(outcomes: list[Outcome]) -> Iterator[str]:
    kinds = list(dict.fromkeys(case.error for case in CASES.values() if case.error))
    yield "## What each client raises"
    yield ""
    yield "| client | " + " | ".join(kind.replace("_", " ") for kind in kinds) + " |"
    yield "| --- |" + " --- |" * len(kinds)
    for outcome in outcomes:
        if outcome.client.never is not None:
            continue
        raised = (outcome.client.errors[kind] for kind in kinds)
        yield f"| {outcome.client.name} | " + " | ".join(f"`{wanted.kind}`" for wanted in raised) + " |"
