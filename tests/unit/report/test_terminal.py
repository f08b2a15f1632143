"""The terminal: fits its width, reads without colour, and cannot be driven by what a model wrote."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len

from pointsman.report.terminal import open_console, print_comparisons, print_run
from support.results import RUNS, comparison, crowd_run, rich_run


def printed(result, width: int, *, tty: bool = False) -> str:
    file = io.StringIO()
    file.isatty = lambda: tty
    print_run(result, open_console(file, width))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 140])
@pytest.mark.parametrize("name", RUNS)
def test_no_line_is_wider_than_the_terminal(name, width):
    lines = printed(RUNS[name](), width).splitlines()
    assert max(cell_len(line) for line in lines) <= width


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_measured_number_is_cut_or_wrapped(width):
    said = printed(rich_run(), width)
    for whole in (
        "63.6 % [61.0, 66.2]",
        "88.8 % [87.0, 90.4]",
        "1.89 s [1.66, 2.11]",
        "$0.000310 [0.000301, 0.000319]",
        "+25.2 points [+22.4, +28.0]",
        "✓ pass",
        "✗ fail",
        "? unknown",
        "llama-local",
    ):
        assert whole in said, whole
    assert "…" not in said


def test_a_wider_terminal_needs_fewer_tables():
    counts = [printed(rich_run(), width).count("Variant ") for width in (80, 140)]
    assert counts[0] > counts[1]


def test_there_is_no_colour_away_from_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert "\x1b" not in printed(rich_run(), 80)


def test_a_terminal_gets_colour_unless_no_color_is_set(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m" in printed(rich_run(), 80, tty=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31m" not in printed(rich_run(), 80, tty=True)


def test_nasty_strings_cannot_drive_the_terminal():
    said = printed(RUNS["nasty"](), 140)
    assert "\x1b" not in said
    assert "\x00" not in said
    assert "[bold red]markup[/]" in said


def test_the_empty_run_says_unknown_and_shows_no_zero_quality():
    said = printed(RUNS["empty"](), 80)
    assert "unknown" in said
    assert "0 %" not in said
    assert "Not finished: 2,638 trials missing (interrupted)." in said


def test_the_findings_are_in_reading_order():
    said = printed(rich_run(), 100)
    order = [
        said.index(t)
        for t in ("gpt4 does best", "✗ fail: gpt4 breaks", "Variants", "Against mixtral", "Criteria", "What is open", "Pitfalls")
    ]
    assert order == sorted(order)


def test_long_names_are_cut_only_where_there_is_no_room():
    assert "maker-l/model-l-77b-instruct" in printed(crowd_run(), 100)
    assert "…" in printed(crowd_run(), 80)


def test_comparisons_stand_alone_for_a_regression_gate():
    file = io.StringIO()
    print_comparisons(
        open_console(file, 80), (comparison("gpt4", "gpt4 of last week", -10), comparison("mixtral", "mixtral of last week", 0.5))
    )
    said = file.getvalue()
    assert "Against gpt4 of last week" in said
    assert "Against mixtral of last week" in said
    assert "−10.0 points [−12.8, −7.2]" in said


def test_no_comparisons_print_nothing():
    file = io.StringIO()
    print_comparisons(open_console(file, 80), ())
    assert file.getvalue() == ""
