"""Providers that answer without a network: from a script or from a file."""
