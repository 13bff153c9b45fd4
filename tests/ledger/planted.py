"""Corruptions of the books, at least one for each invariant, such as only a superuser or a fault of ours could make.

Names in braces are those of `tests/support/ledger_history`: tenants, members and groups by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

import psycopg


def spoil(admin_url: str, statements: str, *, tenants: Mapping[str, UUID]) -> None:
    """Do to the books of the first of these tenants what only a superuser could."""
    with psycopg.connect(admin_url) as connection:
        connection.execute("set local search_path = bursar")
        # Keys and references are not looked at, as if a disk had forgotten them.
        connection.execute("set local session_replication_role = replica")
        connection.execute(statements.format_map(_Quoted(tenants)).encode())


class _Quoted(dict[str, str]):
    """Ids by name: of the tenants, and of whoever the first of them knows by another name."""

    def __init__(self, tenants: Mapping[str, UUID]) -> None:
        super().__init__({name: _quoted(identity) for name, identity in tenants.items()})
        self._first = next(iter(tenants.values()))

    def __missing__(self, name: str) -> str:
        return _quoted(uuid5(self._first, name))


def _quoted(identity: UUID) -> str:
    return f"'{identity}'::uuid"


@dataclass(frozen=True)
class Planted:
    """One corruption: the invariant it breaks, the statements, and what the report must say of it."""

    id: str
    statements: str
    said: str


PLANTED: Final = (
    Planted(
        "I1", "alter table ledger_control drop constraint books_sum_to_zero", "constraint books_sum_to_zero is gone"
    ),
    Planted(
        "I1",
        "alter table ledger_control drop constraint books_sum_to_zero;"
        "update ledger_control set pool_micro = pool_micro + 2500000 where tenant_id = {acme};"
        "alter table ledger_control add constraint books_sum_to_zero check (true)",
        "sum to 2.50",
    ),
    Planted(
        "I2",
        "update ledger_control set pool_micro = pool_micro - 1, groups_micro = groups_micro + 1"
        " where tenant_id = {acme}",
        "the class groups is",
    ),
    Planted(
        "I2",
        "update ledger_control set members_held_micro = members_held_micro + 1 where tenant_id = {acme}",
        "of the class members",
    ),
    Planted(
        "I2",
        "update ledger_wallets set balance_held_micro = balance_held_micro + 1 where tenant_id = {acme}"
        " and member_id = (select min(member_id::text)::uuid from ledger_wallets where tenant_id = {acme});"
        "update ledger_control set members_held_micro = members_held_micro + 1 where tenant_id = {acme}",
        "but the open holds keep",
    ),
    Planted(
        "I2",
        "update ledger_groups set members_count = members_count + 1 where tenant_id = {acme}",
        "members with",
    ),
    Planted(
        "I2",
        "update ledger_control set groups_monthly_micro = groups_monthly_micro - 1 where tenant_id = {acme}",
        "per cycle for groups",
    ),
    Planted(
        "I2",
        "update ledger_wallets set monthly_micro = monthly_micro + 1 where tenant_id = {acme}"
        " and epoch < (select epoch from ledger_control where tenant_id = {acme}) and status = 'active'",
        "with every row rolled over",
    ),
    Planted(
        "I3",
        "update ledger_control set epoch_pot_used_micro = epoch_pot_used_micro + 1 where tenant_id = {acme}",
        "was issued for the cycle and",
    ),
    Planted(
        "I3",
        "update ledger_control set epoch_used_micro = epoch_used_micro + 1 where tenant_id = {acme}",
        "but the members' use sums to",
    ),
    Planted(
        "I3",
        "update ledger_wallets set used_micro = used_micro + 5 where tenant_id = {acme} and member_id = {gus};"
        "update ledger_control set epoch_used_micro = epoch_used_micro + 5 where tenant_id = {acme}",
        "by the journal",
    ),
    Planted(
        "I3",
        "update ledger_groups set shared_used_micro = shared_used_micro + 5 where tenant_id = {acme}"
        " and group_id = {Sales}",
        "its members used",
    ),
    Planted(
        "I4",
        "update ledger_control set pool_micro = pool_micro + 1000000, expired_micro = expired_micro - 1000000"
        " where tenant_id = {acme}",
        "the account expired holds",
    ),
    Planted(
        "I4",
        "update ledger_wallets set balance_micro = balance_micro - 1 where tenant_id = {acme} and member_id = {ann};"
        "update ledger_wallets set balance_micro = balance_micro + 1 where tenant_id = {acme} and member_id = {bob}",
        "the account member_balance of mem_",
    ),
    Planted(
        "I5",
        "alter table ledger_wallets drop constraint allowance_covers_holds;"
        "update ledger_wallets set allowance_held_micro = allowance_micro + 1 where tenant_id = {acme}"
        " and member_id = {bob}",
        "of the allowance of",
    ),
    Planted(
        "I5",
        "update ledger_wallets set balance_held_micro = balance_micro + 1 where tenant_id = {acme}"
        " and member_id = {hal}",
        "which does not explain it",
    ),
    Planted(
        "I5",
        "update ledger_control set pool_held_micro = pool_micro + 1 where tenant_id = {acme}",
        "calls hold",
    ),
    Planted(
        "I6",
        "update ledger_holds set settled_micro = amount_micro, overrun_micro = 0 where tenant_id = {acme}"
        " and member_id = {ann} and overrun_micro > 0",
        "the balance of",
    ),
    Planted(
        "I6",
        "update ledger_journal set source_after_micro = -1 where tenant_id = {acme} and kind = 'reclaim'",
        "only usage may leave a debt",
    ),
    Planted(
        "I7",
        "update ledger_holds set settled_micro = settled_micro + 1, overrun_micro = overrun_micro + 1"
        " where tenant_id = {acme} and state = 'settled' and overrun_micro > 0",
        "but the journal has",
    ),
    Planted(
        "I7",
        "update ledger_holds set state = 'voided' where tenant_id = {acme} and state = 'settled'",
        "cannot be voided with",
    ),
    Planted(
        "I7",
        "delete from ledger_holds where tenant_id = {acme} and state = 'settled' and member_id = {bob}",
        "is not there with",
    ),
    Planted(
        "I8",
        "delete from ledger_batches where tenant_id = {acme} and batch_number = 5",
        "batch 5 is missing: the next is 6",
    ),
    Planted(
        "I8",
        "delete from ledger_journal where tenant_id = {acme} and kind = 'redemption'",
        "lines, but the journal has",
    ),
    Planted(
        "I8",
        "update ledger_control set batch_number = batch_number + 1 where tenant_id = {acme}",
        "but the last one recorded is",
    ),
    Planted(
        "I8",
        "update ledger_commands set batch_number = 100000 where tenant_id = {acme} and key like 'key:%:bye'",
        ":bye was given with batch 100000",
    ),
    Planted(
        "I9",
        "create temporary table copied as select * from ledger_journal where tenant_id = {acme} and kind = 'purchase'"
        " limit 1; update copied set batch_number = 777777; insert into ledger_journal select * from copied",
        "of batch 777777",
    ),
    Planted(
        "I9",
        "update ledger_journal set line = 40 where tenant_id = {acme} and kind = 'redemption'",
        "stands where line",
    ),
    Planted(
        "I10",
        "create temporary table copied as select * from ledger_journal"
        " where tenant_id = {acme} and kind = 'redemption';"
        "update copied set line = 40; insert into ledger_journal select * from copied",
        "was posted 2 times",
    ),
    Planted(
        "I10",
        "update ledger_journal set reverses_id = (select min(transfer_id::text)::uuid from ledger_journal"
        " where tenant_id = {acme} and kind = 'allocation') where tenant_id = {acme} and reverses_id is not null",
        "was reversed",
    ),
    Planted(
        "I11",
        "update ledger_commands set outcome = 'nonsense' where tenant_id = {acme} and key like 'key:%:bye'",
        ":bye of batch",
    ),
    Planted(
        "I11",
        "update ledger_journal set amount_micro = amount_micro + 1 where tenant_id = {acme} and kind = 'redemption'",
        "the journal has no such line",
    ),
    Planted(
        "I11",
        "delete from ledger_commands where tenant_id = {acme} and key like 'reverse:%'",
        "it is not recorded that this was done",
    ),
    Planted(
        "I11",
        "update ledger_journal set reverses_id = null where tenant_id = {acme}",
        "but no line of that batch does it",
    ),
    Planted(
        "I12",
        "update ledger_journal set source_after_micro = source_after_micro - 1 where tenant_id = {acme}"
        " and kind = 'redemption'",
        "the account issued.redemption: batch",
    ),
    Planted(
        "I12",
        "update ledger_journal set note = 'never happened' where tenant_id = {acme} and kind = 'redemption'",
        "but its lines and the batches before it come to",
    ),
    Planted(
        "I12",
        "update ledger_control set cadence = '1_week' where tenant_id = {acme}",
        "but its last batch left it as",
    ),
    Planted(
        "I12",
        "update ledger_control set chain_hash = '\\x00' where tenant_id = {acme}",
        "the chain ends with",
    ),
    Planted(
        "I13",
        "update ledger_journal set source = 'member_balance' where tenant_id = {acme} and kind = 'usage'"
        " and source = 'member_allowance' and target_id = {gus}",
        "in the order of spending it is",
    ),
    Planted(
        "I14",
        "update ledger_holds set epoch = closed_epoch where tenant_id = {acme} and closed_epoch > epoch",
        "takes",
    ),
    Planted(
        "I14",
        "update ledger_journal set kind = 'cycle_issue' where tenant_id = {acme} and kind = 'cycle_lapse'",
        "it began more than once",
    ),
    Planted(
        "I14",
        "update ledger_journal set epoch = 1 where tenant_id = {acme} and kind = 'debt_adjustment'",
        "and the line before it of cycle",
    ),
    Planted(
        "I15",
        "update ledger_commands set forget_at = null where tenant_id = {acme}",
        "was refused, and is to be forgotten at nothing",
    ),
    Planted(
        "I15",
        "update ledger_commands set outcome = convert_to(regexp_replace(convert_from(outcome, 'UTF8'),"
        ' \'"asked":"[0-9.]+"\', \'"asked":"0.01"\'), \'UTF8\')'
        " where tenant_id = {acme} and convert_from(outcome, 'UTF8') like '%insufficient_pool%'",
        "was refused as insufficient_pool, though",
    ),
    Planted("I16", "alter table ledger_wallets disable row level security", "the table ledger_wallets"),
    Planted(
        "I16",
        "drop policy tenant_scope on ledger_holds; create policy tenant_scope on ledger_holds using (true)",
        "rows of this tenant in the table ledger_holds are visible with another tenant's scope",
    ),
    Planted(
        "I16",
        "update ledger_holds set member_id = '00000000-0000-0000-0000-00000000000a' where tenant_id = {acme}",
        "which are not both of this tenant",
    ),
    Planted(
        "I16",
        "update ledger_journal set target_id = {globex} where tenant_id = {acme} and kind = 'allocation'",
        "there is nobody of that id in this tenant",
    ),
    Planted(
        "I17",
        "update ledger_batches set posted_at = posted_at - interval '1 year' where tenant_id = {acme}"
        " and batch_number = 9",
        "batch 9 was posted at",
    ),
    Planted(
        "I17",
        "update ledger_control set last_posted_at = last_posted_at + interval '1 day' where tenant_id = {acme}",
        "the control row was last posted to at",
    ),
    Planted(
        "I18",
        "update ledger_journal set actor_id = null where tenant_id = {acme} and kind = 'allocation'",
        "(allocation) was done by nobody",
    ),
    Planted(
        "I18",
        "update ledger_journal set kind = 'gift' where tenant_id = {acme} and kind = 'purchase'",
        "of the kind gift from issued.purchase to pool",
    ),
    Planted(
        "I18",
        "update ledger_journal set target_id = null where tenant_id = {acme} and kind = 'reclaim_reversal'",
        "or not of these owners",
    ),
    Planted("I18", "grant update (note) on ledger_journal to bursar_app", "the right to update in ledger_journal"),
    Planted("I18", "grant delete on events to bursar_app", "the right to delete in events"),
    Planted("I18", "grant truncate on ledger_journal_other to bursar_platform", "in ledger_journal_other"),
    Planted(
        "I19",
        "update calls set credits_micro = credits_micro + 1 where tenant_id = {acme} and held_micro is not null",
        "and it was settled at",
    ),
    Planted("I19", "delete from calls where tenant_id = {acme}", "no usage says for what"),
    Planted(
        "I19", "update ledger_keys set consumed_micro = consumed_micro + 1 where tenant_id = {acme}", "its row says"
    ),
    Planted("I19", "update ledger_keys set held_micro = held_micro + 1 where tenant_id = {acme}", "its row says"),
    Planted(
        "I20",
        "update call_days set credits_micro = credits_micro + 1 where tenant_id = {acme}",
        "are off by 0 calls and 0.000001 credits",
    ),
    Planted("I20", "delete from call_days where tenant_id = {acme}", "are off by -1 calls and -0.25 credits"),
    Planted(
        "I20",
        "update calls set batch_number = 1 where tenant_id = {acme} and credits_micro = 150000",
        "are off by -1 calls and -0.15 credits",
    ),
    Planted(
        "I20",
        "update call_marks set batch_number = batch_number + 1000 where tenant_id = {acme}",
        "and the last batch is",
    ),
)
