"""A rollout in virtual time: simulated traffic, and the machine and checks that also decide live."""
