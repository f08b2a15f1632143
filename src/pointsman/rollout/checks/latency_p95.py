"""Is the candidate's slow tail slower?"""

from __future__ import annotations

from pointsman.rollout.tail_check import tail_plugin

__all__ = ["PLUGIN"]

PLUGIN = tail_plugin("95th percentile of the time to the last byte.", "latency_s")
