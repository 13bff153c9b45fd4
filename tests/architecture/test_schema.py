"""The schema keeps its rules, and each rule notices when it is broken."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.architecture.schema_rules import RULES, SchemaRule, what_breaks
from tests.support.postgres import FreshDatabase, Server, copied_database


@pytest.fixture(scope="module")
def shared(postgres: Server, migrated_template: str) -> Iterator[FreshDatabase]:
    """One database for the module: every test here takes back what it changed."""
    with copied_database(postgres, migrated_template) as fresh:
        yield fresh


@pytest.fixture
def connection(shared: FreshDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(shared.admin_url) as opened:
        opened.execute("set local search_path = bursar")
        yield opened
        opened.rollback()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.sentence)
def test_the_schema_keeps(rule: SchemaRule, connection: psycopg.Connection) -> None:
    assert what_breaks(rule, connection) == []


@pytest.mark.parametrize(
    ("rule", "planted"),
    [(rule, planted) for rule in RULES for planted in rule.planted],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_breach_is_noticed(
    rule: SchemaRule, planted: str, shared: FreshDatabase, connection: psycopg.Connection
) -> None:
    connection.execute(planted.replace("{database}", shared.name).encode())

    assert what_breaks(rule, connection) != []


def test_every_rule_has_a_breach_to_notice() -> None:
    assert [rule.sentence for rule in RULES if not rule.planted] == []
