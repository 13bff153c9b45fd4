"""Which files belong to this checkout, with or without git, and what the Python ones among them define.

The checks of the house and the scripts that make pages read files through here, so that all agree on what is ours
and what was made by a tool.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Made by tools and never committed: `.gitignore` names the same, and a test compares the two.
MADE_BY_TOOLS = frozenset(
    {
        ".git", ".venv", ".make", ".bursar", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache",
        ".hypothesis", ".import_linter_cache", "node_modules", "build", "dist", "_console", "screenshots",
    }
)  # fmt: skip

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | FunctionNode


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file of a checkout: where it lies below the root, and its syntax tree."""

    path: str
    tree: ast.Module

    def functions(self) -> Iterator[FunctionNode]:
        """Every function and method, nested ones included."""
        return (node for node in ast.walk(self.tree) if isinstance(node, FunctionNode))

    def documented(self) -> Iterator[tuple[Documented, str]]:
        """Every module, class and function that has a docstring, with the docstring."""
        for node in ast.walk(self.tree):
            if isinstance(node, Documented) and (text := ast.get_docstring(node)):
                yield node, text


def files(root: Path, folder: str, *suffixes: str) -> list[Path]:
    """The files below a folder that people wrote, sorted; only those with one of the suffixes, if any are given."""
    found = []
    for at, folders, names in os.walk(root / folder):
        folders[:] = [name for name in folders if name not in MADE_BY_TOOLS and not name.endswith(".egg-info")]
        mine = [name for name in names if name not in MADE_BY_TOOLS]  # in a linked worktree `.git` is a file
        found += [Path(at, name) for name in mine if not suffixes or name.endswith(suffixes)]
    return sorted(path for path in found if path.is_file())


def python_sources(root: Path, *folders: str) -> list[Source]:
    """Every Python file below the folders, parsed."""
    return [
        Source(path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"), str(path)))
        for folder in folders
        for path in files(root, folder, ".py")
    ]
