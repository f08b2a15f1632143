"""What lasts: append-only records on disk."""
