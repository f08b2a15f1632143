"""A run as Markdown for a pull request: what it found on one screen, the rest folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pointsman.core.verdict import VerdictName
from pointsman.evals.outcome import Outcome
from pointsman.evals.result import Comparison, RunResult
from pointsman.report import format as fmt
from pointsman.report.words import (
    METRIC_WORD,
    OUTCOME_WORD,
    VERDICT_WORD,
    comparison_unit,
    cost_total,
    criterion_unit,
    headline,
    notices,
    open_questions,
    scope,
    verdict_lines,
)

__all__ = ["comparisons_markdown", "escaped", "folded", "listed", "run_markdown", "table"]

_MARK: dict[VerdictName, str] = {"pass": "✅", "fail": "❌", "unknown": "❔"}
# In a table or a paragraph each of these could begin markup.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()|~!$])")
# A name after @, an issue after #, a commit's or a link's colon would notify people or link away.
_REFERENCE = re.compile(r"([@#]|://|www\.)")
_MOST = 300


def escaped(text: str, most: int | None = _MOST) -> str:
    """A stranger's text as itself on one line: no markup, no HTML, no mention, no link; 300 characters unless told."""
    line = fmt.plain(text, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", _REFERENCE.sub(lambda m: m[1][0] + "&#8203;" + m[1][1:], line))


def run_markdown(result: RunResult) -> str:
    """The comment: headline, verdict, warnings, one table, comparisons, criteria; details folded."""
    blocks = [
        f"### {_verdict(result.verdict)}: {escaped(result.name)}",
        f"**{escaped(headline(result))}**",
        "\n".join(f"- {_verdict(verdict)}: {escaped(words)}" for verdict, words in verdict_lines(result)),
        "\n".join(f"> [!WARNING]\n> {escaped(n)}\n" for n in notices(result)),
        _variants(result),
        comparisons_markdown(result.comparisons),
        _criteria(result),
        listed("**What is open, and what would settle it**", open_questions(result)),
        folded("Outcomes, proof-of-concept checklist, provenance", (_outcomes(result), _checks(result), _provenance(result))),
    ]
    return "\n\n".join(b.strip("\n") for b in blocks if b) + "\n"


def comparisons_markdown(comparisons: Sequence[Comparison]) -> str:
    """Candidates against their baselines; empty without any."""
    rows = (
        [
            escaped(c.candidate),
            escaped(c.baseline),
            escaped(METRIC_WORD.get(c.metric, c.metric)),
            escaped(fmt.sized(c.difference, comparison_unit(c.metric))),
            escaped(
                fmt.p_value(c.p_value if c.p_adjusted is None else c.p_adjusted)
                + (", adjusted" if c.p_adjusted is not None else "")
            ),
            _verdict(c.verdict),
        ]
        for c in comparisons
    )
    return table(("Candidate", "Baseline", "Metric", "Difference", "Evidence", "Verdict"), rows)


def _variants(result: RunResult) -> str:
    rows = (
        [
            escaped(v.name),
            escaped(fmt.sized(v.quality, fmt.SHARE)),
            escaped(fmt.measured(v.latency_s.p50)),
            escaped(fmt.measured(v.latency_s.p95)),
            escaped(fmt.measured(v.cost.per_request_usd, fmt.DOLLARS)),
            escaped(fmt.measured(v.error_rate, fmt.SHARE)),
            escaped(cost_total(v.cost)),
        ]
        for v in result.variants
    )
    return table(("Variant", "Quality", "p50", "p95", "Cost per request", "Error rate", "Spent"), rows)


def _criteria(result: RunResult) -> str:
    rows = (
        [
            escaped(c.variant),
            escaped(f"{c.criterion} {c.limit}"),
            escaped(fmt.measured(c.measured, criterion_unit(c), reason=True)),
            _verdict(c.verdict),
        ]
        for c in result.criteria
    )
    return table(("Variant", "Criterion", "Measured", "Verdict"), rows)


def _outcomes(result: RunResult) -> str:
    seen = [o for o in Outcome if any(v.outcomes.get(o) for v in result.variants)]
    rows = ([escaped(v.name), fmt.count(v.trials), *(fmt.count(v.outcomes.get(o, 0)) for o in seen)] for v in result.variants)
    return table(("Variant", "Trials", *(OUTCOME_WORD[o].capitalize() for o in seen)), rows)


def _checks(result: RunResult) -> str:
    rows = ([escaped(c.item), _MARK[c.answer], escaped(c.why)] for c in (*result.checklist, *result.pitfalls))
    return table(("Checklist, then pitfalls", "", "Why"), rows)


def _provenance(result: RunResult) -> str:
    t = result.tests
    hashes = (f"{escaped(v.name)}: hash {escaped(v.hash)}" for v in result.variants)
    facts = (
        escaped(scope(result)),
        f"run {escaped(result.run)}, seed {result.seed}",
        f"test set {escaped(t.file)}, hash {escaped(t.hash)}",
        *hashes,
        f"intervals at {100 * result.level:g} %",
        *(f"{escaped(k)} {escaped(v)}" for k, v in result.versions.items()),
    )
    return "\n".join(f"- {f}" for f in facts)


def _verdict(name: VerdictName) -> str:
    return f"{_MARK[name]} {VERDICT_WORD[name]}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are escaped already; empty without a row."""
    body = [f"| {' | '.join(row)} |" for row in rows]
    if not body:
        return ""
    return "\n".join([f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns), *body])


def listed(title: str, lines: Sequence[str], most: int | None = _MOST) -> str:
    """A title over a list of a stranger's lines; empty without one."""
    return "\n".join([title, "", *(f"- {escaped(line, most)}" for line in lines)]) if lines else ""


def folded(title: str, blocks: Iterable[str]) -> str:
    """Blocks behind a line to click."""
    inside = "\n\n".join(b for b in blocks if b)
    return f"<details><summary>{title}</summary>\n\n{inside}\n\n</details>"
