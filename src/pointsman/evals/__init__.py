"""Measuring variants on a test set."""
