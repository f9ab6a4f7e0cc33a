"""What tests of people share: an issuer of their tokens, which an installation trusts that asks for it."""

from tests.issuing import issuer

__all__ = ["issuer"]
