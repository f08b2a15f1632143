"""One file per command: parse, call `app`, print."""
