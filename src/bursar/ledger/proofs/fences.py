"""I16 and I18: who sees the books, who may change what is recorded, and whether every line says what it must."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from bursar.domain.accounts import OWNER_OF, Owner
from bursar.domain.roles import Role
from bursar.domain.transfers import KINDS, Channel
from bursar.ledger.proofs.findings import Books, Found
from bursar.ledger.proofs.questions import Question, count, first_broken

APPEND_ONLY: Final = ("events", "platform_events", "calls", "ledger_batches", "ledger_journal")
"""Tables the application adds to and does not change; the journal with all its partitions."""

APPLICATION_ROLES: Final = ("bursar_app", "bursar_platform")
"""The roles whose rights are looked at, besides the one that is signed in."""


async def tenants_are_apart(books: Books) -> Found:
    """I16: another tenant's scope, and no scope, show nothing of this tenant; and its rows name nobody else's."""
    tables = [record["name"] for record in await books.transaction.fetch(_TENANT_TABLES)]
    broken = await first_broken(books, [_FENCED, _GROUPS_KNOWN, _HOLDERS_KNOWN, Question(*_OWNERS_KNOWN, _OWNERS)])
    for table in tables:
        broken = broken or await _first_seen_by_strangers(books, table)
    return Found(f"{len(tables)} tables seen from outside", broken)


async def changes_are_accounted_for(books: Books) -> Found:
    """I18: every line has a kind of the catalogue between accounts that fit it, and somebody who did it unless the
    system does such things; and nobody of the application may change what is recorded."""
    broken = await first_broken(
        books,
        [
            Question(*_KINDS_FIT, tuple(map(list, zip(*_FITTING, strict=True)))),
            Question(*_ACTORS, (_DONE_BY_PEOPLE,)),
            Question(*_NEVER_CHANGED, (list(APPEND_ONLY), list(APPLICATION_ROLES))),
        ],
    )
    return Found(
        f"{await count(books, _LINES)} lines, {len(KINDS)} kinds, {len(APPEND_ONLY)} append-only tables", broken
    )


# What people do by a command of its own; the rest follows from something else, which may be the clock's doing.
_DONE_BY_PEOPLE = sorted(
    {kind.code for kind in KINDS.values() if kind.channel is Channel.COMMAND and Role.SYSTEM not in kind.roles}
    | {kind.reversed_by for kind in KINDS.values() if kind.reversed_by is not None}
)

# Every kind with every pair of accounts it may lie between, and whether these belong to somebody.
_FITTING = sorted(
    (kind.code, str(source), str(target), OWNER_OF[source] is not Owner.TENANT, OWNER_OF[target] is not Owner.TENANT)
    for kind in KINDS.values()
    for source in kind.sources
    for target in kind.targets
)

_OWNERS = tuple(
    sorted(account for account, owner in OWNER_OF.items() if owner is wanted) for wanted in (Owner.GROUP, Owner.MEMBER)
)

_LINES = "select count(*) from bursar.ledger_journal as journal where journal.tenant_id = $1"

# Tables whose rows all belong to a tenant, as far as whoever is signed in may read them at all. One is left out: in
# secret_hashes the tenant is what is looked up.
_TENANT_TABLES = """
    select class.relname::text as name
    from pg_class as class
    join pg_attribute as attribute
      on attribute.attrelid = class.oid and attribute.attname = 'tenant_id' and attribute.attnotnull
    where class.relnamespace = 'bursar'::regnamespace
      and class.relkind in ('r', 'p')
      and class.relname <> 'secret_hashes'
      and has_table_privilege(class.oid, 'select')
    order by class.relname
"""

_FENCED = Question(
    """
    select class.relname::text as name
    from pg_class as class
    join pg_attribute as attribute
      on attribute.attrelid = class.oid and attribute.attname = 'tenant_id' and attribute.attnotnull
    where class.relnamespace = 'bursar'::regnamespace
      and class.relkind in ('r', 'p')
      and class.relname <> 'secret_hashes'
      and not (class.relrowsecurity and class.relforcerowsecurity)
      and $1::uuid is not null
    order by class.relname
    limit 1
    """,
    "row-level security is not enabled and forced on the table {name}",
)

_GROUPS_KNOWN = Question(
    """
    select wallet.member_id, wallet.group_id
    from bursar.ledger_wallets as wallet
    where wallet.tenant_id = $1
      and not exists (
        select from bursar.ledger_groups as member_group
        where member_group.tenant_id = $1 and member_group.group_id = wallet.group_id
      )
    order by wallet.member_id
    limit 1
    """,
    "{member_id} is in {group_id}, which is not a group of this tenant",
)

_HOLDERS_KNOWN = Question(
    """
    select hold.hold_id, hold.member_id, hold.group_id
    from bursar.ledger_holds as hold
    where hold.tenant_id = $1
      and (not exists (
          select from bursar.ledger_wallets as wallet
          where wallet.tenant_id = $1 and wallet.member_id = hold.member_id
        ) or hold.group_id is not null and not exists (
          select from bursar.ledger_groups as member_group
          where member_group.tenant_id = $1 and member_group.group_id = hold.group_id
        ))
    order by hold.hold_id
    limit 1
    """,
    "{hold_id} is of {member_id} and {group_id}, which are not both of this tenant",
)

_OWNERS_KNOWN = (
    """
    with owners as (
      select distinct side.account, side.owner_id
      from bursar.ledger_journal as journal
      cross join lateral (values (journal.source, journal.source_id), (journal.target, journal.target_id))
        as side (account, owner_id)
      where journal.tenant_id = $1
        and side.owner_id is not null
    )
    select owners.account, owners.owner_id
    from owners
    where owners.account = any($2::text[]) and not exists (
        select from bursar.ledger_groups as member_group
        where member_group.tenant_id = $1 and member_group.group_id = owners.owner_id
      )
      or owners.account = any($3::text[]) and not exists (
        select from bursar.ledger_wallets as wallet
        where wallet.tenant_id = $1 and wallet.member_id = owners.owner_id
      )
    order by owners.account, owners.owner_id
    limit 1
    """,
    "the journal has lines of {whose}, and there is nobody of that id in this tenant",
)


async def _first_seen_by_strangers(books: Books, table: str) -> str | None:
    """Whether any row of the tenant is visible from the scope of another tenant, or from none."""
    own, stranger = books.tenant_id, UUID(int=books.tenant_id.int ^ 1)
    quoted = '"' + table.replace('"', '""') + '"'
    for scope, whose in ((f"{{{stranger.hex}}}", "another tenant's scope"), ("", "no scope")):
        await books.transaction.execute("select set_config('bursar.scope', $1, true)", scope)
        is_seen = await books.transaction.fetchval(
            f"select exists (select from bursar.{quoted} as stored where stored.tenant_id = $1)", own
        )
        await books.transaction.execute("select set_config('bursar.scope', $1, true)", f"{{{own.hex}}}")
        if is_seen:
            return f"rows of this tenant in the table {table} are visible with {whose}"
    return None


_KINDS_FIT = (
    """
    with posted as (
      select journal.kind, journal.source, journal.target, journal.source_id is not null as source_is_owned,
        journal.target_id is not null as target_is_owned, min(journal.batch_number) as batch_number,
        count(*) as lines
      from bursar.ledger_journal as journal
      where journal.tenant_id = $1
      group by 1, 2, 3, 4, 5
    )
    select posted.*
    from posted
    where not exists (
      select from unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::boolean[])
        as fitting (kind, source, target, source_is_owned, target_is_owned)
      where (fitting.kind, fitting.source, fitting.target, fitting.source_is_owned, fitting.target_is_owned)
        = (posted.kind, posted.source, posted.target, posted.source_is_owned, posted.target_is_owned)
    )
    order by posted.batch_number, posted.kind
    limit 1
    """,
    "the journal has {lines} lines of the kind {kind} from {source} to {target}, first in batch {batch_number}, which "
    "the catalogue of transfers does not know, or not of these owners",
)

_ACTORS = (
    """
    select journal.batch_number, journal.line, journal.kind, journal.transfer_id
    from bursar.ledger_journal as journal
    where journal.tenant_id = $1
      and journal.kind = any($2::text[])
      and journal.actor_id is null
    order by journal.batch_number, journal.line
    limit 1
    """,
    "{transfer_id} in batch {batch_number}, line {line} ({kind}) was done by nobody",
)

_NEVER_CHANGED = (
    """
    with kept as (
      select class.oid, class.relname
      from pg_class as class
      left join pg_inherits as partition on partition.inhrelid = class.oid
      left join pg_class as parent on parent.oid = partition.inhparent
      where class.relnamespace = 'bursar'::regnamespace
        and class.relkind in ('r', 'p')
        and (class.relname = any($2::text[]) or parent.relname = any($2::text[]))
    )
    select kept.relname::text as name, role.rolname::text as role, privilege.name as privilege
    from kept
    cross join pg_roles as role
    cross join (values ('update'), ('delete'), ('truncate')) as privilege (name)
    where (role.rolname = any($3::text[]) or role.rolname = current_user)
      and $1::uuid is not null
      and case privilege.name
        when 'update' then has_any_column_privilege(role.oid, kept.oid, 'update')
        else has_table_privilege(role.oid, kept.oid, privilege.name)
      end
    order by kept.relname, role.rolname, privilege.name
    limit 1
    """,
    "the role {role} has the right to {privilege} in {name}, where nothing that is recorded may change",
)
