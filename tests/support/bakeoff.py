"""Small bake-offs to run in tests."""

from __future__ import annotations

import json
from pathlib import Path

SPEC = """\
name: small
tests: tests.jsonl
variants:
  old:
    provider: scripted
    model: old
    script: &like
      quality: 0.8
      difficulty_correlation: 0.5
      latency: {{ttft_s: 0.1, total_s: {{p50_s: 0.5, p95_s: 1.5}}}}
      error: 0.01
      price: {{input_usd_per_million: 1, output_usd_per_million: 2}}
  new:
    provider: scripted
    model: new
    script: {{<<: *like, quality: 0.9, latency: {{ttft_s: 0.1, total_s: {{p50_s: 0.3, p95_s: 0.9}}}}}}
baseline: old
scorers: [exact]
criteria: {{quality: {{margin: 0.02}}}}
repeats: {repeats}
seed: 5
"""


def write_bakeoff(folder: Path, cases: int = 100, *, repeats: int = 1, spec: str | None = None) -> Path:
    """A test set of `cases` rows and an `eval.yaml` over two scripted variants; returns the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "tests.jsonl").open("w") as rows:
        for n in range(cases):
            row = {"id": f"c{n}", "input": f"What is {n} + {n}?", "target": str(2 * n), "tags": ["odd" if n % 2 else "even"]}
            rows.write(json.dumps(row) + "\n")
    (folder / "eval.yaml").write_text(SPEC.format(repeats=repeats) if spec is None else spec)
    return folder / "eval.yaml"
