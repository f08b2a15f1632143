"""The hot path: a client's request in, a provider's answer out, and one record of it. Nothing here touches a disk."""
