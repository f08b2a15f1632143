"""What a scripted model does: repeatable, in the shares its script says, and independent of order."""

import math
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.chat import FinishReason
from pointsman.core.failure import FailureClass
from pointsman.providers.scripted.behaviour import behave
from pointsman.providers.scripted.prose import count_tokens, pieces, prose
from pointsman.providers.scripted.script import Drift, Latency, Script, Spread, TokenSpread

N = 4000


def kinds(script, *, n=N, model="m", seed=1, **more):
    """Kind of each of n cases."""
    return [behave(script, seed=seed, model=model, case_id=f"c{i}", target=str(i), **more).kind for i in range(n)]


def within(count, share, n=N):
    """Whether a binomial count lies within five standard deviations of its mean."""
    return abs(count - share * n) <= 5 * math.sqrt(share * (1 - share) * n) + 1e-9


MESSY = Script(
    quality=0.7,
    bad_format=0.05,
    refusal=0.04,
    truncation=0.03,
    timeout=0.02,
    error={FailureClass.RATE_LIMIT: 0.03, FailureClass.TRANSIENT: 0.02},
    latency=Latency(ttft_s=Spread(p50_s=0.2, p95_s=0.6), tokens_per_s=50),
    output_tokens=TokenSpread(p50=40, p95=120),
    difficulty_correlation=0.4,
    repeat_correlation=0.3,
)


def test_the_same_call_behaves_the_same_in_any_order():
    """Shuffling the cases changes nothing about any of them."""
    order = list(range(500))
    straight = {i: behave(MESSY, seed=3, model="m", case_id=str(i), target=i) for i in order}
    random.Random(0).shuffle(order)
    assert {i: behave(MESSY, seed=3, model="m", case_id=str(i), target=i) for i in order} == straight


def test_another_process_behaves_the_same():
    """Nothing depends on the hash seed of the process."""
    code = (
        "from pointsman.providers.scripted.behaviour import behave\n"
        "from pointsman.providers.scripted.script import Script\n"
        "print([behave(Script(quality=.5), seed=9, model='m', case_id=str(i), target=i).text for i in range(40)])"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": h}, capture_output=True, text=True, check=True).stdout
        for h in ("1", "2")
    }
    here = [behave(Script(quality=0.5), seed=9, model="m", case_id=str(i), target=i).text for i in range(40)]
    assert runs == {f"{here}\n"}


def test_shares_are_kept():
    """Each ending comes as often as the script says, within what chance allows."""
    seen = kinds(MESSY)
    replies = [k for k in seen if k not in ("error", "timeout")]
    assert within(seen.count("timeout"), 0.02)
    assert within(seen.count("error"), 0.05)
    for kind, share in (("refusal", 0.04), ("truncation", 0.03), ("bad_format", 0.05)):
        assert within(replies.count(kind), share, len(replies)), kind
    assert within(replies.count("correct"), MESSY.expected_quality, len(replies))


def test_error_classes_come_in_their_mix():
    """A mix of errors keeps its proportions."""
    found = [behave(MESSY, seed=1, model="m", case_id=f"c{i}").failure for i in range(N)]
    assert within(found.count(FailureClass.RATE_LIMIT), 0.03)
    assert within(found.count(FailureClass.TRANSIENT), 0.02)


def test_repeats_of_a_case_differ_and_correlated_ones_differ_less():
    """Without correlation repeats are independent; with full correlation all are alike."""
    free, tied = Script(quality=0.5), Script(quality=0.5, repeat_correlation=1.0)
    changed = {
        script.repeat_correlation: sum(
            behave(script, seed=1, model="m", case_id=str(i), repeat=0, target=i).kind
            != behave(script, seed=1, model="m", case_id=str(i), repeat=1, target=i).kind
            for i in range(2000)
        )
        for script in (free, tied)
    }
    assert within(changed[0.0], 0.5, 2000)
    assert changed[1.0] == 0


@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
def test_a_shared_difficulty_ties_models_together_and_leaves_each_its_quality(rho):
    """Two models agree more often the more difficulty they share; each alone keeps its share of right answers."""
    a = kinds(Script(quality=0.7, difficulty_correlation=rho), model="a")
    b = kinds(Script(quality=0.6, difficulty_correlation=rho), model="b")
    both = sum(x == y == "correct" for x, y in zip(a, b, strict=True))
    assert within(a.count("correct"), 0.7)
    assert within(b.count("correct"), 0.6)
    assert within(both, {0.0: 0.42, 0.5: 0.4995, 1.0: 0.6}[rho])  # bivariate normal orthant at 0.524, 0.253


def test_models_and_seeds_are_strangers():
    """Two models with one script, or one model under two seeds, agree no more than chance does."""
    script = Script(quality=0.5)
    first = kinds(script)
    for other in (kinds(script, model="n"), kinds(script, seed=2)):
        assert within(sum(x == y for x, y in zip(first, other, strict=True)), 0.5)


def test_a_tag_replaces_the_quality():
    """The lowest quality of all matching tags counts."""
    script = Script(quality=1.0, quality_by_tag={"hard": 0.3, "harder": 0.0})
    assert kinds(script, n=50).count("correct") == 50
    assert within(kinds(script, tags=("hard",)).count("correct"), 0.3)
    assert "correct" not in kinds(script, n=50, tags=("hard", "harder"))


@pytest.mark.parametrize(
    "target", ["72", "1,234.50", "B", "yes", "True", "Paris", 7, 2.5, True, {"a": 1}, ["4", "four"], "so 3 + 4\n#### 7"]
)
def test_a_wrong_answer_is_never_the_target(target):
    """In every style, and for every kind of target."""
    accepted = {str(t).lower() for t in (target if isinstance(target, list) else [target])}
    for style in ("near", "unrelated", ("72", "B", "something else")):
        for i in range(100):
            text = behave(Script(quality=0.0, wrong=style), seed=1, model="m", case_id=str(i), target=target).text
            assert text.lower() not in accepted


def test_wrong_numbers_are_numbers_and_wrong_letters_are_letters():
    """So that a scorer reads a value and finds it wrong."""
    wrong = Script(quality=0.0)
    assert all(behave(wrong, seed=1, model="m", case_id=str(i), target="72").text.isdigit() for i in range(50))
    assert {behave(wrong, seed=1, model="m", case_id=str(i), target="B").text for i in range(50)} == {"A", "C", "D"}


def test_an_answer_is_as_long_as_the_script_says_and_ends_with_the_target():
    """Filler goes before the answer, and holds nothing a scorer could read."""
    made = behave(Script(output_tokens=60, say="The answer is {answer}"), seed=1, model="m", case_id="a", target=42)
    assert made.text.endswith("\nThe answer is 42")
    assert 60 <= count_tokens(made.text) <= 62
    assert not any(c.isdigit() for c in made.text.partition("\n")[0])


def test_truncation_and_refusal_end_for_their_reason():
    """What the protocols report as finish reason."""
    cut = behave(Script(truncation=1.0), seed=1, model="m", case_id="a", target=42)
    no = behave(Script(refusal=1.0), seed=1, model="m", case_id="a", target=42)
    assert (cut.finish, "42" in cut.text) == (FinishReason.LENGTH, False)
    assert no.finish is FinishReason.REFUSAL


def test_latency_keeps_its_percentiles():
    """Half of the first tokens come before p50, 95 of 100 before p95."""
    script = Script(latency=Latency(ttft_s=Spread(p50_s=0.2, p95_s=0.6), tokens_per_s=100))
    times = [behave(script, seed=1, model="m", case_id=str(i)) for i in range(N)]
    assert within(sum(t.ttft_s < 0.2 for t in times), 0.5)
    assert within(sum(t.ttft_s < 0.6 for t in times), 0.95)
    assert times[0].total_s(50) == pytest.approx(times[0].ttft_s + 0.5)


def test_constant_latency_is_constant():
    """A number is the whole time, of which the first token takes all."""
    made = behave(Script(latency=1.5), seed=1, model="m", case_id="a")
    assert (made.ttft_s, made.total_s(1000)) == (1.5, 1.5)


@pytest.mark.parametrize(
    "drift, number, expected",
    [
        (Drift(what="quality", shape="step", at_request=100, to=0.0), 99, 1.0),
        (Drift(what="quality", shape="step", at_request=100, to=0.0), 100, 0.0),
        (Drift(what="quality", shape="ramp", at_request=0, until_request=100, to=0.0), 50, 0.5),
        (Drift(what="quality", shape="ramp", at_request=0, until_request=100, to=0.2), 500, 0.2),
        (Drift(what="quality", shape="spike", at_request=10, until_request=20, to=0.0), 15, 0.0),
        (Drift(what="quality", shape="spike", at_request=10, until_request=20, to=0.0), 20, 1.0),
    ],
)
def test_quality_drifts_by_request(drift, number, expected):
    """Steps, ramps and spikes hold where and as long as they say."""
    right = kinds(Script(drift=(drift,)), n=2000, request_number=number).count("correct")
    assert within(right, expected, 2000)


def test_errors_and_latency_drift_by_time():
    """A model can get slower and less reliable while it serves."""
    script = Script(
        error={FailureClass.TRANSIENT: 0.01, FailureClass.RATE_LIMIT: 0.01},
        latency=Latency(ttft_s=Spread(p50_s=0.1, p95_s=0.2), total_s=1.0),
        drift=(
            Drift(what="error", shape="step", at_s=60, times=5),
            Drift(what="latency", shape="ramp", at_s=0, until_s=100, times=3),
        ),
    )
    assert within(kinds(script, elapsed_s=61).count("error"), 0.1)
    late = [behave(script, seed=1, model="m", case_id=str(i), elapsed_s=100) for i in range(N)]
    assert within(sum(t.ttft_s < 0.3 for t in late), 0.5)
    assert max(t.total_s(10) for t in late) >= 3.0


def test_a_retry_can_succeed_and_gives_the_same_answer():
    """Errors are drawn per attempt, the answer is not."""
    script = Script(error=0.5, quality=0.5)
    tries = [[behave(script, seed=1, model="m", case_id=str(c), attempt=a, target=c) for a in range(20)] for c in range(20)]
    for attempts in tries:
        assert {t.failure for t in attempts} == {None, FailureClass.TRANSIENT}
        assert len({t.text for t in attempts if t.failure is None}) == 1


@given(u=st.floats(0.001, 0.999), tokens=st.integers(0, 20_000))
def test_prose_has_exactly_its_tokens(u, tokens):
    """However long, and however it is cut into pieces."""
    text = prose(u, tokens)
    assert count_tokens(text) == tokens == len(pieces(text))
    assert "".join(pieces(text)) == text
