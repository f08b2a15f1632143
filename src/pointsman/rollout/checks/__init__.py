"""Guardrails and signals, one file each."""
