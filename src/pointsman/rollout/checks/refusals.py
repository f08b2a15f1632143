"""Does the candidate decline more often? A refusal comes with status 200 and looks like success."""

from __future__ import annotations

from pointsman.rollout.rare_event_check import rare_event_plugin

__all__ = ["PLUGIN"]

PLUGIN = rare_event_plugin("Answers that decline.", "refused")
