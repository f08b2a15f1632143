"""Does the candidate need rescue by a fallback more often?"""

from __future__ import annotations

from pointsman.rollout.rare_event_check import rare_event_plugin

__all__ = ["PLUGIN"]

PLUGIN = rare_event_plugin("Requests answered by a fallback.", "fell_back")
