"""Does the candidate run out of time more often?"""

from __future__ import annotations

from pointsman.rollout.rare_event_check import rare_event_plugin

__all__ = ["PLUGIN"]

PLUGIN = rare_event_plugin("Requests that ran out of time.", "timed_out")
