"""`pointsman select` as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from click.testing import CliRunner, Result

from pointsman.cli.select import command
from pointsman.report.document import schema
from pointsman.selection.usecases import use_cases

ANSWERS = [
    "code",
    "n",
    "text",
    "text",
    "9000",
    "interactive",
    "none",
    "tool_calling",
    "500",
    "2000",
    "400",
    "mixed",
    "0",
    "n",
    "6",
    "5",
    "1",
    "2",
]
"""To every question but those about privacy and video, which these answers do not raise."""


def run(*arguments: str, said: str | None = None, columns: int = 80) -> Result:
    """The command, its talk apart from its data."""
    return CliRunner().invoke(command, list(arguments), input=said, env={"COLUMNS": str(columns)}, standalone_mode=False)


def document(*arguments: str, said: str | None = None) -> dict[str, Any]:
    done = run(*arguments, "--json", said=said)
    assert done.exception is None, done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", use_cases())
def test_every_profile_reads_well(name: str, columns: int) -> None:
    """It fits the terminal, names the shortlist first, and says why, what is open, and what the guide says."""
    done = run("--profile", name, columns=columns)
    assert done.exception is None, done.exception
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert any(line.startswith(("Try these", "One candidate")) for line in lines[:4])
    for title in ("Shortlist", "How sure is the first place", "Refused", "The guide's decision tree"):
        assert title in lines


def test_the_document_is_as_published() -> None:
    """It meets its schema, and holds the keys others rely on."""
    found = document("--profile", "legal_document_analysis", "--as-of", "2024-10-01")
    jsonschema_rs.validate(schema("select"), found)
    assert found["as_of"] == "2024-10-01"
    assert all(type(found[key]) is list for key in ("shortlist", "refused", "to_verify", "pareto"))
    assert set(found["tree"]["path"][0]) == {"node", "question", "input", "answer"}
    assert set(found["shortlist"][0]) >= {"offer", "model", "provider", "why", "score", "usd_per_month"}
    assert set(found["refused"][0]) >= {"offer", "constraint", "fact", "source", "checked_on"}
    assert found["tree"]["leaf"] == "L04"
    assert found["tree"]["models"] == ["anthropic/claude-3-5-sonnet"]
    for place in found["shortlist"]:
        assert place["offer"] == f"{place['provider']}:{place['variant']}"
        assert {"value", "low", "high", "n", "method", "level"} == set(place["score"])


def test_every_refusal_says_by_whom() -> None:
    """Fact and source on every single one."""
    refused = document("--profile", "video_content_moderation")["refused"]
    assert len(refused) > 1000
    assert all(r["fact"] and r["source"] for r in refused)


def test_the_same_needs_give_the_same_answer() -> None:
    """Seeded: twice the same, and the seed is in the document."""
    one, two = (document("--profile", "research_assistant", "--seed", "5") for _ in range(2))
    assert one == two
    assert one["robustness"]["seed"] == 5


def test_a_private_job_of_500k_tokens(tmp_path: Path) -> None:
    """The conflict is printed: the tree's models read 128K."""
    needs = tmp_path / "needs.yaml"
    needs.write_text("must: {context_tokens: 500000, privacy: {stays_on_premises: true}}\nsituation: {gpu_budget: true}\n")
    done = run(str(needs), columns=200)
    assert "Llama 3.1 405B: a window of 131,072 tokens" in done.stdout
    assert "“Must it read very long documents or videos (over 100K tokens)?” is also yes" in done.stdout


def test_nothing_left_says_what_rules_out_most(tmp_path: Path) -> None:
    """Exit code 3, and the way out."""
    needs = tmp_path / "needs.yaml"
    needs.write_text("must: {providers: [nobody]}\n")
    done = run(str(needs))
    assert done.return_value == 3
    assert "Nothing on the shortlist" in done.stdout
    assert "providers rules out most" in " ".join(done.stdout.split())


def test_the_interview_can_be_scripted(tmp_path: Path) -> None:
    """Answers come through standard input, line by line; the needs are kept, and the questions stay off stdout."""
    kept = tmp_path / "needs.yaml"
    found = document("--interactive", "--write-requirements", str(kept), said="\n".join(ANSWERS) + "\n")
    assert found["shortlist"]
    assert found["tree"]["leaf"] == "L08"
    needs = yaml.safe_load(kept.read_text())
    assert needs["must"]["capabilities"] == ["tool_calling"]
    assert needs["nice"] == {"quality": 5.0, "cost": 1.0, "speed": 2.0}
    again = document(str(kept))
    assert [p["offer"] for p in again["shortlist"]] == [p["offer"] for p in found["shortlist"]]


def test_the_interview_asks_again_after_a_wrong_answer() -> None:
    """Each answer is checked where it is given."""
    wrong = ["cooking", "code", "perhaps", "n", "text,smells", *ANSWERS[2:]]
    done = run("--interactive", "--json", said="\n".join(wrong) + "\n")
    assert done.exception is None, done.exception
    assert "'smells' is not one of" in done.stderr
    assert json.loads(done.stdout)["tree"]["leaf"] == "L08"


def test_the_interview_follows_the_tree() -> None:
    """GPUs are asked for only where privacy is critical."""
    private = [
        "legal",
        "y",
        "y",
        "text",
        "text",
        "500000",
        "batch",
        "none",
        "",
        "10",
        "400000",
        "900",
        "mixed",
        "0",
        "6",
        "3",
        "2",
        "1",
    ]
    done = run("--interactive", "--json", said="\n".join(private) + "\n")
    assert done.exception is None, done.exception
    assert "budget for GPUs" in done.stderr
    assert json.loads(done.stdout)["tree"]["leaf"] == "L01"


@pytest.mark.parametrize("arguments, said", [([], "requirements.yaml"), (["--interactive", "--profile", "x"], "leave FILE")])
def test_what_it_needs_is_said(arguments: list[str], said: str) -> None:
    """Neither nothing nor too much."""
    done = run(*arguments)
    assert said in str(done.exception.format_message() if done.exception else "")  # type: ignore[attr-defined]  # a usage error


def test_profiles_are_listed() -> None:
    """With their titles."""
    listed = run("--profile", "list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(use_cases())


def test_start_up_loads_what_it_uses() -> None:
    """Choosing at list prices loads neither the price list, nor evaluation's engines, nor the network."""
    code = (
        "import sys\nfrom pointsman.cli.select import command\n"
        "command(['--profile', 'ecommerce_support', '--json'], standalone_mode=False)\n"
        "heavy = ('genai_prices', 'aiohttp', 'asyncio', 'scipy', 'jsonschema_rs', 'uvicorn')\n"
        "print(*[m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


def test_reports_are_written_beside_what_is_printed(tmp_path: Path) -> None:
    """--html and --md leave files to pass on; --json stays alone on stdout."""
    page, comment = tmp_path / "choice.html", tmp_path / "choice.md"
    found = document("--profile", "ecommerce_support", "--html", str(page), "--md", str(comment))
    first = found["shortlist"][0]["offer"]
    assert first in page.read_text()
    assert f"| {first} |" in comment.read_text()


@pytest.mark.parametrize("columns", [80, 200])
def test_no_fact_of_the_shortlist_is_dropped_for_want_of_room(columns: int) -> None:
    """Range, growth and open questions are there at 80 columns, in a second table if need be."""
    lines = run("--profile", "code_ide_extension", columns=columns).stdout.splitlines()
    heads = " ".join(line for line in lines if line.startswith("Offer "))
    for head in ("Score", "First in", "A request", "A month", "Range", "Grown", "Open"):
        assert head in heads
    assert all(len(line) <= columns for line in lines)
