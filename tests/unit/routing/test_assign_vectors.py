"""The assignment as other programs compute it: vectors made with coreutils' `b2sum -l 64` and `bc`, and no Python."""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from pointsman.routing.assign import sticky_u
from pointsman.routing.features import Features
from pointsman.routing.policies.weighted import Options, Weighted

VECTORS = json.loads((Path(__file__).parent / "assignment_vectors.json").read_text(encoding="utf-8"))
FEATURES = Features(body_bytes=1, stream=False)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['salt']}/{v['tenant']}/{v['unit']}")
def test_a_unit_has_the_number_that_others_compute(vector):
    """Digest, numerator of 2^53 and decimal agree, to the last bit."""
    u = sticky_u(vector["salt"], f"{vector['tenant']}\0{vector['unit']}")
    assert Fraction(u) == Fraction(vector["numerator"], 2**53)
    assert int(vector["blake2b_64"], 16) >> 11 == vector["numerator"]
    assert float(vector["u"]) == pytest.approx(u, abs=1e-16)


def test_the_vectors_are_what_coreutils_says():
    """Made anew, where `b2sum` is installed."""
    if shutil.which("b2sum") is None:
        pytest.skip("no b2sum here")
    for vector in VECTORS[::7]:
        said = f"{vector['salt']}\0{vector['tenant']}\0{vector['unit']}".encode()
        printed = subprocess.run(["b2sum", "-l", "64"], input=said, capture_output=True, check=True).stdout
        assert printed.split()[0].decode() == vector["blake2b_64"]


def chosen(weights, salt, units=20_000):
    policy = Weighted(Options(weights=weights))
    return [policy.choose(FEATURES, sticky_u(salt, f"acme\0{n}")).variant for n in range(units)]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25, 0.5, 0.9])
def test_a_split_is_the_one_written(share):
    """20,000 units, seedless since the hash is all the chance there is: within 4.5 standard deviations."""
    got = chosen({"old": 1 - share, "new": share}, "r").count("new")
    assert abs(got - 20_000 * share) < 4.5 * (20_000 * share * (1 - share)) ** 0.5


def test_a_ramp_never_moves_anybody_back():
    """1, 5, 25, 50, 100 %: who once has the new one keeps it to the end."""
    had = set()
    for percent in (1, 5, 25, 50, 100):
        now = {n for n, v in enumerate(chosen({"old": 100 - percent, "new": percent}, "r", 5000)) if v == "new"}
        assert had <= now
        had = now
    assert len(had) == 5000


def test_going_back_down_the_ramp_moves_only_those_who_must():
    """After a rollback to 5 % exactly those have the new one who had it at 5 % before."""
    assert chosen({"old": 95, "new": 5}, "r", 2000) == chosen({"old": 19, "new": 1}, "r", 2000)


def test_another_salt_shuffles_everybody_anew():
    """Of those who get the new one, as many get it again as chance has it: the two splits know nothing of each other."""
    weights = {"old": 75, "new": 25}
    first, second = (chosen(weights, salt) for salt in ("spring", "autumn"))
    both = sum(a == b == "new" for a, b in zip(first, second, strict=True))
    expected = 20_000 * 0.25 * 0.25
    assert abs(both - expected) < 4.5 * (expected * (1 - 0.0625)) ** 0.5
