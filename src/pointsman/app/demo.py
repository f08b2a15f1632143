"""The demo: a model is to be shut down; which of three may take its place? Offline, from a seed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pointsman.app.demo_tickets import tickets
from pointsman.store.journal import write_whole

__all__ = ["DEMO_CASES", "write_demo", "write_plan"]

DEMO_CASES = 600
_SEED = 3

_EVAL = """\
# The model in service, `classic`, will be shut down. Which of three others may take its place?
# All four are scripted: they need no key and no network, and cost nothing.
name: demo
tests: letters.jsonl
origin: synthetic
variants:
  classic:                 # in service
    provider: scripted
    model: classic-1
    script: &base
      quality: 0.86
      quality_by_tag: {edge: 0.55}
      difficulty_correlation: 0.8
      wrong: [billing, delivery, returns, repairs, account, advice]
      say: "The letter asks for one thing above all.\\nDesk: {answer}"
      latency: {ttft_s: {p50_s: 0.4, p95_s: 0.9}, total_s: {p50_s: 1.1, p95_s: 2.2}}
      output_tokens: {p50: 40, p95: 90}
      price: {input_usd_per_million: 2.50, output_usd_per_million: 10.00}
      error: 0.004
  swift:                   # newer, smaller, a tenth of the price
    provider: scripted
    model: swift-2
    script:
      <<: *base
      quality: 0.88
      latency: {ttft_s: {p50_s: 0.2, p95_s: 0.4}, total_s: {p50_s: 0.6, p95_s: 1.2}}
      price: {input_usd_per_million: 0.25, output_usd_per_million: 1.00}
  tiny:                    # the cheapest
    provider: scripted
    model: tiny-1
    script:
      <<: *base
      quality: 0.75
      bad_format: 0.03
      latency: {ttft_s: {p50_s: 0.1, p95_s: 0.3}, total_s: {p50_s: 0.3, p95_s: 0.7}}
      price: {input_usd_per_million: 0.05, output_usd_per_million: 0.20}
  grand:                   # the best, slow and dear
    provider: scripted
    model: grand-5
    script:
      <<: *base
      quality: 0.95
      quality_by_tag: {edge: 0.85}
      latency: {ttft_s: {p50_s: 1.2, p95_s: 3.0}, total_s: {p50_s: 3.4, p95_s: 7.5}}
      price: {input_usd_per_million: 10.00, output_usd_per_million: 40.00}
baseline: classic
scorers: [{exact: {after: "Desk:", ignore_case: true}}]
criteria:
  quality: {margin: 0.03}
  latency_p95_s: {max: 3}
  cost_per_request_usd: {max: 0.001}
  error_rate: {max: 0.03}
stream: true
seed: 3
"""

_PLAN = """\
# How traffic would move in weeks. The live part of the demo has plans of its own, whose phases last seconds.
route: support
from: classic
to: swift
reason: deprecation
traffic: {requests_per_minute: 10, requests_per_unit: 3}
phases:
  - {shadow: 7d, sample: 0.1}
  - {step: 0.05, hold: 7d}
  - {step: 0.25, hold: 7d}
  - {step: 0.5, hold: 7d}
guardrails: {error_rate: {}, latency_p95: {}, cost: {}, quality: {}, refusals: {}, satisfaction: {}}
"""


def write_plan(folder: Path) -> Path:
    """Write the demo's `migration.yaml`; returns its path. Raises `StorageError`."""
    write_whole(folder / "migration.yaml", _PLAN.encode())
    return folder / "migration.yaml"


def write_demo(folder: Path) -> Path:
    """Write the demo's test set and `eval.yaml` into `folder`; returns the latter's path. Raises `StorageError`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = b"\n".join(msgspec.json.encode(row) for row in tickets(DEMO_CASES, _SEED))
    write_whole(folder / "letters.jsonl", lines + b"\n")
    write_whole(folder / "eval.yaml", _EVAL.encode())
    return folder / "eval.yaml"
