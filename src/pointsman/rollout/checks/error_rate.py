"""Does the candidate fail more often, counting its first attempt whatever a fallback made of it?"""

from __future__ import annotations

from pointsman.rollout.rare_event_check import rare_event_plugin

__all__ = ["PLUGIN"]

PLUGIN = rare_event_plugin("The candidate's own failures, whatever a fallback made of them.", "failed", alpha_share=8.0)
