"""Does the candidate's answer end at the token limit more often?"""

from __future__ import annotations

from pointsman.rollout.rare_event_check import rare_event_plugin

__all__ = ["PLUGIN"]

PLUGIN = rare_event_plugin("Answers cut off at the token limit.", "truncated")
