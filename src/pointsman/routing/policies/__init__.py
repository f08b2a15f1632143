"""One way to choose per file; each defines `PLUGIN`."""
