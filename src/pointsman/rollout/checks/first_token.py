"""Does the candidate's first token come later in the slow tail?"""

from __future__ import annotations

from pointsman.rollout.tail_check import tail_plugin

__all__ = ["PLUGIN"]

PLUGIN = tail_plugin("95th percentile of the time to the first token.", "first_token_s")
