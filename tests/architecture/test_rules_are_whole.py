"""Every numbered rule has a sentence, code that decides it and a test that holds it, and nothing is an orphan."""

from __future__ import annotations

from pathlib import Path

import pytest

from bursar.domain.refusals import REFUSALS
from scripts import rule as rule_command
from scripts.checkout import ROOT
from scripts.rules import read_index

PAGE = """# Allocations

### ALLOC-1 · Credits go to active members only.

A member who has left cannot use them.

Refusal: `member_disabled`.

### ALLOC-2 · An allocation comes out of the pool.

There is no other place to take it from.

Refusal: `insufficient_pool`.
"""
CODE = '"""Allocations.\n\nRule: ALLOC-1\n"""\n\n\ndef draw() -> None:\n    """Draw.\n\n    Rule: ALLOC-2\n    """\n'
TEST = (
    'import pytest\n\n\n@pytest.mark.rule("ALLOC-1", "ALLOC-2")\n'
    "def test_credits_go_to_active_members_only() -> None:\n    assert 1 + 1 == 2\n"
)
CODES = frozenset({"member_disabled", "insufficient_pool"})


def checkout(root: Path, *, page: str = PAGE, code: str = CODE, test: str = TEST) -> Path:
    for path, text in (
        ("docs/rules/allocations.md", page),
        ("src/bursar/domain/allocations.py", code),
        ("tests/rules/test_allocations.py", test),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def test_every_rule_of_this_checkout_has_its_sentence_its_code_and_its_test() -> None:
    index = read_index(ROOT)

    assert index.rules, "docs/rules states no rule at all"
    assert index.orphans(frozenset(REFUSALS)) == []


def test_a_whole_index_has_no_orphans(tmp_path: Path) -> None:
    index = read_index(checkout(tmp_path))

    assert [rule.id for rule in index.rules] == ["ALLOC-1", "ALLOC-2"]
    assert index.orphans(CODES) == []


@pytest.mark.parametrize(
    ("part", "before", "after", "complaint"),
    [
        ("code", "Rule: ALLOC-2", "", "no code says `Rule: ALLOC-2`"),
        ("test", ', "ALLOC-2"', "", "no test is marked with ALLOC-2"),
        ("code", "Rule: ALLOC-2", "Rule: ALLOC-2, ALLOC-9", "domain/allocations.py:7: ALLOC-9 is stated on no page"),
        ("test", '"ALLOC-2"', '"ALLOC-2", "ALLOC-9"', "test_allocations.py:5: ALLOC-9 is stated on no page"),
        ("test", '"ALLOC-2"', "RULE_ID", "a rule is named by its id in quotes"),
        ("page", "### ALLOC-2", "### ALLOC-1", "ALLOC-1 is stated twice"),
        ("page", "ALLOC-1 ·", "ALLOC-7 ·", "comes after ALLOC-7"),
        ("page", "### ALLOC-2 · An", "### ALLOC-2: An", "write `### ID · Sentence.`"),
        ("page", "out of the pool.\n", "out of the pool\n", "not a sentence"),
        ("page", "There is no other place to take it from.", "", "ALLOC-2 does not say why"),
        ("page", "Refusal: `insufficient_pool`.", "", "ALLOC-2 has no line `Refusal:"),
        ("page", "`insufficient_pool`", "`no_such_code`", "'no_such_code', which is not in the catalogue"),
    ],
)
def test_an_orphan_is_found(tmp_path: Path, part: str, before: str, after: str, complaint: str) -> None:
    parts = {"page": PAGE, "code": CODE, "test": TEST}
    assert before in parts[part]
    parts[part] = parts[part].replace(before, after)

    orphans = read_index(checkout(tmp_path, **parts)).orphans(CODES)

    assert any(complaint in orphan for orphan in orphans), orphans


def test_a_prefix_belongs_to_one_page(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    second = "### ALLOC-3 · Said elsewhere.\n\nBecause.\n\nRefusal: none.\n"
    (root / "docs/rules/pools.md").write_text(second, encoding="utf-8")

    orphans = read_index(root).orphans(CODES)

    assert any("ALLOC rules live in docs/rules/allocations.md" in orphan for orphan in orphans), orphans


def test_marks_in_sql_and_typescript_count(tmp_path: Path) -> None:
    root = checkout(tmp_path, code='"""Nothing."""\n', test="")
    for path, text in (
        ("src/bursar/db/schema/allocations.sql", "-- Rule: ALLOC-1\ncreate table allocations ();\n"),
        ("console/src/features/allocate.ts", "/**\n * Adds up.\n * Rule: ALLOC-2\n */\n"),
        ("console/src/features/allocate.test.ts", "// Rule: ALLOC-1, ALLOC-2\n"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")

    assert read_index(root).orphans(CODES) == []


def test_the_command_prints_sentence_code_and_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rule_command, "ROOT", checkout(tmp_path))

    assert rule_command.main(["alloc-2"]) == 0

    printed = capsys.readouterr().out
    assert "ALLOC-2 · An allocation comes out of the pool." in printed
    assert "src/bursar/domain/allocations.py:7  draw" in printed
    assert "tests/rules/test_allocations.py:5  test_credits_go_to_active_members_only" in printed


def test_the_command_refuses_an_unknown_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rule_command, "ROOT", checkout(tmp_path))

    assert rule_command.main(["ALLOC-77"]) == 1

    assert "hint: ALLOC-1, ALLOC-2" in capsys.readouterr().err
