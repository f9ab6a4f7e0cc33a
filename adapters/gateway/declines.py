"""Why a bank says no: each code in plain words, and whether trying again can help.

A hard decline stops retrying until the payment method is changed (rule book, section 11).
"""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.gateway.protocol import Declined

HARD_DECLINES: Mapping[str, str] = MappingProxyType(
    {
        "lost_card": "The card was reported lost.",
        "stolen_card": "The card was reported stolen.",
        "account_closed": "The bank account behind the card is closed.",
        "invalid_account": "The bank account behind the card does not exist.",
    }
)
SOFT_DECLINES: Mapping[str, str] = MappingProxyType(
    {
        "insufficient_funds": "There was not enough money on the card.",
        "generic_decline": "The bank declined the payment without giving a reason.",
        "do_not_honor": "The bank declined the payment and asks the card holder to call it.",
        "expired_card": "The card has expired.",
        "processing_error": "The bank could not process the payment.",
    }
)
UNKNOWN_DECLINE = "The bank declined the payment."


def declined(reference: str, *, code: str) -> Declined:
    """Return the decline with its reason; a code not in the tables is soft, since a retry does no harm."""
    is_hard = code in HARD_DECLINES
    reason = HARD_DECLINES.get(code) or SOFT_DECLINES.get(code) or UNKNOWN_DECLINE
    return Declined(reference=reference, code=code, is_hard=is_hard, reason=reason)
