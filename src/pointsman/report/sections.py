"""The parts of the page that are tables and text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.verdict import VerdictName
from pointsman.evals.outcome import Outcome
from pointsman.evals.result import Check, Comparison, RunResult, VariantResult
from pointsman.report import format as fmt
from pointsman.report.charts.svg import variant_class
from pointsman.report.markup import Attribute, Html, join, tag
from pointsman.report.words import (
    METRIC_WORD,
    OUTCOME_MEANING,
    OUTCOME_WORD,
    VERDICT_MARK,
    VERDICT_WORD,
    comparison_unit,
    cost_total,
    criterion_unit,
    missing,
)

__all__ = [
    "checks_table",
    "comparison_table",
    "criteria_table",
    "estimate",
    "how_to_read",
    "outcome_table",
    "provenance",
    "slice_table",
    "speed_table",
    "table",
    "variant_table",
    "verdict",
]

_READING = (  # one paragraph each
    (
        "Every measured number stands with its {level} % interval in brackets: the range of true values that the evidence allows."
        " Where there is no evidence it says unknown; unknown is never counted as zero and never as a pass."
    ),
    (
        "Quality is the mean score per case over the trials in which the model did something: correct, wrong, bad format, refused"
        " and truncated. Errors, timeouts and unscored trials are left out; “what is missing” says how far they could move it."
        " n counts each {unit} once, however often it was asked."
    ),
    (
        "Every other rate is a share of all trials. Latency and cost are over answers that arrived; answers from our own cache"
        " have no latency. A p95 has an upper bound only from about 59 answers on; without one the bracket says ∞."
    ),
    (
        "A difference is candidate − baseline on the cases both answered, pair by pair. Pass: every difference the evidence"
        " allows is within the margin. Fail: none is. Otherwise there is not enough evidence."
        " Adjusted p-values are corrected over all candidates (Holm)."
    ),
)
_RATED = tuple(o for o in Outcome if o not in (Outcome.CORRECT, Outcome.WRONG))


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Html | str]], *, sortable: bool = True) -> Html:
    """Rows whose first cell is their header, in a box that scrolls sideways on a narrow screen."""
    head = tag("tr", *(tag("th", c, scope="col") for c in columns))
    body = (
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(c if c.startswith("<td") and isinstance(c, Html) else tag("td", c) for c in row[1:]),
        )
        for row in rows
    )
    inner = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body), data_sortable=sortable)
    return tag("div", inner, class_="scroll", tabindex=0, role="region", aria_label=caption)


def estimate(m: Measured, unit: fmt.Unit | None = None, *, wide: bool = False) -> Html:
    """A measured number with its interval, or the word unknown with its reason."""
    if isinstance(m, Unknown):
        return tag("span", "unknown", tag("small", f" {fmt.plain(m.reason)}"), class_="est none")
    value, interval = fmt.value_and_interval(m, unit)
    n = tag("small", f" n = {fmt.count(m.n)}") if wide else None
    how = f"n = {fmt.count(m.n)}, {fmt.plain(m.method)}, {100 * m.level:g} % interval"
    return tag("span", value, tag("small", f" {interval}"), n, class_="est", title=how)


def verdict(name: VerdictName, words: dict[VerdictName, str] = VERDICT_WORD) -> Html:
    """A word with a mark and a colour, readable by each alone."""
    return tag("span", f"{VERDICT_MARK[name]} {words[name]}", class_=f"verdict {name}")


def variant_table(result: RunResult) -> Html:
    """What each variant is and how good."""
    rows = (
        [
            _named(i, v),
            _model(v),
            _cell(v.quality, fmt.SHARE, wide=True),
            _why(missing(v) or "nothing is missing"),
            _cell(v.error_rate, fmt.SHARE),
        ]
        for i, v in enumerate(result.variants)
    )
    return table("Variants", ("Variant", "Model", "Quality", "If what is missing were wrong, or right", "Error rate"), rows)


def speed_table(result: RunResult) -> Html:
    """Latency and cost, each with its interval."""
    rows = (
        [
            _named(i, v),
            *(_cell(m, None) for m in (v.latency_s.p50, v.latency_s.p95, v.ttft_s.p50, v.ttft_s.p95)),
            _cell(v.cost.per_request_usd, fmt.DOLLARS),
            _cell(v.cost.per_correct_usd, fmt.DOLLARS),
            cost_total(v.cost),
        ]
        for i, v in enumerate(result.variants)
    )
    return table(
        "Speed and cost",
        (
            "Variant",
            "Latency p50",
            "Latency p95",
            "First token p50",
            "First token p95",
            "Cost per request",
            "Cost per correct answer",
            "Spent",
        ),
        rows,
    )


def outcome_table(result: RunResult) -> Html:
    """Counts by outcome with the share of each."""
    seen = [o for o in _RATED if any(v.outcomes.get(o) for v in result.variants)]
    rows = (
        [
            _named(i, v),
            _number(v.trials),
            _number(v.outcomes.get(Outcome.CORRECT, 0)),
            _number(v.outcomes.get(Outcome.WRONG, 0)),
            *(_rated(v, o) for o in seen),
        ]
        for i, v in enumerate(result.variants)
    )
    return table(
        "Trials by outcome: count, and share of all trials",
        ("Variant", "Trials", "Correct", "Wrong", *(OUTCOME_WORD[o].capitalize() for o in seen)),
        rows,
    )


def comparison_table(comparisons: Sequence[Comparison]) -> Html:
    """Each candidate against its baseline."""
    rows = (
        [
            fmt.plain(c.candidate),
            fmt.plain(c.baseline),
            METRIC_WORD.get(c.metric, fmt.plain(c.metric)),
            _cell(c.difference, comparison_unit(c.metric), wide=True),
            _evidence(c),
            verdict(c.verdict),
            _why(c.reason + (f"; about {fmt.count(c.needed)} more cases would settle it" if c.needed else "")),
        ]
        for c in comparisons
    )
    return table(
        "Candidates against the baseline, pair by pair on the same cases",
        ("Candidate", "Baseline", "Metric", "Difference", "Evidence", "Verdict", "Why"),
        rows,
    )


def criteria_table(result: RunResult) -> Html:
    """Each bound the user set and whether it holds."""
    rows = (
        [
            fmt.plain(c.variant),
            tag("code", fmt.plain(c.criterion)),
            fmt.plain(c.limit),
            _cell(c.measured, criterion_unit(c), wide=True),
            verdict(c.verdict),
            _why(c.reason),
        ]
        for c in result.criteria
    )
    return table("Criteria", ("Variant", "Criterion", "Limit", "Measured", "Verdict", "Why"), rows)


def slice_table(result: RunResult) -> Html:
    """Quality by tag, for reading what the small charts draw."""
    by_variant = [{s.tag: s.quality for s in v.slices} for v in result.variants]
    tags = sorted({t for by in by_variant for t in by}, key=lambda t: (-result.tests.tags.get(t, 0), t))
    absent = Unknown("no case")
    rows = (
        [fmt.plain(t), _number(result.tests.tags.get(t, 0)), *(_cell(by.get(t, absent), fmt.SHARE) for by in by_variant)]
        for t in tags
    )
    return table("Quality by tag", ("Tag", "Cases", *(fmt.plain(v.name) for v in result.variants)), rows)


def checks_table(caption: str, checks: Sequence[Check], words: dict[VerdictName, str]) -> Html:
    """A checklist with its answers."""
    rows = ([c.item, verdict(c.answer, words), _why(c.why)] for c in checks)
    return table(caption, ("Item", "Answer", "Why"), rows, sortable=False)


def how_to_read(result: RunResult) -> Html:
    """What the words, intervals and denominators mean."""
    terms = ((OUTCOME_WORD[o], meaning) for o, meaning in OUTCOME_MEANING.items())
    unit = "case" if result.tests.clusters is None else "cluster of cases"
    said = (line.format(level=f"{100 * result.level:g}", unit=unit) for line in _READING)
    return join((*(tag("p", s) for s in said), tag("dl", *(join((tag("dt", t), tag("dd", d))) for t, d in terms))))


def provenance(result: RunResult) -> Html:
    """Where every figure comes from: enough to run it again."""
    t = result.tests
    facts = [
        ("Run", fmt.plain(result.run)),
        ("Started", fmt.when(result.started_s)),
        ("Time at work", fmt.duration(result.elapsed_s)),
        ("Test set", f"{fmt.plain(t.file)}, {fmt.count(t.cases)} cases, hash {fmt.plain(t.hash)}"),
        ("Scorers", ", ".join(map(fmt.plain, result.scorers)) or "none"),
        ("Repeats", str(result.repeats)),
        ("Seed", str(result.seed)),
        ("Budget", "no limit" if result.budget_usd is None else fmt.dollars(result.budget_usd)),
        ("Versions", ", ".join(f"{fmt.plain(k)} {fmt.plain(v)}" for k, v in result.versions.items()) or "unknown"),
    ]
    variants = (
        [
            _named(i, v),
            tag("code", fmt.plain(v.hash)),
            _params(v),
            ", ".join(map(fmt.plain, v.served_models)) or "not said",
            _prices(v, result.started_s),
            _tokens(v),
            _number(v.retries),
        ]
        for i, v in enumerate(result.variants)
    )
    columns = ("Variant", "Hash", "Parameters", "Answered as", "Prices from", "Tokens in / out", "Retries")
    listed = tag("dl", *(join((tag("dt", k), tag("dd", v))) for k, v in facts), class_="facts")
    return join((listed, table("What answered", columns, variants)))


def _named(index: int, v: VariantResult) -> Html:
    return join((tag("span", class_=f"swatch {variant_class(index)}", aria_hidden="true"), fmt.plain(v.name)))


def _model(v: VariantResult) -> Html:
    return join((fmt.plain(v.model), tag("small", f" {fmt.plain(v.provider)}")))


def _cell(m: Measured, unit: fmt.Unit | None, *, wide: bool = False) -> Html:
    return _td(estimate(m, unit, wide=wide), value=m.value if isinstance(m, Estimate) else None)


def _number(n: int) -> Html:
    return _td(fmt.count(n), value=n)


def _td(content: str, *, value: float | None) -> Html:
    sort: Attribute = None if value is None else f"{value:.9g}"
    return tag("td", content, data_value=sort, class_="num")


def _rated(v: VariantResult, outcome: Outcome) -> Html:
    n = v.outcomes.get(outcome, 0)
    rate = v.rates.get(outcome, Unknown("no trial has finished"))
    return _td(join((fmt.count(n), tag("small", " ", estimate(rate, fmt.SHARE), class_="under"))), value=n)


def _params(v: VariantResult) -> str:
    return ", ".join(f"{fmt.plain(k)}: {fmt.plain(str(x), 60)}" for k, x in v.params.items()) or "defaults"


def _evidence(c: Comparison) -> Html:
    adjusted = tag("small", f" {fmt.p_value(c.p_adjusted)}, adjusted", class_="under") if c.p_adjusted is not None else None
    return join((fmt.p_value(c.p_value), adjusted))


def _why(words: str) -> Html:
    return tag("td", fmt.plain(words), class_="why")


def _prices(v: VariantResult, at_s: float) -> str:
    if v.cost.source is None:
        return "no price known"
    notes = [fmt.age(v.cost.checked_on, at_s)]
    notes += [f"{fmt.count(v.cost.unpriced)} requests unpriced"] if v.cost.unpriced else []
    notes += [f"{fmt.count(v.cost.estimated)} token counts estimated"] if v.cost.estimated else []
    return f"{fmt.plain(v.cost.source)} ({'; '.join(notes)})"


def _tokens(v: VariantResult) -> str:
    return " / ".join("unknown" if n is None else fmt.count(n) for n in (v.input_tokens, v.output_tokens))
