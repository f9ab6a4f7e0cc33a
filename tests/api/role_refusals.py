"""How each refusal about roles and scopes is provoked; cases as in `refusal_cases`."""

from __future__ import annotations

from domain.permissions import LastBillingAdmin, RoleBeyondYours
from services.apikeys import ScopesBeyondYours
from services.seats import NotActive
from tests.api.companies import key_of
from tests.api.refusal_cases import Asked, Installation, bare, case, pending
from tests.application import Api


async def hiring_key(api: Api, account_id: str) -> Api:
    """Give a client with a key that may do nothing but hire."""
    made = await api.do("apiKeyCreate", "key", accountId=account_id, name="people", scopes=["SEATS_MANAGE"])
    return api.with_key(made["key"])


@case("teammateInvite", RoleBeyondYours)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    invited = {
        "workspaceId": player.workspace_id,
        "name": "Ida",
        "email": "ida@example.com",
        "role": "BILLING",
    }
    missing = "alerts.manage, billing.manage, billing.view, limits.manage, usage.view"
    return invited, RoleBeyondYours("BILLING", missing), await hiring_key(at.api, player.account_id)


@case("roleSet", RoleBeyondYours)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    person = await pending(player)
    given = {"teammateId": person, "role": "DEVELOPER"}
    missing = "billing.view, usage.view, webhooks.manage"
    return given, RoleBeyondYours("DEVELOPER", missing), await hiring_key(at.api, player.account_id)


@case("roleSet", NotActive)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    person = await pending(player)
    await player.do("inviteRevoke", teammateId=person)
    return {"teammateId": person, "role": "BILLING"}, NotActive("revoked")


@case("roleSet", LastBillingAdmin)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    given = {"teammateId": player.creator_id, "role": "PEOPLE"}
    return given, LastBillingAdmin("Founder"), await key_of(at.api, player.account_id)


@case("teammateRemove", RoleBeyondYours)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    missing = (
        "alerts.manage, audit.view, billing.manage, billing.view, limits.manage, usage.view, webhooks.manage"
    )
    given = {"teammateId": player.creator_id}
    return given, RoleBeyondYours("ADMIN", missing), await hiring_key(at.api, player.account_id)


@case("teammateRemove", LastBillingAdmin)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    given = {"teammateId": player.creator_id}
    return given, LastBillingAdmin("Founder"), await key_of(at.api, player.account_id)


@case("apiKeyCreate", ScopesBeyondYours)
async def _(at: Installation) -> Asked:
    player = await bare(at)
    given = {"accountId": player.account_id, "name": "backend", "scopes": ["STAFF", "USAGE_VIEW"]}
    return given, ScopesBeyondYours("staff")
