"""Talking to models: protocols, the one socket, keys, and providers that need neither."""
