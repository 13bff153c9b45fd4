"""Taking and giving up sign-in names, in the transaction that makes or changes the person."""

from __future__ import annotations

from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.people import NewPerson, name_taken
from bursar.store.sign_in_names import delete_sign_in_name, folded, insert_sign_in_name


async def take_names(transaction: Transaction, tenant_id: UUID | None, principal_id: UUID, person: NewPerson) -> None:
    """Username and e-mail address, both unique on the platform. Refuses `name_taken`.

    Rule: MEMBER-3
    """
    for kind, name in (("username", person.username), ("email", person.email)):
        if name is not None and not await insert_sign_in_name(
            transaction, tenant_id, principal_id, name=name, kind=kind
        ):
            raise name_taken(kind)


async def change_name(
    transaction: Transaction, tenant_id: UUID, principal_id: UUID, kind: str, *, before: str | None, after: str | None
) -> None:
    """Takes one name and gives up the one before it; another spelling of the same name is the same name.

    The person's row is locked by then, so nobody else changes their names meanwhile. Refuses `name_taken`.

    Rule: MEMBER-3
    """
    if before is not None and after is not None and folded(before) == folded(after):
        return
    if after is not None and not await insert_sign_in_name(transaction, tenant_id, principal_id, name=after, kind=kind):
        raise name_taken(kind)
    if before is not None:
        await delete_sign_in_name(transaction, principal_id, name=before)
