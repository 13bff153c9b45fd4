"""One good call of every route that changes nothing, as `tests/support/calls.py` has them of those that do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from bursar.actions.prices import NewPrice, set_price
from bursar.domain.ids import public_id
from tests.support.calls.of_allocation_batches import batch_id
from tests.support.calls.of_conversations import at as path_of
from tests.support.calls.of_conversations import conversation
from tests.support.calls.of_credit_requests import waiting
from tests.support.calls.of_credits import funded, held
from tests.support.calls.of_groups import new_group
from tests.support.calls.of_keys import key_id
from tests.support.calls.of_providers import provider_id
from tests.support.calls.of_purchases import purchase_id
from tests.support.calls.of_tasks import task_id
from tests.support.calls.scenes import Call, Scene, unique
from tests.support.prices import terms
from tests.support.usage import made_call

Read = Callable[[Scene], Awaitable[Call]]


def at(path: str) -> Read:
    """A path that names nothing in particular."""

    async def prepare(_: Scene) -> Call:
        return Call("GET", path)

    return prepare


def about_target(path: str) -> Read:
    """A list, of the target's only."""

    async def prepare(scene: Scene) -> Call:
        return Call("GET", f"{path}?member_id={scene.target_id}")

    return prepare


async def get_call(scene: Scene) -> Call:
    await funded(scene)
    made = await made_call(scene.house, scene.place, scene.target)
    return Call("GET", f"/calls/{public_id('call', made.call_id)}")


async def get_member(scene: Scene) -> Call:
    return Call("GET", f"/members/{scene.target_id}")


async def get_group(scene: Scene) -> Call:
    return Call("GET", f"/groups/{public_id('group', await new_group(scene))}")


async def list_transactions(scene: Scene) -> Call:
    return Call("GET", f"/transactions?member_id={scene.target_id}")


async def list_credit_requests(scene: Scene) -> Call:
    return Call("GET", f"/credit-requests?member_id={scene.target_id}")


async def get_credit_request(scene: Scene) -> Call:
    return Call("GET", f"/credit-requests/{await waiting(scene)}")


async def export_transactions(scene: Scene) -> Call:
    return Call("GET", f"/transactions.csv?member_id={scene.target_id}")


async def list_member_transactions(scene: Scene) -> Call:
    return Call("GET", f"/members/{scene.target_id}/transactions")


async def export_member_transactions(scene: Scene) -> Call:
    return Call("GET", f"/members/{scene.target_id}/transactions.csv")


async def get_hold(scene: Scene) -> Call:
    return Call("GET", f"/holds/{await held(scene)}")


async def list_holds(scene: Scene) -> Call:
    return Call("GET", f"/holds?member_id={scene.target_id}")


async def get_spendable(scene: Scene) -> Call:
    return Call("GET", f"/spendable?member_id={scene.target_id}")


async def list_tasks(scene: Scene) -> Call:
    return Call("GET", f"/tasks?member_id={scene.target_id}")


async def export_tasks(scene: Scene) -> Call:
    return Call("GET", f"/tasks.csv?member_id={scene.target_id}")


async def get_task(scene: Scene) -> Call:
    return Call("GET", f"/tasks/{await task_id(scene)}")


async def get_tenant(scene: Scene) -> Call:
    return Call("GET", f"/tenants/{public_id('tenant', scene.tenant_id)}")


async def get_price(scene: Scene) -> Call:
    new = NewPrice("openai", unique(), terms(input="2.50"), None, None)
    price = (await set_price(scene.house.desk, scene.operator, new)).answer
    return Call("GET", f"/prices/{public_id('price', price.price_id)}")


async def get_provider(scene: Scene) -> Call:
    return Call("GET", f"/providers/{await provider_id(scene)}")


async def list_keys(scene: Scene) -> Call:
    return Call("GET", f"/api-keys?member_id={scene.target_id}")


async def get_key(scene: Scene) -> Call:
    return Call("GET", f"/api-keys/{await key_id(scene)}")


async def get_purchase(scene: Scene) -> Call:
    return Call("GET", f"/purchases/{await purchase_id(scene)}")


async def get_allocation_batch(scene: Scene) -> Call:
    return Call("GET", f"/allocation-batches/{await batch_id(scene)}")


async def list_allocation_batch_rows(scene: Scene) -> Call:
    return Call("GET", f"/allocation-batches/{await batch_id(scene)}/rows")


async def get_conversation(scene: Scene) -> Call:
    return Call("GET", path_of(await conversation(scene)))


READS: Mapping[str, Read] = {
    "list_all_tenants": at("/tenants"),
    "get_tenant_by_id": get_tenant,
    "list_super_admins": at("/super-admins"),
    "list_platform_audit_events": at("/platform/audit"),
    "export_platform_audit_events": at("/platform/audit.csv"),
    "list_redemption_codes": at("/redemption-codes"),
    "get_platform_settings_now": at("/platform-settings"),
    "list_platform_purchases": at("/platform-purchases"),
    "get_purchase_terms": at("/purchase-terms"),
    "list_purchases_of_tenant": at("/purchases"),
    "get_purchase": get_purchase,
    "get_pool": at("/pool"),
    "list_transactions": list_transactions,
    "list_transaction_kinds": at("/transactions/kinds"),
    "export_transactions": export_transactions,
    "list_member_transactions": list_member_transactions,
    "export_member_transactions": export_member_transactions,
    "list_own_transactions": at("/own-transactions"),
    "list_own_transaction_kinds": at("/own-transactions/kinds"),
    "export_own_transactions": at("/own-transactions.csv"),
    "list_allocation_batches": at("/allocation-batches"),
    "get_allocation_batch": get_allocation_batch,
    "list_allocation_batch_rows": list_allocation_batch_rows,
    "get_hold": get_hold,
    "list_open_holds": list_holds,
    "get_spendable": get_spendable,
    "list_calls": about_target("/calls"),
    "export_calls": about_target("/calls.csv"),
    "get_call": get_call,
    "get_usage": about_target("/reports/usage"),
    "export_usage": about_target("/reports/usage.csv"),
    "get_own_usage": at("/own-usage"),
    "list_tasks": list_tasks,
    "export_tasks": export_tasks,
    "get_task": get_task,
    "list_credit_requests_of_tenant": list_credit_requests,
    "get_credit_request": get_credit_request,
    "list_own_credit_requests": at("/own-credit-requests"),
    "list_members_of_tenant": at("/members"),
    "get_member": get_member,
    "list_groups_of_tenant": at("/groups"),
    "get_group": get_group,
    "get_cards": at("/reports/cards"),
    "get_overview": at("/reports/overview"),
    "list_credits_of_members": at("/reports/credits"),
    "get_own_credits": at("/own-credits"),
    "list_invitations_of_tenant": at("/invitations"),
    "get_cycle": at("/cycle"),
    "get_settings": at("/settings"),
    "get_key_limits": at("/settings/key-limits"),
    "get_member_limits": at("/settings/member-limits"),
    "list_audit_events": at("/audit"),
    "export_audit_events": at("/audit.csv"),
    "list_audit_kinds": at("/audit/kinds"),
    "get_own_account": at("/own/account"),
    "list_own_sessions": at("/own/sessions"),
    "list_own_notifications": at("/notifications"),
    "get_session": at("/session"),
    "list_providers": at("/providers"),
    "get_provider": get_provider,
    "list_model_routes": at("/model-routes"),
    "list_own_conversations": at("/conversations"),
    "get_conversation": get_conversation,
    "get_playground": at("/playground"),
    "list_models": at("/models"),
    "list_keys": list_keys,
    "get_key": get_key,
    "list_prices": at("/prices"),
    "get_price": get_price,
    "list_price_factors": at("/price-factors"),
}
