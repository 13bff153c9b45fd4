"""Finding transfers: the latest of the pool or of one member, newest first, narrowed by whatever is asked.

In a large tenant nearly every line of the journal is somebody's usage. So each way of narrowing enters an index that
has no usage in it, or only the pool's own, and reads as many lines as it answers with; amounts and texts are looked for
in the lines that the rest leaves. Read next: `journal`, for what is answered with.

Rule: TRANSACTION-5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from bursar.db.transaction import Transaction
from bursar.domain.credits import TOTAL_MAX_MICRO, Credits
from bursar.domain.refusals import Refusal
from bursar.domain.search import search_words
from bursar.domain.transfers import KINDS
from bursar.ledger.core.rows import Line
from bursar.ledger.core.transfers import reversal_key
from bursar.ledger.journal import COLUMNS, OfMember, OfPool, Place, PostedTransfer, bounded, posted_transfer

_END = Place(TOTAL_MAX_MICRO, 2**31 - 1)
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_USAGE = "usage"


@dataclass(frozen=True, slots=True)
class TransferFilter:
    """Which transfers are meant; what is None or empty lets all through. `since` is inclusive, `until` is not.

    `related_id`, the member or group that the pool gave to or took from, narrows only the pool's side. There `text` is
    looked for in notes and in the names and addresses of who is related or acted; on a member's side only in notes.
    """

    kinds: tuple[str, ...] = ()
    related_id: UUID | None = None
    actor_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    amount_min: Credits | None = None
    amount_max: Credits | None = None
    text: str | None = None


async def find_transfers(
    transaction: Transaction,
    tenant_id: UUID,
    subject: OfPool | OfMember,
    wanted: TransferFilter,
    *,
    before: Place | None,
    limit: int,
) -> list[PostedTransfer]:
    """The subject's latest transfers that the filter lets through, newest first; `before` continues where an earlier
    page ended. Refuses `kind_unknown`, and `search_too_broad` where the database's time for a statement was not enough.
    """
    for kind in wanted.kinds:
        if kind not in KINDS:
            raise Refusal("kind_unknown", "There is no such kind of transfer.", field="kind")
    # A plan for whatever may be asked takes a bound that lets everything through for one that narrows, and then reads
    # the whole journal. So what is asked is planned anew each time, which takes milliseconds.
    await transaction.execute(_PLANNED_ANEW)
    of_pool = isinstance(subject, OfPool)
    owner_id = wanted.related_id if isinstance(subject, OfPool) else subject.member_id
    arms = _arms_of_pool(wanted) if of_pool else _arms_of_member(wanted)
    if not arms:
        return []
    arguments = (
        tenant_id,
        *(before or _END),
        bounded(limit),
        0 if wanted.since is None else await _first_batch_from(transaction, tenant_id, wanted.since),
        _END.batch_number if wanted.until is None else await _first_batch_from(transaction, tenant_id, wanted.until),
        wanted.since or _EARLIEST,
        wanted.until or _LATEST,
        sorted(set(wanted.kinds)) or None,
        wanted.actor_id,
        0 if wanted.amount_min is None else wanted.amount_min.micro,
        TOTAL_MAX_MICRO if wanted.amount_max is None else wanted.amount_max.micro,
        wanted.text,
        list(search_words(wanted.text)) or None if of_pool and wanted.text else None,
    )
    try:
        records = await transaction.fetch(_newest_of(arms), *arguments, *(() if owner_id is None else (owner_id,)))
    except asyncpg.QueryCanceledError:
        sentence = "There is too much to look through. Ask for a shorter time, or for some kinds only."
        raise Refusal("search_too_broad", sentence) from None
    return [posted_transfer(Line(*record)) for record in records]


async def find_reversals(
    transaction: Transaction, tenant_id: UUID, transfer_ids: Sequence[UUID]
) -> dict[UUID, tuple[UUID, ...]]:
    """By transfer, of these that were reversed, the ids of what took it back."""
    if not transfer_ids:
        return {}
    records = await transaction.fetch(
        _FIND_REVERSALS, tenant_id, [reversal_key(transfer_id) for transfer_id in transfer_ids], list(transfer_ids)
    )
    return {record["reverses_id"]: tuple(record["reversals"]) for record in records}


# One page of what one index leads to. Place and time are bounds within the index; batches are posted in the order of
# time, so a span of time is a span of batches, and the months that it leaves out are not even opened.
_ARM = """
(select journal.*
from {lines} as journal
where journal.tenant_id = $1
  and {narrowest}
  and (journal.batch_number, journal.line) < ($2, $3)
  and journal.batch_number >= $5
  and journal.batch_number < $6
  and journal.posted_at >= $7
  and journal.posted_at < $8
  and ($9::text[] is null or journal.kind = any($9::text[]))
  and ($10::uuid is null or journal.actor_id = $10)
  and journal.amount_micro >= $11
  and journal.amount_micro <= $12
  and ($13::text is null or strpos(lower(journal.note), lower($13)) > 0 or ($14::text[] is not null and {named}))
order by journal.batch_number desc, journal.line desc
limit $4)
"""

_FEW = """(
  select journal.*
  from bursar.ledger_journal as journal
  where journal.tenant_id = $1
    and journal.posted_at >= $7
    and journal.posted_at < $8
    and {few}
  offset 0
)"""

# Everybody and everything that a search finds by name, as lists of members do: all words occur, each anywhere.
_NAMED = """(
    exists (
      select
      from bursar.members as members
      where members.tenant_id = $1
        and members.member_id in (journal.source_id, journal.target_id, journal.actor_id)
        and members.status <> 'deleted'
        and not exists (select from unnest($14::text[]) as word where strpos(members.search_text, word) = 0)
    )
    or exists (
      select
      from bursar.groups as groups
      where groups.tenant_id = $1
        and groups.group_id in (journal.source_id, journal.target_id)
        and strpos(lower(groups.name), lower($13)) > 0
    )
  )"""

_POOL = "(journal.source = 'pool' or journal.target = 'pool')"


def _arm(narrowest: str) -> str:
    return _ARM.format(lines="bursar.ledger_journal", narrowest=narrowest, named=_NAMED)


def _arm_of_few(few: str, *, narrowest: str = "true") -> str:
    """The arm for lines of one member that are not usage. They are few, and all read, apart from the rest (`offset 0`):
    of a member with much usage the planner believes that there are many, and would look for them in the whole journal.
    """
    return _ARM.format(lines=_FEW.format(few=few), narrowest=narrowest, named=_NAMED)


_GIVEN = "journal.target_id = $15 and journal.kind <> 'usage'"
# As the index has it, a transfer between two accounts of one member, such as usage, is found through its target.
_GAVE = "journal.source_id = $15 and journal.source_id is distinct from journal.target_id"

_OF_POOL = _arm(_POOL)
_POOL_USE = _arm(f"{_POOL} and journal.kind = 'usage'")
# The newest of each kind, each by its own part of the index.
_POOL_BY_KIND = f"""
(select newest.*
from unnest($9::text[]) as wanted (kind)
cross join lateral {_arm(f"{_POOL} and journal.kind <> 'usage' and journal.kind = wanted.kind").strip()} as newest
where wanted.kind <> 'usage'
order by newest.batch_number desc, newest.line desc
limit $4)
"""
_POOL_BY_ACTOR = _arm(f"{_POOL} and journal.kind <> 'usage' and journal.actor_id = $10")
_POOL_USE_BY_ACTOR = _arm("journal.source = 'pool' and journal.kind = 'usage' and journal.actor_id = $10")
_POOL_GAVE = _arm_of_few(_GIVEN, narrowest=_POOL)
_POOL_TOOK = _arm_of_few(_GAVE, narrowest=_POOL)
_POOL_USE_BY_MEMBER = _arm("journal.source = 'pool' and journal.kind = 'usage' and journal.target_id = $15")
_MEMBER_GOT = _arm("journal.target_id = $15")
_MEMBER_WAS_GIVEN = _arm_of_few(_GIVEN)
_MEMBER_GAVE = _arm_of_few(_GAVE)


def _arms_of_pool(wanted: TransferFilter) -> list[str]:
    """The indexes to enter on the pool's side: those of what narrows most, without usage where none is wanted."""
    has_usage, has_other = _kinds_of(wanted)
    if wanted.related_id is not None:
        return [_POOL_USE_BY_MEMBER] * has_usage + [_POOL_GAVE, _POOL_TOOK] * has_other
    if wanted.actor_id is not None:
        return [_POOL_USE_BY_ACTOR] * has_usage + [_POOL_BY_ACTOR] * has_other
    if wanted.kinds:
        return [_POOL_USE] * has_usage + [_POOL_BY_KIND] * has_other
    return [_OF_POOL]


def _arms_of_member(wanted: TransferFilter) -> list[str]:
    """The indexes to enter on a member's side. A call has no note, so none is looked through for a text: somebody may
    have millions of them."""
    has_usage, has_other = _kinds_of(wanted)
    if wanted.text is not None:
        return [_MEMBER_WAS_GIVEN, _MEMBER_GAVE] * has_other
    return [_MEMBER_GOT if has_usage else _MEMBER_WAS_GIVEN] + [_MEMBER_GAVE] * has_other


def _kinds_of(wanted: TransferFilter) -> tuple[bool, bool]:
    """Whether usage is wanted, and whether anything else is."""
    return not wanted.kinds or _USAGE in wanted.kinds, set(wanted.kinds) != {_USAGE}


def _newest_of(arms: Sequence[str]) -> str:
    """The newest of what the indexes lead to, a page of each at most."""
    return f"""
select {COLUMNS}
from ({"union all".join(arms)}) as journal
order by journal.batch_number desc, journal.line desc
limit $4
"""


_PLANNED_ANEW = "set local plan_cache_mode = force_custom_plan; set local enable_seqscan = off"

# A search by halves: batches are numbered without gaps, and none was posted at an earlier time than the one before.
# Each is looked up by itself (`limit 1`): as a join, the condition would be kept from its index by row-level security,
# since a division could fail, and each step would read all batches.
_FIRST_BATCH_FROM = """
with recursive search (low, high) as (
  select 1::bigint, control.batch_number + 1
  from bursar.ledger_control as control
  where control.tenant_id = $1
  union all
  select case when batch.posted_at < $2 then batch.batch_number + 1 else search.low end,
         case when batch.posted_at < $2 then search.high else batch.batch_number end
  from search
  cross join lateral (
    select batch_number, posted_at
    from bursar.ledger_batches
    where tenant_id = $1
      and batch_number = (search.low + search.high) / 2
    limit 1
  ) as batch
  where search.low < search.high
)
select low
from search
where low = high
"""

_FIND_REVERSALS = """
select journal.reverses_id, array_agg(journal.transfer_id order by journal.batch_number, journal.line) as reversals
from bursar.ledger_journal as journal
where journal.tenant_id = $1
  and journal.batch_number = any(array(
    select distinct command.batch_number
    from bursar.ledger_commands as command
    where command.tenant_id = $1
      and command.key = any($2::text[])
  ))
  and journal.reverses_id = any($3::uuid[])
group by journal.reverses_id
"""


async def _first_batch_from(transaction: Transaction, tenant_id: UUID, moment: datetime) -> int:
    """The number of the first batch posted at this time or later; if there is none, of the next one to come."""
    return int(await transaction.fetchval(_FIRST_BATCH_FROM, tenant_id, moment) or 0)
