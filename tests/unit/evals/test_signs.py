"""Who won how many cases."""

import numpy as np

from pointsman.evals.signs import losses_and_wins

NAN = float("nan")


def test_only_cases_both_answered_count_and_ties_count_for_nobody():
    ours, theirs = np.array([1.0, 0.0, 0.5, NAN, 1.0]), np.array([0.0, 1.0, 0.5, 1.0, NAN])
    assert losses_and_wins(ours, theirs, None) == (1, 1)


def test_nothing_in_common_is_nothing_lost_and_nothing_won():
    assert losses_and_wins(np.array([NAN]), np.array([1.0]), None) == (0, 0)
    assert losses_and_wins(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64)) == (0, 0)


def test_a_cluster_speaks_with_one_voice():
    ours, theirs = np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0, 0.0])
    assert losses_and_wins(ours, theirs, np.array([7, 7, 7, 2])) == (1, 1)
