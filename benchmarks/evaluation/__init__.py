"""Evaluation runners side by side: the same cases, endpoint, concurrency and scoring."""
