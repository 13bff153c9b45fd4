"""The AI Credits table: whom credits were given, how much of them is consumed, and who could be given some."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import Credits
from bursar.domain.figures import Percent, assigned_to, percent_of
from bursar.domain.search import patterns
from bursar.ledger import Clock, MemberFigures, list_member_figures
from bursar.store.member_search import FoundNumbers, list_members_numbered
from bursar.store.members import Member


@dataclass(frozen=True)
class CreditsFilter:
    """Which side of the table: who is in it, or who is not and could be assigned credits; and the words to find.

    `seen_by` is who looks, and could not assign any to oneself.
    """

    search: str | None
    is_assigned: bool
    seen_by: UUID | None


@dataclass(frozen=True)
class CreditsRow:
    """One member and what they were given.

    Rule: FIGURE-5
    """

    member: Member
    figures: MemberFigures

    @property
    def assigned(self) -> Credits:
        """What was given in all and not taken back or lapsed."""
        figures = self.figures
        return assigned_to(remaining=figures.remaining, held=figures.held, consumed=figures.consumed)

    @property
    def usage(self) -> Percent:
        """How much of it is consumed: above 100 % for who owes."""
        return percent_of(self.figures.consumed, self.assigned)


@dataclass(frozen=True)
class CreditsPage:
    """Some members, and how many there are in all."""

    rows: list[CreditsRow]
    total: int


async def see_credits(
    database: Database, tenant_id: UUID, clock: Clock, wanted: CreditsFilter, *, after: int | None, limit: int
) -> CreditsPage:
    """A page of the table by the members' numbers. Refuses `tenant_unknown`.

    Rule: FIGURE-6
    """
    async with reading(database, tenant_id) as transaction:
        found = await _find_numbers(transaction, tenant_id, wanted, after=after, limit=limit)
        members = await list_members_numbered(transaction, tenant_id, found.numbers)
        figures = await list_member_figures(transaction, tenant_id, [member.member_id for member in members], clock)
    return CreditsPage([CreditsRow(member, figures[member.member_id]) for member in members], found.total)


async def _find_numbers(
    transaction: Transaction, tenant_id: UUID, wanted: CreditsFilter, *, after: int | None, limit: int
) -> FoundNumbers:
    """Who belongs to the asked side of the table, by number, those after number `after`, and how many there are.

    Both sides are read from indexes alone, the members' names from one and who has credits from the other. Who is not
    in the table can be assigned something only while active, a tenant admin never, and nobody by oneself.

    Rule: FIGURE-6, FIGURE-7
    """
    statement, but = (_WITH_CREDITS, []) if wanted.is_assigned else (_WITHOUT_CREDITS, [wanted.seen_by])
    # How many a search finds decides how the two sides are best brought together, so it is planned for each anew: a
    # plan for any search at all would look into the second index a hundred thousand times.
    await transaction.execute("set local plan_cache_mode = force_custom_plan")
    row = await transaction.fetchrow(statement, tenant_id, patterns(wanted.search), after or 0, limit, *but)
    assert row is not None, "a count is always answered"
    return FoundNumbers(row["total"], row["numbers"] or [])


_WITH_CREDITS = """
select count(*) as total,
       (array_agg(members.number order by members.number) filter (where members.number > $3))[1:$4] as numbers
from members
join ledger_wallets as wallets
  on wallets.tenant_id = members.tenant_id
 and wallets.member_id = members.member_id
where members.tenant_id = $1
  and members.status <> 'deleted'
  and members.search_text like all($2::text[])
  and wallets.tenant_id = $1
  and wallets.has_credits
  and wallets.status <> 'deleted'
"""

_WITHOUT_CREDITS = """
select count(*) as total,
       (array_agg(members.number order by members.number) filter (where members.number > $3))[1:$4] as numbers
from members
where members.tenant_id = $1
  and members.status = 'active'
  and members.role <> 'tenant_admin'
  and members.member_id is distinct from $5
  and members.search_text like all($2::text[])
  and not exists (
    select
    from ledger_wallets as wallets
    where wallets.tenant_id = $1
      and wallets.member_id = members.member_id
      and wallets.has_credits
      and wallets.status <> 'deleted'
  )
"""
