"""Observing what was served: recorded on the hot path, counted, written and exported away from it."""
