"""Does the candidate's output need repair, or miss the asked format, more often?"""

from __future__ import annotations

from pointsman.rollout.rare_event_check import rare_event_plugin

__all__ = ["PLUGIN"]

PLUGIN = rare_event_plugin("Answers that were not in the format asked for.", "repaired")
