"""A hundred thousand cases take the memory of a thousand, and the test set's."""

from __future__ import annotations

import json

import pytest

from support.bakeoff import write_bakeoff
from support.command import pointsman_measured


@pytest.mark.slow
def test_memory_does_not_grow_with_the_run(tmp_path):
    peaks = {}
    for cases in (1_000, 100_000):
        folder = tmp_path / str(cases)
        write_bakeoff(folder, cases)
        ran = pointsman_measured("eval", "eval.yaml", "--json", cwd=folder)
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["cases"] == cases
        peaks[cases] = ran.peak_mib
    test_set_mib = (tmp_path / "100000" / "tests.jsonl").stat().st_size / 2**20
    assert peaks[100_000] <= 1.5 * peaks[1_000] + test_set_mib, peaks
