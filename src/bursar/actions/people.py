"""Taking sign-in names for a new person, in the transaction that makes the person."""

from __future__ import annotations

from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.people import NewPerson, name_taken
from bursar.store.sign_in_names import insert_sign_in_name


async def take_names(transaction: Transaction, tenant_id: UUID | None, principal_id: UUID, person: NewPerson) -> None:
    """Username and e-mail address, both unique on the platform. Refuses `name_taken`."""
    for kind, name in (("username", person.username), ("email", person.email)):
        if name is not None and not await insert_sign_in_name(
            transaction, tenant_id, principal_id, name=name, kind=kind
        ):
            raise name_taken(kind)
