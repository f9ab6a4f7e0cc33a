"""A payment provider that keeps its word about idempotency and can be told to misbehave in every other way."""
