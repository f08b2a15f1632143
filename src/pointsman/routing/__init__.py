"""Choosing who answers a request: pure functions of the request, what is known, and one uniform draw."""
