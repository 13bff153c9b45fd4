"""The seeded faults themselves: each fits the product as it is, and one that nobody notices is reported so.

Trying them all takes minutes and is not part of the suite; that is `make mutants`.
"""

from __future__ import annotations

import re

import pytest

from scripts.checkout import ROOT
from scripts.rules import read_index
from tests.mutants.__main__ import main, try_all
from tests.mutants.catalogue import MUTATIONS
from tests.mutants.mutation import Mutation, NoLongerFits
from tests.mutants.trial import Run, Verdict, attempt, checkout, judge, run_tests

_QUICK = ("tests/rules/test_amounts.py::test_the_cost_of_a_call_is_rounded_up_to_the_next_micro_credit",)
_CREDITS = "src/bursar/domain/credits.py"
_ROUNDING = "Credits(-(-exact * MICRO_PER_CREDIT // per))"


def planted(*, after: str, tests: tuple[str, ...] = _QUICK, before: str = _ROUNDING) -> Mutation:
    """A mutation of how a cost is rounded."""
    return Mutation(
        name="planted", file=_CREDITS, before=before, after=after, fault="-", breaks="AMOUNT-4", tests=tests
    )


def failed(*, when: str, is_kill: bool, exit_code: int = 1) -> Run:
    """A run in which something failed in this phase."""
    return Run(exit_code, {"test": "test_it", "when": when, "is_kill": is_kill, "exception": "E: no"}, "")


def is_there(test: str) -> bool:
    """Whether there is such a file or folder, and such a test in it if one is named."""
    path, _, name = test.partition("::")
    if not name:
        return (ROOT / path).exists()
    return f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_fits_the_product_and_names_tests_that_exist(mutation: Mutation) -> None:
    text = (ROOT / mutation.file).read_text(encoding="utf-8")

    assert mutation.planted(text) != text
    assert mutation.fault.endswith(".")
    assert mutation.tests
    assert [test for test in mutation.tests if not is_there(test)] == []


def test_there_are_at_least_24_mutations_each_with_a_name_of_its_own_and_an_edit_of_its_own() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 24
    assert len({(mutation.file, mutation.before, mutation.after) for mutation in MUTATIONS}) == len(MUTATIONS)


def test_what_a_mutation_breaks_is_an_invariant_or_a_rule() -> None:
    known = {rule.id for rule in read_index(ROOT).rules} | {f"I{number}" for number in range(1, 21)}

    named = {name for mutation in MUTATIONS for name in mutation.breaks.split(", ")}

    assert sorted(named - known) == []


def test_a_fault_that_no_test_notices_is_reported_as_a_survivor(capsys: pytest.CaptureFixture[str]) -> None:
    harmless = planted(after="Credits((-(-exact * MICRO_PER_CREDIT // per)))")

    assert try_all([harmless], jobs=1) == 1

    printed = capsys.readouterr().out
    assert re.search(r"^planted +SURVIVED ", printed, re.MULTILINE)
    assert printed.splitlines()[-1] == "kill rate: 0 of 1 (0 %)"


def test_a_fault_that_a_test_notices_is_killed_and_the_test_is_named() -> None:
    trial = attempt(planted(after="Credits(exact * MICRO_PER_CREDIT // per)"))

    assert trial.verdict is Verdict.KILLED
    assert trial.said.startswith(_QUICK[0])


@pytest.mark.parametrize(
    ("before", "after", "tests", "why"),
    [
        ("import re\n", "import nowhere\nimport re\n", _QUICK, "pytest ended with"),
        (_ROUNDING, "Credits(-(-exact * MICRO_PER_CREDIT // sideways))", _QUICK, "NameError"),
        (
            _ROUNDING,
            "Credits(exact * MICRO_PER_CREDIT // per)",
            ("tests/rules/test_amounts.py::test_no",),
            "pytest ended with 4",
        ),
    ],
    ids=["an import that fails", "a name that is not there", "a test that is not there"],
)
def test_what_keeps_the_tests_from_running_is_no_kill(
    before: str, after: str, tests: tuple[str, ...], why: str
) -> None:
    trial = attempt(planted(before=before, after=after, tests=tests))

    assert trial.verdict is Verdict.NOT_TRIED
    assert why in trial.said


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        (Run(0, None, "1 passed"), Verdict.SURVIVED),
        (failed(when="call", is_kill=True), Verdict.KILLED),
        (failed(when="setup", is_kill=False), Verdict.NOT_TRIED),
        (failed(when="call", is_kill=True, exit_code=2), Verdict.NOT_TRIED),
        (Run(1, None, "1 error"), Verdict.NOT_TRIED),
        (Run(5, None, "no tests ran"), Verdict.NOT_TRIED),
        (Run(None, None, ""), Verdict.NOT_TRIED),
    ],
)
def test_only_a_failed_test_is_a_kill(run: Run, verdict: Verdict) -> None:
    assert judge(run)[0] is verdict


@pytest.mark.parametrize(
    "before", ["no such text", "micro"], ids=["text that is not there", "text that is there more than once"]
)
def test_a_mutation_that_no_longer_fits_fails_loudly(before: str) -> None:
    text = (ROOT / _CREDITS).read_text(encoding="utf-8")

    with pytest.raises(NoLongerFits, match="mutation no longer fits: planted"):
        planted(before=before, after="").planted(text)


def test_python_that_cannot_be_read_is_not_planted() -> None:
    text = (ROOT / _CREDITS).read_text(encoding="utf-8")

    with pytest.raises(SyntaxError):
        planted(after="(").planted(text)


def test_tests_that_would_run_against_another_copy_of_the_product_do_not_run() -> None:
    with checkout() as tree:
        (tree / "src").rename(tree / "elsewhere")
        (tree / "src").symlink_to(ROOT / "src")

        run = run_tests(tree, _QUICK)

    assert run.exit_code not in (0, 1)
    assert "is not in" in run.last_words


def test_a_name_that_nothing_has_is_refused() -> None:
    with pytest.raises(SystemExit, match="no such mutation: no-such-fault"):
        main(["--only", "no-such-fault"])


def test_the_list_names_every_mutation_and_what_it_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0

    printed = capsys.readouterr().out
    for mutation in MUTATIONS:
        assert f"{mutation.name}  ({mutation.file}; {mutation.breaks})\n    {mutation.fault}\n" in printed
