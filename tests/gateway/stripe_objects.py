"""What our Stripe-compatible server keeps: customers, setups, payments, refunds, sessions, in Stripe's own JSON shapes.

The shapes are those of API version 2026-10-28 as far as its SDK and our adapter use them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

Json = dict[str, Any]
Form = dict[str, str]

CANCELLABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}
CONFIRMABLE = {"requires_payment_method", "requires_confirmation"}
NOT_AUTHENTICATED = {
    "type": "invalid_request_error",
    "code": "payment_intent_authentication_failure",
    "message": "The provided PaymentMethod has failed authentication.",
}


class StripeError(Exception):
    """An answer from 400 on."""

    def __init__(self, status: int, **error: Any) -> None:
        super().__init__(error.get("message"))
        self.status = status
        self.error = {"type": "invalid_request_error", "message": "No."} | error


@dataclass(frozen=True, slots=True)
class Kind:
    """How a test payment method looks and behaves."""

    last4: str = "4242"
    brand: str = "visa"
    wallet: str | None = None
    decline: Json | None = None
    setup: str = "succeeded"
    action: str | None = None
    fails_refunds: bool = False


def declines(decline_code: str, **more: str) -> Kind:
    return Kind("0002", decline={"code": "card_declined", "decline_code": decline_code} | more)


KINDS = {
    "pm_card_visa": Kind(),
    "pm_google_pay": Kind("1111", wallet="google_pay"),
    "pm_apple_pay": Kind("0005", brand="amex", wallet="apple_pay"),
    "pm_card_insufficientFunds": declines("insufficient_funds"),
    "pm_card_generic": declines("generic_decline"),
    "pm_card_neverAgain": declines("do_not_honor", advice_code="do_not_try_again"),
    "pm_card_lost": declines("lost_card"),
    "pm_card_stolen": declines("stolen_card"),
    "pm_card_pickup": declines("pickup_card"),
    "pm_card_expired": Kind("0069", decline={"code": "expired_card"}),
    "pm_card_new_code": declines("bank_on_holiday"),
    "pm_card_setupDeclined": Kind("0101", setup="declined"),
    "pm_card_setupAction": Kind("3220", setup="requires_action"),
    "pm_card_actionNeeded": Kind("3155", action="redirect"),
    "pm_card_authenticationRequired": Kind("3184", action="decline"),
    "pm_card_sdkAction": Kind("3063", action="sdk"),
    "pm_card_refundFail": Kind("5126", fails_refunds=True),
}


@dataclass(slots=True)
class Account:
    """One Stripe account. `moves` is its own word on the money that was taken and given back."""

    base_url: str = ""
    customers: dict[str, Json] = field(default_factory=dict)
    methods: dict[str, Json] = field(default_factory=dict)
    setups: dict[str, Json] = field(default_factory=dict)
    intents: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)
    sessions: dict[str, Json] = field(default_factory=dict)
    moves: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)

    def create_customer(self, form: Form) -> Json:
        return self._keep(self.customers, "cus", "customer", name=form.get("name"), metadata=metadata(form))

    def create_setup(self, form: Form) -> Json:
        """Make a payment method ready: attached to its customer, if the bank agrees."""
        customer = self._one(self.customers, form["customer"], param="customer")
        setup = self._setup(customer["id"])
        return self._confirm_setup(setup, form["payment_method"])

    def setup(self, setup_id: str, expand: set[str]) -> Json:
        setup = self._one(self.setups, setup_id, param="intent", status=404)
        method = self.methods.get(setup["payment_method"] or "")
        return setup | {"payment_method": method} if "payment_method" in expand else setup

    def create_session(self, form: Form) -> Json:
        assert form["mode"] == "setup"
        customer = self._one(self.customers, form["customer"], param="customer")
        session = self._keep(
            self.sessions,
            "cs_test",
            "checkout.session",
            mode="setup",
            status="open",
            customer=customer["id"],
            setup_intent=self._setup(customer["id"])["id"],
            success_url=form["success_url"],
            cancel_url=form.get("cancel_url"),
        )
        session["url"] = f"{self.base_url}/_checkout/{session['id']}"
        return session

    def session(self, session_id: str, expand: set[str]) -> Json:
        session = self._one(self.sessions, session_id, param="session", status=404)
        if "setup_intent" not in expand:
            return session
        inner = {"payment_method"} & {name.removeprefix("setup_intent.") for name in expand}
        return session | {"setup_intent": self.setup(session["setup_intent"], inner)}

    def complete_session(self, session_id: str, method: str) -> str:
        """Do what a customer does on the hosted page; return where the browser goes."""
        session = self.sessions[session_id]
        self._confirm_setup(self.setups[session["setup_intent"]], method)
        session["status"] = "complete"
        self._tell("checkout.session.completed", session)
        return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session_id)

    def create_intent(self, form: Form) -> Json:
        customer = self._one(self.customers, form["customer"], param="customer")
        if int(form["amount"]) < 50:
            raise StripeError(400, code="amount_too_small", param="amount")
        method = self.methods.get(form["payment_method"])
        if method is None or method["customer"] != customer["id"]:
            raise StripeError(400, code="resource_missing", param="payment_method")
        intent = self._keep(
            self.intents,
            "pi",
            "payment_intent",
            amount=int(form["amount"]),
            amount_received=0,
            currency=form["currency"],
            customer=customer["id"],
            description=form.get("description"),
            metadata=metadata(form),
            status="requires_confirmation",
            payment_method=None,
            last_payment_error=None,
            next_action=None,
            latest_charge=None,
            payment_method_types=["card"],
        )
        if form.get("confirm") == "true":
            self._confirm(intent, method, is_off_session=form.get("off_session") == "true")
        return intent

    def confirm_intent(self, intent_id: str, form: Form) -> Json:
        intent = self.intent(intent_id)
        if intent["status"] not in CONFIRMABLE:
            raise unexpected_state(intent)
        method = self._one(self.methods, form["payment_method"], param="payment_method")
        self._confirm(intent, method, is_off_session=form.get("off_session") == "true")
        return intent

    def cancel_intent(self, intent_id: str) -> Json:
        intent = self.intent(intent_id)
        if intent["status"] not in CANCELLABLE:
            raise unexpected_state(intent)
        intent |= {"status": "canceled", "next_action": None, "cancellation_reason": None}
        self._tell("payment_intent.canceled", intent)
        return intent

    def intent(self, intent_id: str) -> Json:
        return self._one(self.intents, intent_id, param="intent", status=404)

    def at_the_bank(self, intent_id: str, *, is_confirmed: bool) -> None:
        """Do what a customer does at the address of a payment that waits."""
        intent = self.intents[intent_id]
        if intent["status"] != "requires_action":
            return
        if is_confirmed:
            self._succeed(intent)
        else:
            self._fail(intent, NOT_AUTHENTICATED | {"payment_method": self.methods[intent["payment_method"]]})

    def create_refund(self, form: Form) -> Json:
        intent = self._one(self.intents, form["payment_intent"], param="payment_intent", status=404)
        amount = int(form["amount"])
        if intent["status"] != "succeeded":
            raise unexpected_state(intent)
        left = intent["amount"] - sum(
            refund["amount"] for refund in self.refunds_of(intent["id"]) if refund["status"] != "failed"
        )
        if left == 0:
            raise StripeError(
                400, code="charge_already_refunded", message="Charge has already been refunded."
            )
        if not 1 <= amount <= left:
            raise StripeError(400, param="amount", message=f"Refund amount is greater than {left}.")
        refund = self._keep(
            self.refunds,
            "re",
            "refund",
            amount=amount,
            charge=intent["latest_charge"],
            currency=intent["currency"],
            metadata=metadata(form),
            payment_intent=intent["id"],
            status="succeeded",
        )
        self._move("refund", refund)
        self._tell("charge.refunded", {"id": intent["latest_charge"], "object": "charge"})
        self._tell("refund.created", refund)
        if self.methods[intent["payment_method"]]["kind"] == "pm_card_refundFail":
            refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
            self._tell("refund.failed", refund)
        return refund

    def refunds_of(self, intent_id: str) -> list[Json]:
        return [each for each in self._newest(self.refunds) if each["payment_intent"] == intent_id]

    def intents_of(self, customer: str) -> list[Json]:
        return [each for each in self._newest(self.intents) if each["customer"] == customer]

    def search_intents(self, query: str) -> list[Json]:
        name, _, value = query.removeprefix('metadata["').partition('"]:"')
        wanted = value.removesuffix('"').replace('\\"', '"').replace("\\\\", "\\")
        return [each for each in self._newest(self.intents) if each["metadata"].get(name) == wanted]

    def _setup(self, customer: str) -> Json:
        return self._keep(
            self.setups,
            "seti",
            "setup_intent",
            customer=customer,
            status="requires_payment_method",
            payment_method=None,
        )

    def _confirm_setup(self, setup: Json, kind_name: str) -> Json:
        kind = KINDS.get(kind_name)
        if kind is None:
            raise StripeError(400, code="resource_missing", param="payment_method", message="No such method.")
        if kind.setup == "declined":
            self._tell("setup_intent.setup_failed", setup)
            declined = {"code": "card_declined", "decline_code": "generic_decline"}
            raise StripeError(402, type="card_error", message="Your card was declined.", **declined)
        method = self._keep(
            self.methods,
            "pm",
            "payment_method",
            customer=setup["customer"],
            type="card",
            kind=kind_name,
            card={
                "brand": kind.brand,
                "last4": kind.last4,
                "wallet": {"type": kind.wallet} if kind.wallet else None,
            },
        )
        setup |= {"payment_method": method["id"], "status": kind.setup}
        self._tell(f"setup_intent.{kind.setup}", setup)
        return setup

    def _confirm(self, intent: Json, method: Json, *, is_off_session: bool) -> None:
        kind = KINDS[method["kind"]]
        intent |= {"payment_method": method["id"], "last_payment_error": None}
        if kind.decline:
            raise self._declined(intent, method, kind.decline)
        if kind.action == "decline" and is_off_session:
            code = "authentication_required"
            raise self._declined(intent, method, {"code": code, "decline_code": code})
        if kind.action:
            redirect = {"url": f"{self.base_url}/_bank/{intent['id']}", "return_url": None}
            next_action = {"type": "redirect_to_url", "redirect_to_url": redirect}
            if kind.action == "sdk":
                next_action = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
            intent |= {"status": "requires_action", "next_action": next_action}
            self._tell("payment_intent.requires_action", intent)
            return
        self._succeed(intent)

    def _succeed(self, intent: Json) -> None:
        charge = f"ch_{uuid4().hex[:24]}"
        intent |= {"status": "succeeded", "next_action": None, "amount_received": intent["amount"]}
        intent["latest_charge"] = charge
        self._move("charge", intent)
        self._tell("payment_intent.succeeded", intent)

    def _fail(self, intent: Json, error: Json) -> None:
        intent |= {
            "status": "requires_payment_method",
            "payment_method": None,
            "next_action": None,
            "last_payment_error": error,
        }
        self._tell("payment_intent.payment_failed", intent)

    def _declined(self, intent: Json, method: Json, decline: Json) -> StripeError:
        error = {
            "type": "card_error",
            "message": "Your card was declined.",
            "payment_method": method,
        } | decline
        self._fail(intent, error)
        return StripeError(402, **error, charge=f"ch_{uuid4().hex[:24]}", payment_intent=dict(intent))

    def _move(self, kind: str, subject: Json) -> None:
        key = subject["metadata"].get("prorata_key")
        self.moves.append({"kind": kind, "idempotency_key": key, "amount_cents": subject["amount"]})

    def _tell(self, kind: str, subject: Json) -> None:
        self.events.append(
            {
                "id": f"evt_{uuid4().hex[:24]}",
                "object": "event",
                "api_version": "2026-10-28.endive",
                "created": int(time.time()),
                "livemode": False,
                "type": kind,
                "data": {"object": dict(subject)},
            }
        )

    def _keep(self, where: dict[str, Json], prefix: str, kind: str, /, **fields: Any) -> Json:
        made_id = f"{prefix}_{uuid4().hex[:24]}"
        common = {"id": made_id, "object": kind, "created": int(time.time()), "livemode": False}
        made = common | fields
        where[made_id] = made
        return made

    def _one(self, where: dict[str, Json], thing_id: str, *, param: str, status: int = 400) -> Json:
        if thing_id not in where:
            message = f"No such {param}: '{thing_id}'"
            raise StripeError(status, code="resource_missing", param=param, message=message)
        return where[thing_id]

    @staticmethod
    def _newest(where: dict[str, Json]) -> list[Json]:
        return list(where.values())[::-1]


def metadata(form: Form) -> Form:
    """Return the metadata of a form."""
    return {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}


def unexpected_state(intent: Json) -> StripeError:
    message = f"This PaymentIntent's status is {intent['status']}."
    return StripeError(
        400, code="payment_intent_unexpected_state", message=message, payment_intent=dict(intent)
    )
