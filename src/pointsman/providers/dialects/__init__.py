"""One wire protocol each. A dialect knows no other dialect and opens no socket."""
