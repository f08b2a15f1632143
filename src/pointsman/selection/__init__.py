"""Which models come into question: needs against facts, with the reason for each answer."""
