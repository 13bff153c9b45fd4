"""I11 and I15: what was answered, against what was done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from bursar.ledger.answers import Answer, CycleStarted, Held, HoldClosed, HoldExtended, Transferred, decode_outcome
from bursar.ledger.core.rows import Remembered
from bursar.ledger.proofs.findings import Books, Found
from bursar.ledger.proofs.questions import Question, count, first_broken, spaced, tell

ANSWERS_PER_PAGE = 2_000
"""How many answers are compared with the journal in one statement."""


async def answers_are_true(books: Books) -> Found:
    """I11: every remembered answer can be given again, and what it names is there as it says. What was recorded as done
    once, under a key that the ledger made itself, was done."""
    compared = 0
    broken = await first_broken(books, [_REVERSAL_UNDONE, _REVERSAL_UNRECORDED])
    async for page in _pages(books):
        compared += len(page)
        broken = broken or await _first_untrue(books, page)
    return Found(f"{spaced(compared)} remembered answers", broken)


async def refusals_moved_nothing(books: Books) -> Found:
    """I15: a refusal is remembered as one, for a while, and says truly that there was too little. That it changed no
    balance is seen in the accounts: each is the sum of its transfers (I4), and a refusal names none."""
    return Found(
        f"{await count(books, _REFUSALS)} remembered refusals",
        await first_broken(books, [_REFUSED_FOR_GOOD, _ENOUGH_AFTER_ALL]),
    )


class _Told(NamedTuple):
    """One remembered command and its answer; None if it was refused."""

    command: Remembered
    answer: Answer | None


_LIST_COMMANDS = """
select command.key, command.fingerprint, command.outcome, command.batch_number, command.posted_at, command.forget_at
from bursar.ledger_commands as command
where command.tenant_id = $1
  and command.key like 'key:%'
order by command.key
"""


async def _pages(books: Books) -> AsyncIterator[list[Remembered]]:
    page: list[Remembered] = []
    async for record in books.transaction.cursor(_LIST_COMMANDS, books.tenant_id, prefetch=ANSWERS_PER_PAGE):
        page.append(Remembered(*record))
        if len(page) == ANSWERS_PER_PAGE:
            yield page
            page = []
    if page:
        yield page


async def _first_untrue(books: Books, page: list[Remembered]) -> str | None:
    told: list[_Told] = []
    for command in page:
        try:
            told.append(_Told(command, decode_outcome(command.outcome).answer))
        except msgspec.DecodeError as fault:
            return f"the answer to {command.key} of batch {command.batch_number} cannot be given again: {fault}"
    return (
        await _first_unposted(books, told)
        or await _first_hold_missing(books, told)
        or next(
            (
                f"the answer to {command.key} tells of cycle {answer.epoch}, but the running one is "
                f"{books.control.epoch}"
                for command, answer in told
                if isinstance(answer, CycleStarted) and answer.epoch > books.control.epoch
            ),
            None,
        )
    )


async def _first_unposted(books: Books, told: list[_Told]) -> str | None:
    rows = [
        (
            command.key,
            command.batch_number,
            answer.transfer_id,
            answer.kind,
            answer.amount_micro,
            answer.source_after_micro,
            answer.target_after_micro,
            answer.posted_at,
        )
        for command, answer in told
        if isinstance(answer, Transferred)
    ]
    if not rows:
        return None
    record = await books.transaction.fetchrow(_FIRST_UNPOSTED, books.tenant_id, *map(list, zip(*rows, strict=True)))
    if record is None:
        return None
    return tell(
        "{key} was answered with batch {batch_number}: {transfer_id}, {kind} of {amount_micro}; the journal has no "
        "such line",
        dict(record),
    )


_FIRST_UNPOSTED = """
select told.key, told.batch_number, told.transfer_id, told.kind, told.amount_micro
from unnest($2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::timestamptz[])
  as told (key, batch_number, transfer_id, kind, amount_micro, source_after_micro, target_after_micro, posted_at)
where not exists (
  select from bursar.ledger_journal as journal
  where journal.tenant_id = $1
    and journal.transfer_id = told.transfer_id
    and journal.kind <> 'usage'
    and journal.batch_number = told.batch_number
    and journal.kind = told.kind
    and journal.amount_micro = told.amount_micro
    and journal.source_after_micro = told.source_after_micro
    and journal.target_after_micro = told.target_after_micro
    and journal.posted_at = told.posted_at
)
order by told.batch_number, told.key
limit 1
"""


async def _first_hold_missing(books: Books, told: list[_Told]) -> str | None:
    rows = [
        (command.key, answer.hold_id, answer.amount_micro if isinstance(answer, Held) else None)
        for command, answer in told
        if isinstance(answer, Held | HoldClosed | HoldExtended)
    ]
    if not rows:
        return None
    record = await books.transaction.fetchrow(_FIRST_HOLD_MISSING, books.tenant_id, *map(list, zip(*rows, strict=True)))
    return None if record is None else tell("{key} was answered with {hold_id}, which is not there so", dict(record))


_FIRST_HOLD_MISSING = """
select told.key, told.hold_id
from unnest($2::text[], $3::uuid[], $4::bigint[]) as told (key, hold_id, amount_micro)
where not exists (
  select from bursar.ledger_holds as hold
  where hold.tenant_id = $1
    and hold.hold_id = told.hold_id
    and hold.amount_micro = coalesce(told.amount_micro, hold.amount_micro)
)
order by told.key
limit 1
"""

_REVERSAL_UNDONE = Question(
    """
    select command.key, command.batch_number
    from bursar.ledger_commands as command
    where command.tenant_id = $1
      and command.key like 'reverse:%'
      and not exists (
        select from bursar.ledger_journal as journal
        where journal.tenant_id = $1
          and journal.batch_number = command.batch_number
          and 'reverse:' || replace(journal.reverses_id::text, '-', '') = command.key
      )
    order by command.batch_number, command.key
    limit 1
    """,
    "{key} is recorded as done in batch {batch_number}, but no line of that batch does it",
)

_REVERSAL_UNRECORDED = Question(
    """
    select journal.transfer_id, journal.batch_number, journal.line
    from bursar.ledger_journal as journal
    where journal.tenant_id = $1
      and journal.reverses_id is not null
      and not exists (
        select from bursar.ledger_commands as command
        where command.tenant_id = $1
          and command.key = 'reverse:' || replace(journal.reverses_id::text, '-', '')
          and command.batch_number = journal.batch_number
      )
    order by journal.batch_number, journal.line
    limit 1
    """,
    "{transfer_id} in batch {batch_number}, line {line} reverses a transfer, but it is not recorded that this was done",
)

# The tag comes first in the stored form of a refusal, see `answers`.
_IS_REFUSAL = """substring(command.outcome from 1 for 17) = convert_to('{"type":"Refused"', 'UTF8')"""

_REFUSALS = f"""
    select count(*) from bursar.ledger_commands as command where command.tenant_id = $1 and {_IS_REFUSAL}
"""

_REFUSED_FOR_GOOD = Question(
    f"""
    select command.key, command.batch_number, command.forget_at,
      case when {_IS_REFUSAL} then 'refused' else 'done' end as became
    from bursar.ledger_commands as command
    where command.tenant_id = $1
      and case when {_IS_REFUSAL} then command.forget_at is null or command.forget_at <= command.posted_at
        else command.forget_at is not null end
    order by command.batch_number, command.key
    limit 1
    """,
    "{key} of batch {batch_number} was {became}, and is to be forgotten at {forget_at}: refusals are, and nothing else",
)

_ENOUGH_AFTER_ALL = Question(
    f"""
    with refusals as materialized (
      select command.key, command.batch_number, convert_from(command.outcome, 'UTF8')::jsonb as said
      from bursar.ledger_commands as command
      where command.tenant_id = $1 and {_IS_REFUSAL}
    )
    select refusals.key, refusals.batch_number, refusals.said ->> 'code' as code,
      refusals.said #>> '{{facts,available}}' as available, refusals.said #>> '{{facts,asked}}' as asked
    from refusals
    where refusals.said ->> 'code' like 'insufficient%'
      and (refusals.said #>> '{{facts,available}}')::numeric >= (refusals.said #>> '{{facts,asked}}')::numeric
      and (refusals.said #>> '{{facts,available}}')::numeric > 0
    order by refusals.batch_number, refusals.key
    limit 1
    """,
    "{key} of batch {batch_number} was refused as {code}, though {available} was available and {asked} asked",
)
