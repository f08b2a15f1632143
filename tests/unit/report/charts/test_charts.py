"""Charts draw what was measured, where it belongs, and nothing where nothing is known."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.report.charts import svg
from pointsman.report.charts.cost import cost_chart
from pointsman.report.charts.latency import latency_chart
from pointsman.report.charts.plane import pareto
from pointsman.report.charts.rows import outcome_chart, pairs_chart, quality_chart
from pointsman.report.charts.slices import OPEN_PANELS, slices_chart
from support.results import crowd_run, empty_run, lone_run, rich_run


def test_the_pareto_front_keeps_what_nothing_beats():
    points = [(1.0, 0.5), (2.0, 0.7), (2.0, 0.6), (3.0, 0.7), (4.0, 0.9)]
    assert pareto(points) == {0, 1, 4}
    assert pareto([(1.0, 0.5), (1.0, 0.5)]) == {0, 1}
    assert pareto([]) == set()


@given(points=st.lists(st.tuples(st.floats(0, 9), st.floats(0, 1)), min_size=1, max_size=20))
def test_everything_off_the_front_is_beaten_by_something_on_it(points):
    front = pareto(points)
    assert front
    for i, (cost, quality) in enumerate(points):
        on = any(points[k][0] <= cost and points[k][1] >= quality for k in front)
        assert on or i in front


@given(low=st.floats(1e-9, 1e6), span=st.floats(1.001, 1e6), log=st.booleans())
def test_a_scale_is_monotone_and_stays_inside(low, span, log):
    scale = svg.Scale(low=low, high=low * span, log=log)
    seen = [scale.at(low + (low * span - low) * k / 10) for k in range(11)]
    assert seen == sorted(seen)
    assert 0 <= seen[0] <= seen[-1] <= 100
    assert scale.at(math.inf) <= 100
    assert scale.at(-math.inf) >= 0


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_a_nice_scale_holds_all_values_and_has_few_round_ticks(values):
    scale = svg.nice(values)
    assert scale.low <= min(values) + 1e-6
    assert scale.high >= max(values) - 1e-6
    assert scale.low < scale.high
    assert 1 <= len(scale.ticks()) <= 8


def test_a_scale_of_nothing_still_exists():
    assert svg.nice([]) == svg.Scale(low=0.0, high=1.0)
    assert svg.nice([math.inf]) == svg.Scale(low=0.0, high=1.0)


@given(low=st.floats(1e-9, 1e3), span=st.floats(1.5, 1e9))
def test_logarithmic_ticks_lie_inside_and_are_few(low, span):
    scale = svg.Scale(low=low, high=low * span, log=True)
    ticks = scale.ticks()
    assert len(ticks) <= 6
    assert all(low <= t <= low * span for t in ticks)


def test_quality_shows_every_variant_best_first_with_baseline_and_margin():
    drawn = quality_chart(rich_run())
    names = re.findall(r'class="name"><title>[^<]*</title>([^<]*)<', drawn)
    assert names == ["gpt4", "mixtral", "llama-local"]
    assert 'class="baseline"' in drawn
    assert 'class="band"' in drawn
    assert "88.8 % [87.0, 90.4]" in drawn


def test_an_unknown_quality_has_a_row_and_no_dot():
    drawn = quality_chart(empty_run())
    assert drawn.count(">unknown<") == 2
    assert "<circle" not in drawn


def test_outcome_bars_fill_the_width_exactly_once():
    widths = [float(w) for w in re.findall(r'width="([\d.]+)%" y=', outcome_chart(lone_run()))]
    assert sum(widths) == pytest.approx(100, abs=0.01)


def test_the_cost_axis_is_logarithmic_only_over_a_wide_span():
    assert "(logarithmic)" in cost_chart(crowd_run())
    assert "(logarithmic)" not in cost_chart(rich_run())


def test_a_variant_without_a_price_is_listed_and_not_drawn():
    drawn = cost_chart(rich_run())
    assert "Not drawn, their cost or quality being unknown: llama-local." in drawn
    assert drawn.count("<circle") == 2


def test_nothing_measured_draws_no_latency_cost_slices_or_pairs():
    for chart in (latency_chart, cost_chart, slices_chart, pairs_chart):
        assert chart(empty_run()) is None


def test_latency_marks_p50_and_p95_of_every_variant():
    drawn = latency_chart(rich_run())
    assert drawn.count("<polyline") == 3
    assert drawn.count("<circle") == 6
    assert "p95 11.4 s [10.1, 12.8]" in drawn


def test_the_commonest_tags_come_first_and_the_rest_are_folded():
    drawn = slices_chart(crowd_run())
    titles = re.findall(r"<figcaption>(topic-\d+) \((\d+) case", drawn)
    sizes = [int(n) for _, n in titles]
    assert len(titles) == 40
    assert sizes == sorted(sizes, reverse=True)
    assert drawn.index("28 more tags") > drawn.index(f"topic-{OPEN_PANELS - 1:02}")


def test_a_slice_without_evidence_says_unknown():
    assert "unknown: no scored answer" in slices_chart(rich_run())


def test_wins_and_losses_are_drawn_in_proportion():
    drawn = pairs_chart(rich_run())
    bars = [float(w) for w in re.findall(r'width="([\d.]+)%" y="\d+" height="16"', drawn)]
    (lost, won, lost_2, won_2) = bars
    assert (lost, won) == (0.0, 49.0)
    assert lost_2 / won_2 == pytest.approx(109 / 100, rel=0.01)
