"""I19: what was used and what was charged for it. What keys may spend is counted beside their holds."""

from __future__ import annotations

from bursar.ledger.proofs.findings import Books, Found
from bursar.ledger.proofs.questions import Question, count, first_broken


async def answers_are_settled_once(books: Books) -> Found:
    """I19: every row of usage has one settlement of the same amount, and every call with a key that was settled a row;
    each key has used what its holds were charged.
    """
    broken = await first_broken(books, [_KEYS_HELD, _KEYS_CONSUMED, _USED_AND_CHARGED, _CHARGED_AND_USED])
    return Found(f"{await count(books, _CALLS)} calls", broken)


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
