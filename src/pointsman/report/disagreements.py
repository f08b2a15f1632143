"""Cases on which variants differ, side by side: every text folded where it is long, and never trusted."""

from __future__ import annotations

from pointsman.evals.outcome import Outcome
from pointsman.evals.result import Disagreement, RunResult, Shown
from pointsman.report import format as fmt
from pointsman.report.markup import Html, join, tag
from pointsman.report.words import OUTCOME_WORD

__all__ = ["disagreements"]

PAGE_CHARACTERS = 1_500_000
"""What all texts together may take, so that the page stays light whatever the models wrote."""
_OPEN_CHARACTERS = 700
"""A text up to this length stands open."""


def disagreements(result: RunResult) -> Html:
    """The run's sample of disagreements, with a filter by who was right."""
    texts = sum(len(d.answers) + 1 for d in result.disagreements)
    most = min(20_000, max(400, PAGE_CHARACTERS // max(1, texts)))
    places = {v.name: i for i, v in enumerate(result.variants)}
    shown = f"{fmt.count(len(result.disagreements))} of {fmt.count(result.disagreement_count)} cases on which the variants differ"
    sampled = ", a seeded sample." if len(result.disagreements) < result.disagreement_count else "."
    return join((tag("p", shown + sampled), _filter(result), *(_case(d, places, most) for d in result.disagreements)))


def _filter(result: RunResult) -> Html:
    options = [tag("option", fmt.plain(v.name, 50), value=i) for i, v in enumerate(result.variants)]
    anyone = tag("option", "any", value="")
    right = tag("label", "Right: ", tag("select", anyone, *options, id="right"))
    wrong = tag("label", "Not right: ", tag("select", anyone, *options, id="wrong"))
    return tag("form", right, wrong, tag("output", id="matching"), class_="filter", id="filter", hidden=True)


def _case(d: Disagreement, places: dict[str, int], most: int) -> Html:
    right = " ".join(str(places[a.variant]) for a in d.answers if a.outcome is Outcome.CORRECT and a.variant in places)
    wrong = " ".join(str(places[a.variant]) for a in d.answers if a.outcome is not Outcome.CORRECT and a.variant in places)
    tags = (tag("span", fmt.plain(t, 40), class_="tag") for t in d.tags)
    asked = tag(
        "div",
        tag("h4", "Asked"),
        _text(d.input, None, most),
        tag("p", "Right answer: ", tag("b", fmt.plain(d.target, 400)), class_="target"),
    )
    return tag(
        "article",
        tag("h3", fmt.plain(d.case, 120), " ", *tags),
        asked,
        tag("div", *(_answer(a, most) for a in d.answers), class_="answers"),
        class_="case",
        data_right=right,
        data_wrong=wrong,
    )


def _answer(a: Shown, most: int) -> Html:
    word = tag("span", OUTCOME_WORD[a.outcome], class_=f"badge o-{a.outcome.value}")
    read = tag("p", "Read: ", tag("mark", fmt.plain(a.read, 400)), class_="target") if a.read is not None else None
    reason = tag("p", fmt.plain(a.reason, 400), class_="note") if a.reason else None
    said = _text(a.output, a.read, most) if a.output.strip() else tag("p", "no text", class_="note")
    return tag("div", tag("h4", fmt.plain(a.variant, 60), " ", word), said, read, reason, class_="answer")


def _text(text: str, read: str | None, most: int) -> Html:
    body = tag("pre", _marked(_cut(text, most), read))
    if len(text) <= _OPEN_CHARACTERS:
        return body
    # An answer usually stands at the end, so that is what the folded line shows.
    return tag("details", tag("summary", f"{fmt.count(len(text))} characters: …{fmt.plain(text[-160:])}"), body)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head = most * 2 // 3
    return f"{text[:head]}\n[… {fmt.count(len(text) - most)} characters left out …]\n{text[head - most :]}"


def _marked(text: str, read: str | None) -> Html | str:
    at = text.rfind(read) if read else -1
    if at < 0 or not read:
        return text
    return join((text[:at], tag("mark", read), text[at + len(read) :]))
