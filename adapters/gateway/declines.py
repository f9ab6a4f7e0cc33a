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
        "pickup_card": "The bank withdrew the card; it may have been reported lost or stolen.",
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
        "not_confirmed": "The payment was not confirmed in time.",
        "authentication_required": "The bank wants the card holder to confirm the payment.",
        "authentication_failed": "The card holder did not confirm the payment.",
        "call_issuer": "The bank declined the payment and asks the card holder to call it.",
        "card_not_supported": "The card cannot be used for this kind of payment.",
        "card_velocity_exceeded": "The card's limit of payments or of money is reached.",
        "currency_not_supported": "The card cannot pay in this currency.",
        "fraudulent": "The payment was declined because it looked like fraud.",
        "incorrect_cvc": "The card's security code is wrong.",
        "incorrect_number": "The card's number is wrong.",
        "incorrect_zip": "The card's postal code is wrong.",
        "invalid_amount": "The amount is more than the card may pay at once.",
        "issuer_not_available": "The bank could not be reached.",
        "not_permitted": "The bank does not permit this payment.",
        "restricted_card": "The card cannot be used for this payment.",
        "try_again_later": "The bank could not decide; it may be able to later.",
        "transaction_not_allowed": "The bank does not allow this payment with the card.",
        "withdrawal_count_limit_exceeded": "The card's limit of payments or of money is reached.",
    }
)
UNKNOWN_DECLINE = "The bank declined the payment."


def declined(reference: str, *, code: str, is_final: bool = False) -> Declined:
    """Return the decline with its reason; a code not in the tables is soft, since a retry does no harm.

    `is_final` is for a bank that says never to try again whatever the code: closed accounts are often told so.
    """
    is_hard = is_final or code in HARD_DECLINES
    reason = HARD_DECLINES.get(code) or SOFT_DECLINES.get(code) or UNKNOWN_DECLINE
    return Declined(reference=reference, code=code, is_hard=is_hard, reason=reason)
