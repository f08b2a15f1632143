"""Tables and lists in the concepts agree with the code they speak of."""

from __future__ import annotations

import re
from hashlib import blake2b

import pytest

from pointsman.app.run_dir import __doc__ as run_dir_doc
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.plugin import Family
from pointsman.evals.dataset import TestsSpec
from pointsman.evals.outcome import MODEL_OUTCOMES, Outcome
from pointsman.evals.scorer import SCORERS
from pointsman.providers.concurrency import AimdSettings
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.keys import KeyRing
from pointsman.providers.local_provider import LOCAL
from pointsman.providers.retry import RetryPolicy
from pointsman.providers.secret import Secret
from pointsman.providers.transport import Timeouts
from pointsman.routing.fallback import GoTo, Stop, after_failure
from pointsman.routing.health import Breaker, BreakerLimits
from pointsman.routing.policy import POLICIES
from pointsman.telemetry.trace_context import span_id, trace_of
from support.docs import REPOSITORY, read


def rows(page: str) -> dict[str, list[str]]:
    """Table rows by the first code in their first cell."""
    cells = [[c.strip() for c in line.strip("| ").split(" | ")] for line in read(page).splitlines() if line.startswith("|")]
    return {found[0]: line for line in cells if (found := re.findall(r"`([^`]+)`", line[0]))}


def test_the_architecture_names_every_package():
    """A room that is built is drawn."""
    drawn = read("concepts/architecture.md").partition("## Rooms and arrows")[2].partition("## Families")[0]
    packages = {p.parent.name for p in (REPOSITORY / "src/pointsman").glob("*/__init__.py")}
    assert [p for p in sorted(packages) if not re.search(rf"^(?:.*\|\s*)?{p}\b", drawn, re.MULTILINE)] == []


@pytest.mark.parametrize("family", [SCORERS, DIALECTS, LOCAL, POLICIES], ids=lambda f: f.noun)
def test_the_architecture_names_every_family(family: Family):
    """With the group of its entry point."""
    assert family.entry_point_group in rows("concepts/architecture.md")


def test_each_outcome_is_explained_with_its_place_in_quality():
    """Yes for what the model did, no for what happened to it."""
    table = rows("concepts/outcomes-and-verdicts.md")
    for outcome in Outcome:
        assert table[outcome.value][2].startswith("yes" if outcome in MODEL_OUTCOMES else "no"), outcome


def test_each_failure_class_is_explained_with_its_retry_and_its_fault():
    """The account's failures are tried with another key."""
    table = rows("concepts/providers.md")
    for kind in FailureClass:
        again = "yes" if kind.retryable else "with another key" if kind.fault == "account" else "no"
        assert table[kind.value][1].startswith(again), kind
        assert table[kind.value][2] == kind.fault, kind


def test_the_waits_stated_are_the_ones_in_force():
    """Retries, back-off, key rotation, the four clocks."""
    text = " ".join(read("concepts/providers.md").split())
    policy, usual, ring = RetryPolicy(), Timeouts(), KeyRing([Secret("k")])
    assert f"Up to {policy.max_attempts - 1} retries" in text
    assert (
        f"at most {policy.base_s:g} s, {2 * policy.base_s:g} s, {4 * policy.base_s:g} s …, capped at {policy.max_backoff_s:g} s"
        in text
    )
    assert f"asks for more than {policy.max_retry_after_s:g} s" in text
    assert f"to the bench for {ring.bench_s / 60:g} minutes" in text
    for name, seconds in (
        ("connect", usual.connect_s),
        ("first byte", usual.first_token_s),
        ("between", usual.idle_s),
        ("the whole", usual.total_s),
    ):
        assert re.search(rf"\| {name}[^|]* \| {seconds:g} s \|", text), name
    assert ("halves on a 429" in text) == (AimdSettings(max_limit=1).on_limited == 0.5)


def test_what_becomes_of_each_failure_is_what_the_gateway_does():
    """Asked again or not, taken on along the chain or not, counted against the variant or not."""
    table = rows("concepts/gateway.md")
    chain = (Stop(variant="a", context_tokens=1), Stop(variant="b", context_tokens=2))
    for kind in FailureClass:
        (line,) = [line for line in table.values() if f"`{kind.value}`" in line[0]]
        failure = Failure(kind=kind, message="x", retry_after_s=1.0)
        goes = isinstance(after_failure(chain, 0, failure), GoTo)
        assert line[2].startswith("no") != goes, kind
        breaker = Breaker()
        for _ in range(BreakerLimits().consecutive):
            breaker.failed(failure, 0.0)
        assert line[3].startswith("no") == (breaker.state(0.0) == "closed"), kind
        again = kind.retryable or kind.fault == "account"
        assert line[1].startswith("no") != again, kind


def test_the_breakers_figures_are_those_in_force():
    text = " ".join(read("concepts/gateway.md").split())
    limits = BreakerLimits()
    assert (limits.consecutive, limits.failed_ratio) == (5, 0.5)
    assert f"Five failures in a row, or half of {limits.min_calls} calls within {limits.window_s:g} seconds" in text
    assert f"**rests** {limits.rest_s:g} seconds" in text
    assert f"doubles, up to {limits.max_rest_s / 60:g} minutes" in text


def test_the_ids_of_spans_can_be_worked_out_as_written():
    text = read("concepts/gateway.md")
    assert "16\nbytes of BLAKE2b over `trace DECISION`" in text
    assert "8 bytes over `span 0 DECISION`" in text
    assert trace_of("d", None, 1.0).trace_id == int.from_bytes(blake2b(b"trace d", digest_size=16).digest(), "big")
    assert span_id("d", 1) == int.from_bytes(blake2b(b"span 1 d", digest_size=8).digest(), "big")


def test_the_run_folder_is_listed_whole():
    """As the module that makes it lists it."""
    listed = set(re.findall(r"^(\w+\.\w+)", run_dir_doc or "", re.MULTILINE))
    assert listed
    assert [n for n in listed if f"\n{n} " not in read("concepts/journal-and-resume.md")] == []


def test_the_columns_of_a_test_set_are_all_named():
    """Those that are found by their own name."""
    named = set(re.findall(r"`(\w+)`", (TestsSpec.__doc__ or "").partition("own name as default")[2].partition(")")[0]))
    assert named
    assert [n for n in named if n not in "".join(k for row in rows("how-to/test-sets.md").values() for k in row[:1])] == []
