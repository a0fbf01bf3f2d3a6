"""Many documents in one go: a ledger that remembers, workers that may die, one line a file."""
