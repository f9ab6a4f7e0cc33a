"""How each refusal of marking notices is provoked; cases as in `refusal_cases`."""

from __future__ import annotations

from adapters.ids import new_id
from api.node_ids import NodeRef, decode_node_id, encode_node_id
from services.notifications import TooManyNotifications, UnknownNotification
from services.workspaces import UnknownWorkspace
from tests.api.refusal_cases import Asked, Installation, bare, case, subscribed


@case("notificationRead", UnknownNotification)
async def a_notice_that_was_never_written(at: Installation) -> Asked:
    player = await bare(at)
    account = decode_node_id(player.account_id)
    assert account is not None
    unknown = encode_node_id(NodeRef("Notification", account.account_id, str(new_id())))
    return {"notificationIds": [unknown]}, UnknownNotification()


@case("notificationRead", TooManyNotifications)
async def more_notices_than_are_marked_at_once(at: Installation) -> Asked:
    return {"notificationIds": ["x"] * 101}, TooManyNotifications(101, 100)


@case("notificationReadAll", UnknownWorkspace)
async def all_notices_of_another_s_workspace(at: Installation) -> Asked:
    player, other = await subscribed(at), await subscribed(at)
    return {"accountId": player.account_id, "workspaceId": other.workspace_id}, UnknownWorkspace()
