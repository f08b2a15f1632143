"""Numbers for people: the interval is always there, and no digit is shown that the interval does not justify."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.estimate import Estimate, Unknown
from pointsman.report import format as fmt


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=1319, method="wilson")


@pytest.mark.parametrize(
    "m, unit, said",
    [
        (estimate(0.84268, 0.82211, 0.86199), fmt.SHARE, "84.3 % [82.2, 86.2]"),
        (estimate(0.60, 0.47, 0.72), fmt.SHARE, "60 % [47, 72]"),
        (estimate(0.0091, 0.0052, 0.0158), fmt.SHARE, "0.9 % [0.5, 1.6]"),
        (estimate(1.0, 0.886, 1.0), fmt.SHARE, "100 % [89, 100]"),
        (estimate(0.252, 0.224, 0.28), fmt.POINTS, "+25.2 points [+22.4, +28.0]"),
        (estimate(-0.007, -0.035, 0.021), fmt.POINTS, "−0.7 points [−3.5, +2.1]"),
        (estimate(0.0, -0.03, 0.03), fmt.POINTS, "0.0 points [−3.0, +3.0]"),
        (estimate(12.4, 11.1, 13.9), fmt.CHANGE, "+1,240 % [+1,110, +1,390]"),
        (estimate(1.889, 1.662, 2.116), None, "1.89 s [1.66, 2.12]"),
        (estimate(0.9, 0.864, 0.936), None, "900 ms [864, 936]"),
        (estimate(0.00031, 0.0003007, 0.0003193), fmt.DOLLARS, "$0.000310 [0.000301, 0.000319]"),
        (estimate(0.00000031, 0.00000030, 0.00000032), fmt.DOLLARS, "$0.000000310 [0.000000300, 0.000000320]"),
        (estimate(2.5, 2.1, math.inf), None, "2.5 s [2.1, ∞]"),
        (estimate(0.02, -math.inf, math.inf), fmt.POINTS, "+2.00 points [−∞, ∞]"),
        (estimate(0.001, 0.001, 0.001), fmt.DOLLARS, "$0.00100 [0.00100, 0.00100]"),
        (Unknown("no trial has finished"), fmt.SHARE, "unknown"),
    ],
)
def test_a_measured_number_is_written_with_its_interval(m, unit, said):
    assert fmt.measured(m, unit) == said


def test_an_unknown_gives_its_reason_when_asked():
    assert fmt.measured(Unknown("not\nstreamed"), reason=True) == "unknown: not streamed"
    assert fmt.sized(estimate(0.5, 0.47, 0.53), fmt.SHARE) == "50.0 % [47.0, 53.0], n = 1,319"


@given(
    value=st.floats(-1e6, 1e6),
    below=st.floats(1e-9, 1e6),
    above=st.floats(1e-9, 1e6),
    unit=st.sampled_from([fmt.SHARE, fmt.POINTS, fmt.CHANGE, fmt.DOLLARS, None]),
)
def test_no_number_is_ever_scientific_or_signed_zero(value, below, above, unit):
    said = fmt.measured(estimate(value, value - below, value + above), unit)
    assert "e" not in said.replace("points", "").lower()
    assert "-" not in said
    for part in said.replace("[", " ").replace(",", "").replace("]", " ").split():
        if part[0] in "+−":
            assert any(c in "123456789" for c in part), said


@pytest.mark.parametrize(
    "amount, said",
    [
        ("0", "$0"),
        ("5", "$5.00"),
        ("1234.5678", "$1,234.57"),
        ("0.40889", "$0.409"),
        ("0.1", "$0.100"),
        ("0.00000045", "$0.000000450"),
    ],
)
def test_exact_dollars_are_rounded_only_for_reading(amount, said):
    assert fmt.dollars(Decimal(amount)) == said


@pytest.mark.parametrize(
    "p, said",
    [
        (None, "no p-value"),
        (0.0, "p < 0.001"),
        (0.00099, "p < 0.001"),
        (0.0321, "p = 0.032"),
        (0.41, "p = 0.41"),
        (1.0, "p = 1.00"),
    ],
)
def test_a_p_value_is_never_zero(p, said):
    assert fmt.p_value(p) == said


@pytest.mark.parametrize(
    "seconds, said", [(0.34, "340 ms"), (12.4, "12.4 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (59.99, "60.0 s")]
)
def test_a_duration_reads_as_people_say_it(seconds, said):
    assert fmt.duration(seconds) == said


@pytest.mark.parametrize(
    "checked_on, said",
    [
        ("2026-11-01", "2026-11-01, 22 days before the run"),
        ("2026-11-22", "2026-11-22, 1 day before the run"),
        ("2026-11-23", "2026-11-23, the day of the run"),
        ("2026-12-01", "2026-12-01, after the run"),
        ("last summer", "last summer"),
        (None, "date unknown"),
    ],
)
def test_a_price_says_how_old_it_was(checked_on, said):
    assert fmt.age(checked_on, 1795442701.0) == said


def test_a_long_name_keeps_both_its_ends():
    assert fmt.short("meta-llama/Llama-3.1-405B-Instruct-Turbo", 20) == "meta-llam…ruct-Turbo"
    assert len(fmt.short("x" * 50, 13)) == 13
    assert fmt.short("short", 20) == "short"


def test_what_could_drive_a_terminal_becomes_visible():
    assert fmt.plain("a\x1b[2Jb\x00\u202ec\ud800\nd\te") == "a�[2Jb��c� d e"
    assert fmt.plain("0123456789", 5) == "0123…"


@pytest.mark.parametrize(
    "key, unit",
    [
        ("quality", fmt.SHARE),
        ("error_rate", fmt.SHARE),
        ("cost_per_request_usd", fmt.DOLLARS),
        ("latency_p95_s", fmt.seconds_unit(2)),
    ],
)
def test_a_criterion_says_its_unit_by_its_name(key, unit):
    assert fmt.unit_of(key, 2.0) == unit
