"""Checks as data: a question to the database that answers with the first fact that is wrong, and how to tell it.

A question's statement gets the tenant as `$1` and whatever else it was made with, and returns no row if all is well.
In its sentence, columns ending in `_micro` appear as credits and ids as people see them; `{whose}` is an account and
its owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bursar.domain.accounts import CHART, OWNER_OF, AccountClass, Owner
from bursar.domain.credits import decimal_text
from bursar.domain.ids import PREFIXES, public_id
from bursar.ledger.proofs.findings import Books

ISSUED_ACCOUNTS = sorted(str(rule.account) for rule in CHART if rule.account_class is AccountClass.ISSUED)
"""The accounts that credits come from."""


@dataclass(frozen=True, slots=True)
class Question:
    """One statement that finds the first broken fact, the sentence that tells it, and more arguments if it has any."""

    statement: str
    sentence: str
    arguments: tuple[Any, ...] = ()


async def first_broken(books: Books, questions: Sequence[Question]) -> str | None:
    """The first fact that any of the questions finds, in their order, as its sentence."""
    for question in questions:
        record = await books.transaction.fetchrow(question.statement, books.tenant_id, *question.arguments)
        if record is not None:
            return tell(question.sentence, dict(record))
    return None


async def count(books: Books, statement: str) -> str:
    """How many rows the statement counts, with its thousands set apart."""
    return spaced(int(await books.transaction.fetchval(statement, books.tenant_id) or 0))


def spaced(number: int) -> str:
    """12044 as "12 044"."""
    return f"{number:,}".replace(",", " ")


def tell(sentence: str, facts: Mapping[str, Any]) -> str:
    """The sentence with its facts in the form people know them."""
    told = {name: _told(name, value) for name, value in facts.items()}
    if "account" in facts:
        told["whose"] = account_of(facts["account"], facts.get("owner_id"))
    return sentence.format(**told)


def account_of(account: str, owner_id: UUID | None) -> str:
    """An account in words: its name, and whose it is unless it is the tenant's."""
    owner = OWNER_OF.get(account, Owner.TENANT)
    if owner_id is None:
        return f"the account {account}" if owner is Owner.TENANT else f"the account {account} of nobody"
    return f"the account {account} of {_told('owner_id' if owner is Owner.TENANT else f'{owner}_id', owner_id)}"


def _told(name: str, value: Any) -> str:
    if value is None:
        return "nothing"
    if name.endswith("_micro"):
        return decimal_text(int(value))
    if isinstance(value, UUID):
        noun = name.removesuffix("_id")
        return public_id(noun, value) if noun in PREFIXES else value.hex
    return str(value)
