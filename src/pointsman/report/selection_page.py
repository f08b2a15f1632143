"""A selection as one page, for whoever has to agree with the choice and was not there when it was made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pointsman.report import format as fmt
from pointsman.report import sections
from pointsman.report import selection_lines as said
from pointsman.report.charts.selection import ability_chart, first_place_chart, score_chart
from pointsman.report.markup import Html, join, tag
from pointsman.report.page import Part, whole_page
from pointsman.selection.needs_words import needs_words
from pointsman.selection.select import Choice, Selection

__all__ = ["selection_page"]

_HEADS = ("Offer", "Score", "First in", "A request", "A month", "In twelve months", "To verify")
_READING = (
    (
        "A must refuses, a wish orders. What no source says is neither a refusal nor a pass: it stands under what to verify."
        " Every fact names the source it was read from and the day; “recalled” and “second-hand” mean what they say."
    ),
    (
        "The score adds up the wishes by weight, each between 0 and 1 on anchors that do not depend on who else is in the"
        " race, so a model that comes or goes never changes the order of the others. Its brackets say what the score would be"
        " if everything uncertain turned out badly, or well. A wish of which nothing is known earns nothing."
    ),
    (
        "Draws: the weights are drawn around yours and every uncertain result from its interval; a finalist's share is how"
        " often it comes first. A share far below one half says that what is published cannot decide between the finalists,"
        " and that a bake-off on your own cases can."
    ),
    (
        "A month is the list price times your volume; its range is the volume a quarter off either way, for own cards the range"
        " of rents and speeds. Ability: 0 is the average model with published results, 1 the spread"
        " between models (a standard deviation)."
    ),
)


def selection_page(s: Selection) -> str:
    """The whole page."""
    warned = tag("ul", *(tag("li", fmt.plain(n)) for n in s.notes), class_="warnings", aria_label="Notes") if s.notes else None
    header = tag(
        "header",
        tag("p", said.scope(s), class_="facts-line"),
        tag("h1", fmt.plain(s.requirements.name) or "Model selection"),
        tag("p", said.headline(s), class_="headline"),
        tag("p", tie) if (tie := said.near_tie(s)) else None,
        warned,
    )
    footer = [f", {s.robustness.draws:,} draws, seed {s.robustness.seed}."]
    return whole_page(f"{fmt.plain(s.requirements.name)}: which model", header, list(_parts(s)), footer)


def _parts(s: Selection) -> Iterator[Part]:
    yield "needs", "What was asked", _list(needs_words(s.requirements, s.wishes))
    yield "shortlist", "Shortlist", _shortlist(s)
    yield "sure", "How sure is the first place", _sure(s)
    yield "cost", "What ability costs", ability_chart(s)
    yield "verify", "Verify before you rely on it", _list(said.verify_lines(s))
    yield "front", "Pareto front", _list(said.beaten_lines(s))
    yield "refused", "Refused", _refused(s)
    yield "sifted", "Not refused, and no finalist", _list(s.sifted)
    yield "tree", "The guide's decision tree", _tree(s)
    title, lines = said.use_case_lines(s)
    yield "use-case", title, _list(lines)
    yield "roles", "Parts of the work the guide gives to different models", _list(said.role_lines(s))
    yield "reading", "How to read this", join(tag("p", text) for text in _READING)
    rows = ((fmt.plain(name), fmt.plain(day) or "undated") for name, day in s.sources.items())
    yield "sources", "Sources", sections.table("Where facts were read, and when", ("Source", "Read on"), rows)


def _shortlist(s: Selection) -> Html | None:
    if not s.shortlist:
        return None
    table = sections.table("Best first", _HEADS, (_row(s, c) for c in s.shortlist))
    return join((table, *(_choice(c) for c in s.shortlist)))


def _row(s: Selection, c: Choice) -> list[str]:
    score = c.ranked.score
    range_ = said.month_range(c)
    return [
        fmt.plain(c.ranked.candidate.id),
        f"{score.value:.2f} [{score.low:.2f}, {score.high:.2f}]",
        said.share(s.robustness.first_place.get(c.ranked.candidate.id)),
        said.per_request(c),
        join((said.month(c), tag("small", f" {range_}") if range_ else None)),
        said.grown(c),
        str(len(c.ranked.to_verify)),
    ]


def _choice(c: Choice) -> Html:
    return join((tag("h3", fmt.plain(c.ranked.candidate.id)), _list(c.why)))


def _sure(s: Selection) -> Html | None:
    asked = s.robustness.separator
    question = tag("p", tag("b", f"The one question: {fmt.plain(asked.question)}")) if asked is not None else None
    told = [part for part in (first_place_chart(s), _list(said.robustness_lines(s)), question, score_chart(s)) if part]
    return join(told) if told else None


def _refused(s: Selection) -> Html | None:
    rows = [(word, fmt.count(n), tag("td", fmt.plain(examples), class_="why")) for n, word, examples in said.refused_rows(s)]
    if not rows:
        return None
    return sections.table("Each offer once, by the first must it breaks", ("Constraint", "Offers", "The ablest of them"), rows)


def _tree(s: Selection) -> Html:
    steps = tag("ol", *(tag("li", fmt.plain(line)) for line in said.tree_steps(s)))
    parts = (
        ("Conflicts with it", s.guidance.conflicts),
        ("Other rules of the guide that apply", s.guidance.rules),
    )
    more = (join((tag("h3", title), _list(lines))) for title, lines in parts if lines)
    return join((steps, _list(said.leaf_lines(s)), *more))


def _list(lines: Iterable[str]) -> Html | None:
    found = [tag("li", fmt.plain(line)) for line in lines]
    return tag("ul", *found) if found else None
