"""Making bodies: an error of ours is not sent before it was tried again, and no body grows without bound."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

from starlette.applications import Starlette

from adapters.database import create_engine, session_maker
from adapters.ids import new_id
from adapters.queries.deliveries import Bare
from api.context import Context
from api.loaders import Loaders
from api.rendering import LONGEST_BODY, MOST_RENDERINGS, Renderer, _body
from tests.webhooks.conftest import NOW
from tests.webhooks.telling import Told


def without_a_database(renderer: Renderer) -> Renderer:
    """Give a renderer whose queries reach no database."""
    nowhere = session_maker(create_engine("postgresql://nobody@127.0.0.1:1/nothing"))

    def context_of(account_id: UUID) -> Context:
        context = renderer.context_of(account_id)
        return replace(context, reads=nowhere, loaders=Loaders(nowhere, wall=context.wall))

    return replace(renderer, context_of=context_of)


async def test_an_error_of_ours_is_tried_again_and_a_later_body_is_whole(
    customer: Told, app: Starlette
) -> None:
    await customer.ping()
    taken = await without_a_database(app.state.renderer).render_waiting()
    (bare,) = await customer.log()
    await customer.expire_leases()

    (got,) = await customer.deliver()

    assert taken == 1
    assert (bare["status"], bare["body"]) == ("WAITING", None)
    assert got.content["data"]["node"]["id"] == customer.endpoint_id


async def test_an_error_that_stays_is_sent_in_the_end_without_its_cause(
    customer: Told, app: Starlette
) -> None:
    await customer.ping()
    for _ in range(MOST_RENDERINGS):
        await without_a_database(app.state.renderer).render_waiting()
        await customer.expire_leases()

    (got,) = await customer.deliver()

    assert got.content["data"] is None
    (error,) = got.content["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Internal error", "INTERNAL")


async def test_of_two_who_make_a_body_the_first_is_kept(customer: Told, app: Starlette) -> None:
    await customer.ping()
    await app.state.renderer.render_waiting()
    (first,) = await customer.log()
    await customer.player.do("webhookEndpointChange", endpointId=customer.endpoint_id, description="changed")

    again = await app.state.renderer.render_waiting()
    (got,) = await customer.deliver()

    assert again == 0
    assert got.body.decode() == first["body"]


def test_an_answer_that_is_too_long_is_not_sent() -> None:
    bare = Bare(new_id(), new_id(), None, 1, "invoice.paid", "Invoice", new_id(), NOW)

    body = _body(bare, {"data": {"text": "a" * LONGEST_BODY}})

    content = json.loads(body)
    assert content["data"] is None
    assert [each["extensions"]["code"] for each in content["errors"]] == ["TOO_LARGE"]
