"""How each runner is asked for the same evaluation, and how many right answers it says it found."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from child import environment
from peers import node_tool, python_of

__all__ = ["CONTENDERS", "Contender", "Job"]

_HERE = Path(__file__).parent


class Job(NamedTuple):
    """One evaluation to do: an empty folder with `cases.jsonl` in it, an endpoint, and how many calls at once."""

    folder: Path
    base_url: str
    concurrency: int


class Contender(NamedTuple):
    """A runner. `prepare` writes what it wants to read and gives its command; `right` reads what it concluded."""

    name: str
    peer: str | None
    """Its environment in `peers`; None: ours."""
    prepare: Callable[[Job], list[str]]
    right: Callable[[Job, str], int]
    """From the job and what the runner printed."""
    env: Mapping[str, str] = {}


def _bare(commit: str) -> Callable[[Job], list[str]]:
    def prepare(job: Job) -> list[str]:
        script = str(_HERE / "bare.py")
        return [python_of("bare"), script, "cases.jsonl", job.base_url, "results.sqlite", str(job.concurrency), commit]

    return prepare


def _bare_right(_job: Job, said: str) -> int:
    found = re.search(r"(\d+) of \d+ right", said)
    return int(found[1]) if found else 0


def _pointsman(job: Job) -> list[str]:
    (job.folder / "eval.yaml").write_text(
        f"""name: bench
tests: cases.jsonl
variants:
  bench:
    provider: openai
    model: bench
    base_url: {job.base_url}
    key: ${{BENCH_KEY}}
    price: {{input: 1, output: 2, source: bench}}
scorers: [{{pattern: {{pattern: "{{target}}"}}}}]
criteria: {{quality: {{min: 0.5}}}}
concurrency: {job.concurrency}
"""
    )
    return [str(Path(sys.executable).with_name("pointsman")), "eval", "eval.yaml"]


def _pointsman_right(job: Job, _said: str) -> int:
    (run,) = (job.folder / "runs").iterdir()
    assert (run / "report.html").stat().st_size > 0
    assert (run / "report.md").stat().st_size > 0
    return int(json.loads((run / "result.json").read_bytes())["variants"]["bench"]["outcomes"]["correct"])


def _promptfoo(job: Job) -> list[str]:
    with (job.folder / "cases.jsonl").open() as cases, (job.folder / "tests.jsonl").open("w") as tests:
        for case in map(json.loads, cases):
            tests.write(json.dumps({"vars": {"input": case["input"], "target": case["target"]}}) + "\n")
    (job.folder / "promptfooconfig.yaml").write_text(
        f"""prompts: ["{{{{input}}}}"]
providers:
  - id: openai:chat:bench
    config: {{apiBaseUrl: "{job.base_url}", apiKey: none}}
defaultTest:
  assert: [{{type: contains, value: "{{{{target}}}}"}}]
tests: file://tests.jsonl
"""
    )
    flags = ["--no-cache", "--no-table", "--no-progress-bar", "-j", str(job.concurrency), "-o", "out.json"]
    return [*node_tool("promptfoo"), "eval", "-c", "promptfooconfig.yaml", *flags]


def _promptfoo_right(job: Job, _said: str) -> int:
    return int(json.loads((job.folder / "out.json").read_bytes())["results"]["stats"]["successes"])


def _inspect(job: Job) -> list[str]:
    shutil.copy(_HERE / "inspect_task.py", job.folder)
    limits = ["--max-connections", str(job.concurrency), "--max-samples", str(job.concurrency)]
    quiet = ["--display", "none", "--no-log-realtime", "--log-dir", "logs"]
    model = ["--model", "openai/bench", "--model-base-url", job.base_url, "-M", "responses_api=false"]
    return [python_of("inspect"), "-m", "inspect_ai", "eval", "inspect_task.py", *model, *limits, *quiet]


def _inspect_right(job: Job, _said: str) -> int:
    (log,) = (job.folder / "logs").glob("*.eval")
    command = [python_of("inspect"), "-m", "inspect_ai", "log", "dump", "--header-only", str(log)]
    results = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["results"]
    return round(results["scores"][0]["metrics"]["accuracy"]["value"] * results["completed_samples"])


_PROMPTFOO_ENV = {
    "PROMPTFOO_CONFIG_DIR": ".promptfoo",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_CACHE_ENABLED": "false",
}

CONTENDERS = (
    Contender("bare loop", "bare", _bare("end"), _bare_right, environment()),
    Contender("bare loop, each row committed", "bare", _bare("each"), _bare_right, environment()),
    Contender("pointsman eval", None, _pointsman, _pointsman_right, environment(BENCH_KEY="none")),
    Contender("promptfoo", "promptfoo", _promptfoo, _promptfoo_right, environment(**_PROMPTFOO_ENV)),
    Contender("Inspect AI", "inspect", _inspect, _inspect_right, environment(OPENAI_API_KEY="none")),
)
"""The first is what ratios are taken to."""
