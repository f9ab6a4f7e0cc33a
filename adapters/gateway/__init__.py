"""The way to the payment provider: what we ask of one, and the sandbox that answers."""
