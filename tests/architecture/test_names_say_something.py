"""No module, class or function is called by a word that fits everything, and nothing is left open without a number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from scripts.checkout import ROOT, Source, files, python_sources

BANNED = frozenset({"util", "utils", "helper", "helpers", "common", "manager", "base", "data", "info", "misc", "stuff"})
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_LEFT_OPEN = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b(?!\(#[0-9]+\))")
UNFINISHED = "TO" + "DO"
_TEXT = (".py", ".sql", ".ts", ".tsx", ".css", ".mjs", ".cjs", ".toml", ".md", ".sh", ".yml", ".yaml")


def last_word(name: str) -> str:
    """The word that says what a thing is: the last one of its name."""
    words = _WORDS.findall(name)
    return words[-1].lower() if words else ""


def empty_names(paths: list[str], sources: list[Source]) -> list[str]:
    """Modules and folders called by a banned word, and classes and functions whose last word is one."""
    found = [path for path in paths for part in Path(path).with_suffix("").parts if part.lower().lstrip("_") in BANNED]
    found += [
        f"{source.path}:{node.lineno} {node.name}"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and last_word(node.name) in BANNED
    ]
    return found


def left_open(path: str, text: str) -> list[str]:
    """Every note of unfinished work that carries no issue number."""
    return [f"{path}:{number}" for number, line in enumerate(text.splitlines(), 1) if _LEFT_OPEN.search(line)]


def test_every_name_says_what_the_thing_is() -> None:
    paths = [*files(ROOT, "src", ".py", ".sql"), *files(ROOT, "tests", ".py"), *files(ROOT, "scripts", ".py")]
    paths += files(ROOT, "console/src", ".ts", ".tsx", ".css")

    assert empty_names(
        [path.relative_to(ROOT).as_posix() for path in paths], python_sources(ROOT, "src", "tests", "scripts")
    ) == []  # fmt: skip


def test_nothing_is_left_open_without_an_issue_number() -> None:
    found = []
    for folder in ("src", "tests", "scripts", "docs", "console", ".ci"):
        for path in files(ROOT, folder):
            if path.suffix in _TEXT or not path.suffix:
                found += left_open(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))

    assert found == []


@pytest.mark.parametrize("path", ["src/bursar/utils.py", "src/bursar/common/mail.py", "console/src/shared/_helpers.ts"])
def test_an_empty_module_name_is_found(path: str) -> None:
    assert empty_names([path], []) == [path]


@pytest.mark.parametrize(
    "code", ["class MailManager: ...", "class Base: ...", "def load_data(): ...", "async def member_info(): ..."]
)
def test_an_empty_class_or_function_name_is_found(code: str) -> None:
    assert len(empty_names([], [Source("planted.py", ast.parse(code))])) == 1


@pytest.mark.parametrize("code", ["def data_folder(): ...", "class Database: ...", "def base_url(): ..."])
def test_a_word_that_only_qualifies_is_left_alone(code: str) -> None:
    assert empty_names([], [Source("plain.py", ast.parse(code))]) == []


@pytest.mark.parametrize(
    ("line", "count"),
    [
        (f"# {UNFINISHED}: later", 1),
        (f"// {UNFINISHED}", 1),
        (f"# {UNFINISHED}(#12): later", 0),
        ("nothing to do here", 0),
    ],
)
def test_a_naked_note_of_unfinished_work_is_found(line: str, count: int) -> None:
    assert len(left_open("planted.py", line)) == count
