"""A model that follows a script: seeded quality, latency, errors and price, in process or behind a real HTTP server."""
