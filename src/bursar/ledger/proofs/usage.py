"""I19 and I20: what was used, what was charged for it, and what it comes to by day.

What keys may spend is counted beside their holds.
"""

from __future__ import annotations

from uuid import UUID

from bursar.ledger.proofs.findings import Books, Found
from bursar.ledger.proofs.questions import Question, count, first_broken


async def answers_are_settled_once(books: Books) -> Found:
    """I19: every row of usage has one settlement of the same amount, and every call with a key that was settled a row;
    each key has used what its holds were charged.

    Rule: USAGE-11
    """
    broken = await first_broken(books, [_KEYS_HELD, _KEYS_CONSUMED, _USED_AND_CHARGED, _CHARGED_AND_USED])
    return Found(f"{await count(books, _CALLS)} calls", broken)


async def days_are_their_calls(books: Books) -> Found:
    """I20: the figures of every day are the sums of the calls up to the mark, no more and no less; and the mark is not
    ahead of the books.

    Rule: USAGE-5
    """
    broken = await first_broken(books, [_MARK_AHEAD, _DAYS_AND_CALLS])
    return Found(f"{await count(books, _DAYS)} figures", broken)


_CALLS = "select count(*) from bursar.calls as call where call.tenant_id = $1"

_USED_AND_CHARGED = Question(
    """
    select call.call_id as hold_id, call.credits_micro, hold.settled_micro
    from bursar.calls as call
    left join bursar.ledger_holds as hold on hold.tenant_id = $1 and hold.hold_id = call.call_id
    where call.tenant_id = $1
      and call.held_micro is not null
      and (hold.state is null or hold.state = 'open' or hold.settled_micro <> call.credits_micro)
    order by call.call_id
    limit 1
    """,
    "usage says that {hold_id} cost {credits_micro}, and it was settled at {settled_micro}",
)

_CHARGED_AND_USED = Question(
    """
    select hold.hold_id, hold.settled_micro
    from bursar.ledger_holds as hold
    left join bursar.calls as call on call.tenant_id = $1 and call.call_id = hold.hold_id
    where hold.tenant_id = $1
      and hold.key_id is not null
      and hold.state in ('settled', 'settled_late')
      and call.call_id is null
    order by hold.hold_id
    limit 1
    """,
    "{hold_id} was settled at {settled_micro}, and no usage says for what",
)

_KEYS_HELD = Question(
    """
    select key.key_id as api_key_id, key.held_micro, sum(hold.amount_micro)::bigint as open_micro
    from bursar.ledger_keys as key
    left join bursar.ledger_holds as hold
      on hold.tenant_id = $1 and hold.key_id = key.key_id and hold.state = 'open'
    where key.tenant_id = $1
    group by key.key_id, key.held_micro
    having key.held_micro <> coalesce(sum(hold.amount_micro), 0)
    order by key.key_id
    limit 1
    """,
    "the calls of {api_key_id} hold {open_micro}, and its row says {held_micro}",
)

_KEYS_CONSUMED = Question(
    """
    select hold.key_id as api_key_id, key.consumed_micro, sum(hold.settled_micro)::bigint as charged_micro
    from bursar.ledger_holds as hold
    left join bursar.ledger_keys as key on key.tenant_id = $1 and key.key_id = hold.key_id
    where hold.tenant_id = $1
      and hold.key_id is not null
    group by hold.key_id, key.consumed_micro
    having key.consumed_micro is distinct from coalesce(sum(hold.settled_micro), 0)
    order by hold.key_id
    limit 1
    """,
    "the calls of {api_key_id} were charged {charged_micro}, and its row says {consumed_micro}",
)

_DAYS = "select count(*) from bursar.call_days as kept where kept.tenant_id = $1"

_MARK_AHEAD = Question(
    """
    select mark.batch_number as counted_to, control.batch_number as last_batch
    from bursar.call_marks as mark
    join bursar.ledger_control as control on control.tenant_id = $1
    where mark.tenant_id = $1
      and mark.batch_number > control.batch_number
    """,
    "the calls of batches up to {counted_to} are counted, and the last batch is {last_batch}",
)

# Every call once with a minus before it: what is left of a day says by how much it is wrong.
_DAYS_AND_CALLS = Question(
    f"""
    select day, member_id, model, sum(calls_count)::bigint as calls_over, sum(credits_micro)::bigint as over_micro
    from (
      select day, member_id, group_id, key_id, provider, model, calls_count, failed_count, estimated_count,
             unpriced_count, input_tokens, cached_read_tokens, cached_write_tokens, output_tokens, reasoning_tokens,
             cost_pico, credits_micro
      from bursar.call_days
      where tenant_id = $1
      union all
      select day, member_id, group_id, coalesce(key_id, '{UUID(int=0)}'), coalesce(provider, ''), model, -count(*),
             -count(*) filter (where outcome = 'failed'),
             -count(*) filter (where is_estimated),
             -count(*) filter (where price_id is null and cost_pico = 0 and outcome <> 'failed'),
             -sum(input_tokens), -sum(cached_read_tokens), -sum(cached_write_tokens), -sum(output_tokens),
             -sum(reasoning_tokens), -sum(cost_pico), -sum(credits_micro)
      from bursar.calls
      where tenant_id = $1
        and batch_number <= coalesce((select batch_number from bursar.call_marks where tenant_id = $1), 0)
      group by 1, 2, 3, 4, 5, 6
    ) as both_sides
    group by day, member_id, group_id, key_id, provider, model
    having sum(calls_count) <> 0 or sum(failed_count) <> 0 or sum(estimated_count) <> 0 or sum(unpriced_count) <> 0
        or sum(input_tokens) <> 0 or sum(cached_read_tokens) <> 0 or sum(cached_write_tokens) <> 0
        or sum(output_tokens) <> 0 or sum(reasoning_tokens) <> 0 or sum(cost_pico) <> 0 or sum(credits_micro) <> 0
    order by day, member_id, group_id, key_id, provider, model
    limit 1
    """,
    "the figures of {day} for {member_id} and {model} are off by {calls_over} calls and {over_micro} credits",
)
