"""Other people's clients against `pointsman serve`, in front of every provider protocol: `make test-clients`."""
