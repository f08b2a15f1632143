"""A selection that can be passed on: one page and one comment, whole, safe, and saying what the terminal says."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from pointsman.report import selection_lines as said
from pointsman.report.charts.selection import ability_chart, first_place_chart, score_chart
from pointsman.report.format import plain
from pointsman.report.markup import tag
from pointsman.report.selection_markdown import selection_markdown
from pointsman.report.selection_page import selection_page
from pointsman.selection.requirements import Must, Requirements
from pointsman.selection.select import Selection
from support.selection import TODAY, chosen, market, offer, score

HOSTILE = "<script>alert(1)</script> @team"


def _selection(requirements: Requirements | None = None) -> Selection:
    return chosen(
        market(
            offer("openai/gpt-9", read="2", written="8"),
            offer("anthropic/claude-9", read="4", written="20"),
            offer("mistral/large-9", read="0.1", written="0.2"),
            offer("openai/gpt-1", ends=TODAY),
            *(score(m, v) for m, v in (("openai/gpt-9", 0.7), ("anthropic/claude-9", 0.8), ("mistral/large-9", 0.3))),
        ),
        requirements or Requirements(name=HOSTILE, nice={"quality": 2, "cost": 1}),
    )


class _Balance(HTMLParser):
    """Fails where a tag is closed that was not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [v for k, v in attrs if k in ("src", "href") and v and not v.startswith("#")]
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing() -> None:
    """Tags close in order, nothing points outside, a name from a file is text."""
    page = selection_page(_selection())
    reader = _Balance()
    reader.feed(page)
    assert (reader.open, reader.outside) == ([], [])
    assert tag("h1", HOSTILE) in page
    assert "<script>alert" not in page


def test_the_page_says_everything_the_terminal_says() -> None:
    """Headline, every reason, every open question, every refusal and the leaf."""
    s = _selection()
    page = selection_page(s)
    wanted = [said.headline(s), *said.robustness_lines(s), *said.verify_lines(s), *said.beaten_lines(s), *said.leaf_lines(s)]
    wanted += [line for c in s.shortlist for line in c.why] + [examples for _, _, examples in said.refused_rows(s)]
    assert s.shortlist
    assert "openai:gpt-1 shut down" in page
    for line in wanted:
        assert tag("x", plain(line))[3:-4] in page


def test_markdown_says_the_same_and_mentions_nobody() -> None:
    """One row for each choice, nothing that would notify a team or become markup."""
    s = _selection()
    text = selection_markdown(s)
    rows = [line for line in text.splitlines() if line.startswith(("| openai:", "| anthropic:"))]
    assert len(rows) >= 2
    assert "<script>" not in text
    assert "@team" not in text
    assert text.count("<details>") == text.count("</details>") == 3
    assert f"draws, seed {s.robustness.seed}." in text


def test_bars_are_as_long_as_the_shares() -> None:
    """First place: the wider the bar, the oftener; the shares add up to one."""
    s = _selection()
    drawn = first_place_chart(s)
    assert drawn is not None
    widths = [float(w) for w in re.findall(r'<rect[^>]* width="([\d.]+)%"', drawn)]
    shares = [s.robustness.first_place[r.candidate.id].value for r in s.finalists]
    assert len(widths) == len(s.finalists) == 3
    assert sum(shares) == pytest.approx(1)
    assert [sorted(widths).index(w) for w in widths] == [sorted(shares).index(v) for v in shares]


def test_ability_against_cost_marks_the_front() -> None:
    """All three are on the front of ability and price: each is cheaper or abler than any other."""
    drawn = ability_chart(_selection())
    assert drawn is not None
    assert drawn.count("on the front</em>") == 3
    assert drawn.count("<circle") == 3


def test_without_anybody_there_is_still_a_page() -> None:
    """No shortlist, no charts, and the reason why."""
    s = _selection(Requirements(must=Must(providers=("nobody",))))
    assert (first_place_chart(s), score_chart(s), ability_chart(s)) == (None, None, None)
    page = selection_page(s)
    assert "Nothing on the shortlist." in page
    assert "ruled out by you" in page
    assert "Nothing on the shortlist." in selection_markdown(s)


def test_without_a_price_wished_there_is_no_plane() -> None:
    """Where cost is no wish, no picture pretends that it is one."""
    s = _selection(Requirements(nice={"quality": 1}))
    assert ability_chart(s) is None
    assert "What ability costs" not in selection_page(s)


def test_one_fact_that_refuses_several_is_told_once() -> None:
    """Three offers off their maker's list on the same day share the sentence."""
    s = _selection(Requirements(must=Must(context_tokens=1_000_000)))
    [(n, word, examples)] = [row for row in said.refused_rows(s) if "window" in row[1]]
    assert (n, word) == (3, "window too small")
    assert examples.count("a window of 128,000 tokens") == 1
    assert examples.startswith("anthropic:claude-9, openai:gpt-9, mistral:large-9 ")
