"""Adjusted p-values against statsmodels and truescore."""

from __future__ import annotations

import pytest
import truescore
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from pointsman.stats.multiplicity import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)


@settings(deadline=None, max_examples=40)
@given(P_VALUES)
def test_they_agree_with_statsmodels_and_truescore(p_values):
    """Both adjustments, to 1e-12, in the order given."""
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]), abs=1e-12)
    assert benjamini_hochberg(p_values) == pytest.approx(list(multipletests(p_values, method="fdr_bh")[1]), abs=1e-12)
    assert holm(p_values) == pytest.approx(list(truescore.holm(p_values)), abs=1e-12)
    assert benjamini_hochberg(p_values) == pytest.approx(list(truescore.benjamini_hochberg(p_values)), abs=1e-12)


@given(P_VALUES)
def test_adjusting_never_helps(p_values):
    """p ≤ Benjamini–Hochberg ≤ Holm ≤ 1, and order is kept."""
    for p, bh, h in zip(p_values, benjamini_hochberg(p_values), holm(p_values), strict=True):
        assert p <= bh + 1e-15
        assert bh <= h + 1e-15
        assert h <= 1.0


def test_known_case_and_edges():
    """Of 0.01, 0.04, 0.03: 0.03, 0.06, 0.06. Of nothing nothing, of one itself, and 1.2 is no p-value."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert (holm([]), benjamini_hochberg([]), holm([0.2]), benjamini_hochberg([0.2])) == ([], [], [0.2], [0.2])
    with pytest.raises(ValueError, match="p-value"):
        holm([1.2])
