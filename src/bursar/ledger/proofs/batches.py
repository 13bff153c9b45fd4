"""I8 to I10 and I17: batches, the lines in them, and the order of both."""

from __future__ import annotations

from bursar.domain.transfers import KINDS, Channel
from bursar.ledger.proofs.cycles import EPOCHS_RUN_FORWARD
from bursar.ledger.proofs.findings import Books, Found
from bursar.ledger.proofs.questions import Question, count, first_broken


async def nothing_is_lost(books: Books) -> Found:
    """I8: batches are numbered from 1 to the control row's without gaps, each has its lines, and every answer that is
    remembered belongs to one of them."""
    broken = await first_broken(books, [_NUMBERED, _LAST, _COUNTED, _ANSWERED])
    return Found(
        f"{await count(books, _BATCHES)} batches, {await count(books, _COMMANDS)} remembered answers",
        broken,
    )


async def nothing_was_slipped_in(books: Books) -> Found:
    """I9: every line belongs to a batch, at its time, in its place."""
    broken = await first_broken(books, [_WITHOUT_BATCH, _NUMBERED_LINES])
    return Found(f"{await count(books, _LINES)} lines", broken)


async def nothing_is_twice(books: Books) -> Found:
    """I10: no command is posted twice, and nothing is reversed twice."""
    broken = await first_broken(books, [Question(*_TWICE, (_POSTED_ONCE,)), _REVERSED_TWICE])
    return Found(f"{await count(books, _COMMANDED)} transfers by command", broken)


async def time_runs_forward(books: Books) -> Found:
    """I17: in the order of the batches neither time nor cycle ever goes back, so that order can be the serial one."""
    broken = await first_broken(books, [_TIMES, _LAST_TIME, _TIMES_OF_LINES, EPOCHS_RUN_FORWARD])
    return Found(f"{await count(books, _BATCHES)} batches", broken)


# Kinds of which one command posts exactly one transfer, under an id of its own.
_POSTED_ONCE = sorted(
    {kind.code for kind in KINDS.values() if kind.channel is Channel.COMMAND}
    | {kind.reversed_by for kind in KINDS.values() if kind.reversed_by is not None}
)

_BATCHES = "select count(*) from bursar.ledger_batches as batch where batch.tenant_id = $1"
_COMMANDS = "select count(*) from bursar.ledger_commands as command where command.tenant_id = $1"
_LINES = "select count(*) from bursar.ledger_journal as journal where journal.tenant_id = $1"
_COMMANDED = (
    f"{_LINES} and journal.kind in ({', '.join(repr(kind) for kind in _POSTED_ONCE)})"  # codes of the catalogue
)

_NUMBERED = Question(
    """
    with numbered as (
      select batch.batch_number, row_number() over (order by batch.batch_number) as due
      from bursar.ledger_batches as batch
      where batch.tenant_id = $1
    )
    select numbered.due, numbered.batch_number
    from numbered
    where numbered.batch_number <> numbered.due
    order by numbered.due
    limit 1
    """,
    "batch {due} is missing: the next is {batch_number}",
)

_LAST = Question(
    """
    select control.batch_number, last.batch_number as last_number
    from bursar.ledger_control as control
    cross join (
      select coalesce(max(batch.batch_number), 0) as batch_number
      from bursar.ledger_batches as batch where batch.tenant_id = $1
    ) as last
    where control.tenant_id = $1
      and control.batch_number <> last.batch_number
    """,
    "the control row is at batch {batch_number}, but the last one recorded is {last_number}",
)

_COUNTED = Question(
    """
    with counted as (
      select journal.batch_number, count(*) as lines
      from bursar.ledger_journal as journal
      where journal.tenant_id = $1
      group by journal.batch_number
    )
    select batch.batch_number, batch.lines_count, coalesce(counted.lines, 0) as lines
    from bursar.ledger_batches as batch
    left join counted on counted.batch_number = batch.batch_number
    where batch.tenant_id = $1
      and batch.lines_count <> coalesce(counted.lines, 0)
    order by batch.batch_number
    limit 1
    """,
    "batch {batch_number} was posted with {lines_count} lines, but the journal has {lines}",
)

_ANSWERED = Question(
    """
    select command.key, command.batch_number, command.posted_at
    from bursar.ledger_commands as command
    left join bursar.ledger_batches as batch
      on batch.tenant_id = command.tenant_id and batch.batch_number = command.batch_number and batch.tenant_id = $1
    where command.tenant_id = $1
      and batch.posted_at is distinct from command.posted_at
    order by command.batch_number, command.key
    limit 1
    """,
    "the answer to {key} was given with batch {batch_number} at {posted_at}, and there is no such batch",
)

_WITHOUT_BATCH = Question(
    """
    select journal.batch_number, journal.line, journal.posted_at, journal.kind, journal.amount_micro
    from bursar.ledger_journal as journal
    left join bursar.ledger_batches as batch
      on batch.tenant_id = journal.tenant_id and batch.batch_number = journal.batch_number and batch.tenant_id = $1
    where journal.tenant_id = $1
      and batch.batch_number is null
    order by journal.batch_number, journal.line
    limit 1
    """,
    "the journal has a line of batch {batch_number}, {kind} of {amount_micro} at {posted_at}; there is no such batch",
)

_NUMBERED_LINES = Question(
    """
    with numbered as (
      select journal.batch_number, journal.line,
        row_number() over (partition by journal.batch_number order by journal.line) as due
      from bursar.ledger_journal as journal
      where journal.tenant_id = $1
    )
    select numbered.batch_number, numbered.line, numbered.due
    from numbered
    where numbered.line <> numbered.due
    order by numbered.batch_number, numbered.due
    limit 1
    """,
    "in batch {batch_number} line {line} stands where line {due} should",
)

_TWICE = (
    """
    select journal.transfer_id, count(*) as times, min(journal.batch_number) as first_batch,
      max(journal.batch_number) as last_batch
    from bursar.ledger_journal as journal
    where journal.tenant_id = $1
      and journal.kind = any($2::text[])
    group by journal.transfer_id
    having count(*) > 1
    order by min(journal.batch_number), journal.transfer_id
    limit 1
    """,
    "{transfer_id} was posted {times} times, first in batch {first_batch} and last in batch {last_batch}",
)

_REVERSED_TWICE = Question(
    """
    select journal.reverses_id as transfer_id, count(*) as times
    from bursar.ledger_journal as journal
    where journal.tenant_id = $1
      and journal.reverses_id is not null
    group by journal.reverses_id
    having count(*) > 1
    order by journal.reverses_id
    limit 1
    """,
    "{transfer_id} was reversed {times} times",
)

_TIMES = Question(
    """
    with steps as (
      select batch.batch_number, batch.posted_at,
        lag(batch.posted_at) over (order by batch.batch_number) as posted_before
      from bursar.ledger_batches as batch
      where batch.tenant_id = $1
    )
    select steps.*
    from steps
    where steps.posted_at < steps.posted_before
    order by steps.batch_number
    limit 1
    """,
    "batch {batch_number} was posted at {posted_at}, before the batch before it at {posted_before}",
)

_LAST_TIME = Question(
    """
    select control.last_posted_at, batch.batch_number, batch.posted_at
    from bursar.ledger_control as control
    join bursar.ledger_batches as batch
      on batch.tenant_id = control.tenant_id and batch.batch_number = control.batch_number
    where control.tenant_id = $1
      and batch.tenant_id = $1
      and control.last_posted_at <> batch.posted_at
    """,
    "the control row was last posted to at {last_posted_at}, but its batch {batch_number} is of {posted_at}",
)

_TIMES_OF_LINES = Question(
    """
    select journal.batch_number, journal.line, journal.posted_at, batch.posted_at as batch_posted_at
    from bursar.ledger_journal as journal
    join bursar.ledger_batches as batch
      on batch.tenant_id = journal.tenant_id and batch.batch_number = journal.batch_number
    where journal.tenant_id = $1
      and batch.tenant_id = $1
      and journal.posted_at <> batch.posted_at
    order by journal.batch_number, journal.line
    limit 1
    """,
    "batch {batch_number} was posted at {batch_posted_at}, but its line {line} says {posted_at}",
)
