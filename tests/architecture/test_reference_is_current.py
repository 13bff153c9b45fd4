"""The pages of `docs/reference` say what the code says, and leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bursar.api.problems import STATUSES
from bursar.config import Settings
from bursar.domain.accounts import CHART
from bursar.domain.events import EVENTS
from bursar.domain.refusals import REFUSALS
from bursar.domain.transfers import KINDS
from scripts.checkout import ROOT
from scripts.reference import FOLDER, PAGES, command_names, write_pages


def committed(name: str) -> str:
    """The page as it lies in the checkout."""
    return (ROOT / FOLDER / name).read_text(encoding="utf-8")


def first_cells(page: str) -> list[str]:
    """The first cell of each row of the tables of a page, without its ticks."""
    return [line.split("|")[1].strip().strip("`") for line in page.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_committed_page_is_what_the_code_says_now(name: str) -> None:
    assert committed(name) == PAGES[name](), "make docs writes it anew"


def test_every_page_of_the_folder_is_generated() -> None:
    assert {path.name for path in (ROOT / FOLDER).glob("*.md")} == set(PAGES)


def test_every_setting_is_documented() -> None:
    assert first_cells(committed("settings.md")) == [f"BURSAR_{name.upper()}" for name in Settings.model_fields]


def test_every_setting_has_a_sentence() -> None:
    lacking = [
        name for name, field in Settings.model_fields.items() if not (field.description or "").rstrip().endswith(".")
    ]

    assert lacking == []


def test_every_command_is_documented_and_has_a_sentence() -> None:
    sections = {part.split("`")[1]: part.split("```")[1] for part in committed("cli.md").split("\n## ")[1:]}

    assert list(sections) == [f"bursar {' '.join(words)}" for words in command_names()]
    for section in sections.values():
        usage, sentence, *_ = section.strip().split("\n\n")
        assert usage.startswith("Usage: bursar ")
        assert sentence.startswith("  "), section


def test_every_option_has_a_sentence() -> None:
    undescribed = [
        line for line in committed("cli.md").splitlines() if re.fullmatch(r"  --?[a-z-]+( <[a-z ]+>)?", line)
    ]

    assert undescribed == []


def test_every_kind_of_transfer_is_documented() -> None:
    assert sorted(first_cells(committed("transfers.md"))) == sorted(KINDS)


def test_every_account_is_documented() -> None:
    assert first_cells(committed("accounts.md")) == [str(rule.account) for rule in CHART]


def test_every_kind_of_event_is_documented() -> None:
    assert first_cells(committed("events.md")) == list(EVENTS)


def test_every_refusal_is_documented_and_has_a_status() -> None:
    assert first_cells(committed("refusals.md")) == list(REFUSALS)
    assert set(STATUSES) == set(REFUSALS)


def test_a_page_that_was_left_behind_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pages(tmp_path)
    monkeypatch.setattr("scripts.reference.KINDS", {})

    assert (tmp_path / FOLDER / "transfers.md").read_text(encoding="utf-8") != PAGES["transfers.md"]()
