"""What every rollout check keeps, ours and any that is added."""

import msgspec
import numpy as np
import pytest

from pointsman.core.estimate import Unknown
from pointsman.core.verdict import Fail, Pass
from pointsman.rollout.check import CHECKS
from pointsman.rollout.observations import FLAGS, Pairs, Requests, Seen
from support.rollouts import cut, seen

ALPHA = 0.002
NAMES = CHECKS.names()
HARM = [n for n in NAMES if n != "sample_ratio"]


def built(name):
    plugin = CHECKS.load(name)
    return plugin.build(plugin.options(), ALPHA)


def judged(name, *batches):
    check = built(name)
    state = check.start()
    for batch in batches:
        state = check.observe(state, batch)
    return check.judge(state)


def rates(name, worse):
    """The candidate's figure for the column a check reads, `worse` steps from the control's."""
    plugin = CHECKS.load(name)
    if plugin.reads in FLAGS:
        return {plugin.reads: 0.02 * (1.0 + 3.0 * worse)}
    if plugin.reads == "pairs":
        return {"pairs": 0.05 + 0.05 * worse}
    return {plugin.reads: (1.0 + worse) if plugin.more_is_worse else 0.8 * (1.0 - 0.3 * worse)}


def empty():
    nothing = np.empty(0)
    nobody, codes = np.empty(0, dtype=bool), np.empty(0, dtype=np.int64)
    return Seen(requests=Requests(nothing, codes, nobody, nothing, {}, {}), pairs=Pairs(nothing, codes, nobody, nobody))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batches", [[], [Seen()], [empty()]], ids=["none", "absent", "empty"])
def test_no_data_is_unknown(name, batches):
    judgement = judged(name, *batches)
    assert isinstance(judgement.verdict, Unknown)
    assert judgement.rung == "clear"


@pytest.mark.parametrize("name", HARM)
def test_the_control_alone_is_unknown(name):
    """A candidate that nobody has met is neither good nor bad."""
    batch = seen(4000, np.random.default_rng(1), weight=0.0)
    assert isinstance(judged(name, Seen(requests=batch.requests)).verdict, Unknown)


@pytest.mark.parametrize("name", HARM)
def test_an_equal_candidate_is_not_failed_and_a_much_worse_one_is(name):
    good = judged(name, seen(30_000, np.random.default_rng(2)))
    bad = judged(name, seen(30_000, np.random.default_rng(2), **rates(name, 1.0)))
    assert isinstance(good.verdict, Pass)
    assert isinstance(bad.verdict, Fail)
    assert bad.rung == "rollback"
    assert bad.breached_at_s is not None


@pytest.mark.parametrize("name", HARM)
@pytest.mark.parametrize("seed", range(3))
def test_a_worse_candidate_never_turns_fail_into_pass(name, seed):
    """Verdicts are ordered Pass, Unknown, Fail; making the candidate worse never moves back to Pass from Fail."""
    verdicts = [judged(name, seen(12_000, np.random.default_rng(seed), **rates(name, w))).verdict for w in (0.0, 0.3, 0.7, 1.5)]
    failed = False
    for verdict in verdicts:
        assert not (failed and isinstance(verdict, Pass))
        failed |= isinstance(verdict, Fail)
    assert failed


@pytest.mark.parametrize("name", HARM)
def test_variants_swapped_in_the_analysis_would_be_noticed(name):
    """A candidate that is much better fails nothing; with the arms swapped the same data fail."""
    if CHECKS.load(name).reads == "pairs":
        batch = seen(30_000, np.random.default_rng(3), **rates(name, 1.0))
        assert batch.pairs is not None
        swapped = Seen(pairs=Pairs(batch.pairs.time_s, batch.pairs.unit, batch.pairs.won, batch.pairs.lost))
    else:
        batch = seen(30_000, np.random.default_rng(3), weight=0.5, **rates(name, 1.0))
        r = batch.requests
        assert r is not None
        swapped = Seen(requests=Requests(r.time_s, r.unit, ~r.candidate, 1.0 - r.weight, r.flags, r.values))
    assert isinstance(judged(name, batch).verdict, Fail)
    assert isinstance(judged(name, swapped).verdict, Pass)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [1, 777, 5000, 11_999])
def test_cutting_time_anywhere_changes_nothing(name, at):
    whole = seen(12_000, np.random.default_rng(4), **(rates(name, 0.3) if name in HARM else {}))
    one, two = judged(name, whole), judged(name, *cut(whole, at))
    assert one.breached_at_s == two.breached_at_s
    assert one.log_e == pytest.approx(two.log_e, abs=1e-6)
    assert type(one.verdict) is type(two.verdict)


@pytest.mark.parametrize("name", HARM)
def test_a_breach_is_never_taken_back(name):
    bad = seen(20_000, np.random.default_rng(5), **rates(name, 1.5))
    check = built(name)
    state = check.observe(check.start(), bad)
    when = check.judge(state).breached_at_s
    later = seen(20_000, np.random.default_rng(6))
    assert when is not None
    assert check.judge(check.observe(state, later)).breached_at_s == when


@pytest.mark.parametrize("name", NAMES)
def test_options_refuse_unknown_keys(name):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"nonsense": 1}, CHECKS.load(name).options)


def test_a_broken_assignment_is_noticed():
    batch = seen(60_000, np.random.default_rng(7), weight=0.2)
    r = batch.requests
    assert r is not None
    meant = Seen(requests=Requests(r.time_s, r.unit, r.candidate, np.full(len(r), 0.15), r.flags, r.values))
    assert isinstance(judged("sample_ratio", batch).verdict, Pass)
    assert isinstance(judged("sample_ratio", meant).verdict, Fail)
    assert judged("sample_ratio", meant).rung == "hold"
