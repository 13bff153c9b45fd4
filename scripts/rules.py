"""The index of rules: each sentence in `docs/rules`, the code that decides it and the tests that hold it.

A page `docs/rules/<noun>.md` states rules under headings like this one:

    ### ALLOC-4 · A disabled member cannot receive credits.

    Why this is so, in a sentence or a few.

    Refusal: `member_disabled`.

Code that decides a rule says `Rule: ALLOC-4` on a line of its own in a docstring (in SQL and TypeScript: in a comment).
A test that holds it is marked `@pytest.mark.rule("ALLOC-4")` (in TypeScript: a comment `Rule: ALLOC-4` above it).
`orphans` finds whatever is missing one of its three parts.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from scripts.checkout import Source, files, python_sources

_ID = r"[A-Z][A-Z0-9]*-[0-9]+"
_HEADING = re.compile(rf"^### (?P<id>{_ID}) · (?P<sentence>.+)$")
_LOOSE_HEADING = re.compile(r"^#{2,6}\s+[A-Z][A-Z0-9]*\s*-\s*[0-9]+\b")
_REFUSAL = re.compile(r"^Refusals?: (?P<codes>.+)$", re.MULTILINE)
_CODE_IN_TICKS = re.compile(r"`([a-z_]+)`")
_MARK_IN_TEXT = re.compile(rf"^[\s\-/*#]*Rules?: (?P<ids>{_ID}(?:, {_ID})*)\.?\s*(?:\*/)?$", re.MULTILINE)
_COMMENTED = (".sql", ".ts", ".tsx")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is said: the file, the line, and the name of the function, class or file that says it."""

    path: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {self.name}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One numbered rule as its page states it."""

    id: str
    sentence: str
    body: str
    page: str
    line: int

    @property
    def refusals(self) -> tuple[str, ...] | None:
        """The codes of the refusals the rule ends in; empty if it ends in none, None if its page does not say."""
        if match := _REFUSAL.search(self.body):
            return tuple(_CODE_IN_TICKS.findall(match["codes"]))
        return None

    @property
    def reason(self) -> str:
        """What the page says beyond the sentence and the refusal."""
        return _REFUSAL.sub("", self.body).strip()


@dataclass(slots=True)
class Index:
    """Everything that names a rule."""

    rules: list[Rule] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)
    code: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    tests: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))

    def orphans(self, refusal_codes: frozenset[str]) -> list[str]:
        """Every rule that lacks a part, and every mark that names no rule; empty if the index is whole."""
        return [*self.malformed, *self._of_pages(refusal_codes), *self._of_rules(), *self._of_marks()]

    def _of_pages(self, refusal_codes: frozenset[str]) -> list[str]:
        found = []
        seen: dict[str, Rule] = {}
        page_of: dict[str, str] = {}
        last: dict[str, int] = {}
        for rule in self.rules:
            where = f"{rule.page}:{rule.line}: {rule.id}"
            prefix, number = rule.id.split("-")
            if rule.id in seen:
                found.append(f"{where} is stated twice, first at {seen[rule.id].page}:{seen[rule.id].line}")
            elif last.get(prefix, 0) > int(number):
                found.append(f"{where} comes after {prefix}-{last[prefix]}; keep a page in order")
            if page_of.setdefault(prefix, rule.page) != rule.page:
                found.append(f"{where}: {prefix} rules live in {page_of[prefix]}")
            seen.setdefault(rule.id, rule)
            last[prefix] = max(last.get(prefix, 0), int(number))
            if not rule.sentence.endswith("."):
                found.append(f"{where}: the heading is not a sentence that ends with a full stop")
            if not rule.reason:
                found.append(f"{where} does not say why")
            if rule.refusals is None:
                found.append(f"{where} has no line `Refusal: ...` (write `Refusal: none.` if it has none)")
            for code in rule.refusals or ():
                if code not in refusal_codes:
                    found.append(f"{where} names the refusal {code!r}, which is not in the catalogue")
        return found

    def _of_rules(self) -> list[str]:
        found = []
        for rule in self.rules:
            if not self.code.get(rule.id):
                found.append(f"{rule.page}:{rule.line}: no code says `Rule: {rule.id}`")
            if not self.tests.get(rule.id):
                found.append(f"{rule.page}:{rule.line}: no test is marked with {rule.id}")
        return found

    def _of_marks(self) -> list[str]:
        stated = {rule.id for rule in self.rules}
        return [
            f"{place.path}:{place.line}: {rule_id} is stated on no page of docs/rules"
            for marks in (self.code, self.tests)
            for rule_id, places in sorted(marks.items())
            if rule_id not in stated
            for place in places
        ]


def read_index(root: Path) -> Index:
    """The index of rules of the checkout at `root`."""
    index = Index()
    for page in files(root, "docs/rules", ".md"):
        _read_page(page, page.relative_to(root).as_posix(), index)
    for source in python_sources(root, "src"):
        for node, text in source.documented():
            for rule_id in _marked_in(text):
                index.code[rule_id].append(_place(source, node))
    for source in python_sources(root, "tests"):
        _read_test_marks(source, index)
    for path in (*files(root, "src", *_COMMENTED), *files(root, "console/src", *_COMMENTED)):
        marks = index.tests if ".test." in path.name else index.code
        for match in _MARK_IN_TEXT.finditer(text := path.read_text(encoding="utf-8")):
            for rule_id in match["ids"].split(", "):
                line = text.count("\n", 0, match.start("ids")) + 1
                marks[rule_id].append(Place(path.relative_to(root).as_posix(), line, path.name))
    return index


def _read_page(page: Path, name: str, index: Index) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("#")] + [len(lines)]
    for start, end in pairwise(starts):
        if match := _HEADING.match(lines[start]):
            body = "\n".join(lines[start + 1 : end]).strip()
            index.rules.append(Rule(match["id"], match["sentence"].strip(), body, name, start + 1))
        elif _LOOSE_HEADING.match(lines[start]):
            index.malformed.append(f"{name}:{start + 1}: write `### ID · Sentence.`, not {lines[start]!r}")


def _read_test_marks(source: Source, index: Index) -> None:
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for decorator in node.decorator_list:
                _add_test_mark(decorator, Place(source.path, node.lineno, node.name), index)
        elif isinstance(node, ast.Assign) and any(_is_name(target, "pytestmark") for target in node.targets):
            for part in ast.walk(node.value):
                _add_test_mark(part, Place(source.path, node.lineno, source.path), index)


def _add_test_mark(node: ast.AST, place: Place, index: Index) -> None:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
        for argument in node.args:
            named = argument.value if isinstance(argument, ast.Constant) else None
            if isinstance(named, str) and re.fullmatch(_ID, named):
                index.tests[named].append(place)
            else:
                index.malformed.append(f"{place.path}:{place.line}: a rule is named by its id in quotes")


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _marked_in(text: str) -> list[str]:
    return [rule_id for match in _MARK_IN_TEXT.finditer(text) for rule_id in match["ids"].split(", ")]


def _place(source: Source, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Place:
    if isinstance(node, ast.Module):
        return Place(source.path, 1, source.path.rsplit("/", 1)[-1])
    return Place(source.path, node.lineno, node.name)
