"""Use cases, and the one place where strangers are introduced to each other."""
