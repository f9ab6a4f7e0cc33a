"""Mutations answer with a union: their payload, or the named refusal that says why not and what to do.

Each refusal of the rules becomes a GraphQL type of the same name, with its facts as fields; nothing is written twice.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import date, datetime
from typing import Annotated, Any, Final, Optional, Union, get_type_hints

import strawberry

from api.acts import Act, Repeated
from api.authority import account_named, authorise
from api.context import Info
from api.deeds import deed_of
from api.errors import ApiError
from api.idempotency import answer_again, once, takes_key
from api.loaders import Loaders
from api.permissions import Needs
from api.scalars import BigInt
from domain.refusal import Refusal
from services.idempotency import IdempotencyKeyReused

log = logging.getLogger("prorata.api")

FIELDS: Final = {
    "name": "The name that was given.",
    "address": "The text that was given.",
    "given": "How many were given.",
    "limit": "The most allowed.",
    "sent": "How many were sent.",
    "plan": "The plan it is about.",
    "included": "Lite seats the plan includes.",
    "held": "Lite seats held now.",
    "excess": "Lite seats held over the plan's number.",
    "teammates": "The teammates who hold them, by name.",
    "email": "The address that was given.",
    "status": "Where it stands.",
    "expired_at": "When the invite expired.",
    "seat": "The seat held.",
    "since": "The date it began.",
    "ends_on": "The date it ends.",
    "advice": "What to do instead.",
    "event_id": "The event's id.",
    "number": "The invoice's number.",
    "reason": "Why, in plain words.",
    "first": "The first year it can stand in.",
    "last": "The last year it can stand in.",
    "most": "What is left to be credited.",
    "asked": "What was asked for.",
    "left_on": "The date the workspace left.",
    "now_at": "Where the clock stands.",
    "days": "The most days one call advances.",
    "target_at": "Where the clock is heading.",
    "seats": "Seats that were asked for.",
    "purchased": "Seats purchased now.",
    "renews_on": "The date the term renews.",
    "kind": "How the subscription is billed.",
    "version": "The version that was asked for.",
    "on": "The date it was asked for.",
    "threshold": "The threshold that was given.",
    "value": "The limit that was given.",
    "largest": "The largest that is taken.",
    "metric": "The metric it is about.",
    "role": "The role asked for, or the one it would replace or take.",
    "missing": "What the role may do and the caller may not.",
    "teammate": "The teammate's name.",
    "public_id": "The public id that was given.",
    "successor": "The public id of the successor.",
    "hours": "The hours that were given.",
    "key": "The idempotency key that was given.",
    "mutation": "The mutation that the key was first given to.",
}

WIDE: Final = frozenset({"threshold", "value", "largest"})
"""Facts that may be beyond GraphQL's own 32-bit numbers."""


@strawberry.interface(description="A refusal: nothing was changed. `message` says why and what to do.")
class UserError:
    """What every refusal shows."""

    message: str = strawberry.field(description="Why it was refused and what to do, in a sentence.")


_shown: dict[type[Refusal], type[UserError]] = {}


def shown_refusals() -> frozenset[type[Refusal]]:
    """Give the refusals that some mutation of the schema shows."""
    return frozenset(_shown)


def mutation(
    *, payload: type, refusals: tuple[type[Refusal], ...], description: str
) -> Callable[[Callable[..., Awaitable[object]]], Any]:
    """Make a mutation of a resolver that gives its payload or raises one of its refusals."""

    def decorate(resolver: Callable[..., Awaitable[object]]) -> Any:
        given_as = get_type_hints(resolver)["input"]
        reused = (IdempotencyKeyReused,) if takes_key(given_as) else ()
        known: tuple[type[Refusal], ...] = (*refusals, *reused)
        members = (payload, *(_type_of(refusal) for refusal in known))
        name = _camel(resolver.__name__)
        answers = payload.__name__.removesuffix("Payload") + "Result"
        union = strawberry.union(answers, description=f"What `{name}` answers.")
        result = Annotated[Union[members], union]  # type: ignore[valid-type]  # made at run time  # noqa: UP007

        @functools.wraps(resolver)
        async def answer(info: Info, **given: Any) -> object:
            ctx = info.context
            asked = given["input"]
            if ctx.has_acted:
                # A document of many mutations takes its time, and the first may have cost the caller a role.
                ctx.caller = await ctx.recall()
            ctx.has_acted = True
            needs = await _authorised(info, name, asked)
            act = ctx.act = Act(
                ctx.sessions,
                ctx.ring,
                deed=deed_of(ctx.caller, name, asked, needs),
                once=once(name, asked, account_named(asked), wall=ctx.wall),
            )
            # What the answer shows is not committed yet, and seen by its own transaction only.
            ctx.loaders = Loaders(act.reads, wall=ctx.wall)
            try:
                answered = await resolver(info=info, **given)
                await act.settle(answered)
            except Repeated as repeated:
                before = repeated
            except known as refusal:
                return _show(refusal)
            else:
                return answered
            finally:
                await act.leave()
                ctx.act, ctx.loaders = None, Loaders(ctx.reads, wall=ctx.wall)
            # It may have waited for whoever was first: what they did is not yet there at the moment it began.
            ctx.renew(after=before.at)
            return await answer_again(info, payload, before.answer)

        signature = inspect.signature(resolver)
        about = strawberry.argument(description=given_as.__strawberry_definition__.description)
        answer.__signature__ = signature.replace(  # type: ignore[attr-defined]  # inspect looks for it
            parameters=[
                parameter.replace(annotation=Annotated[given_as, about]) if name == "input" else parameter
                for name, parameter in signature.parameters.items()
            ]
        )
        return strawberry.mutation(resolver=answer, graphql_type=Optional[result], description=description)  # noqa: UP045

    return decorate


async def _authorised(info: Info, name: str, given: object) -> Needs:
    """Ask whether the caller may; who may not is told in the log, for it leaves no other trace."""
    try:
        return await authorise(info, name, given)
    except ApiError as error:
        caller = info.context.caller
        log.warning("%s of %s %s: %s", name, caller.kind.lower(), caller.id, error.code.value)
        raise


def _show(refusal: Refusal) -> UserError:
    facts = {field.name: getattr(refusal, field.name) for field in fields(refusal)}
    return _type_of(type(refusal))(message=refusal.message, **facts)


def _type_of(refusal: type[Refusal]) -> type[UserError]:
    if refusal not in _shown:
        hints = get_type_hints(refusal, localns={"date": date, "datetime": datetime})
        names = [field.name for field in fields(refusal)]
        body: dict[str, Any] = {
            name: strawberry.field(description=FIELDS[name]) for name in names if name != "message"
        }
        body["__annotations__"] = {name: BigInt if name in WIDE else hints[name] for name in names}
        made = type(refusal.__name__, (UserError,), body)
        _shown[refusal] = strawberry.type(made, description=(refusal.__doc__ or "").strip())
    return _shown[refusal]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
