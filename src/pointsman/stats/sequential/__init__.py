"""Tests that stay honest however often they are read, for evidence that is still arriving."""
