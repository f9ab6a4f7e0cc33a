"""The way to the payment provider: what we ask of one, and the two that answer, Stripe and the sandbox."""
