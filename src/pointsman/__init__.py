"""Choose the right model, prove it on your data, and switch your traffic to it without an incident."""

__version__ = "0.1.0"
__all__ = ["__version__"]
