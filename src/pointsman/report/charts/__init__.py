"""The charts of a run, as inline SVG with a spoken description each."""
