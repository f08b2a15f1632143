"""Gateways side by side: the same requests through each to the same upstream, CPU and added time per request."""
