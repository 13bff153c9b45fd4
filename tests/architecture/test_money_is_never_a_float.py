"""No floating point where credits are: no float literal, no `float(...)`, no true division."""

from __future__ import annotations

import ast

import pytest

from scripts.checkout import ROOT, Source, python_sources

MONEY_PATHS = ("src/bursar/domain", "src/bursar/ledger", "src/bursar/store")

# Floats that are no amounts: the file, the function (or "" for the module) and the reason.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("src/bursar/ledger/posting/session.py", ""): "pauses and time-outs, in seconds",
    ("src/bursar/ledger/posting/lanes.py", ""): "since when a command waits, in seconds",
    ("src/bursar/ledger/posting/lanes.py", "__call__"): "how long a round waited and took, in seconds",
    ("src/bursar/ledger/posting/lanes.py", "nobody_watches"): "the same",
}


def floats(source: Source) -> list[tuple[str, str, int]]:
    """Every floating-point construct of a file: the file, the function it is in, and the line."""
    found: list[tuple[str, str, int]] = []

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if _is_float(node):
            found.append((source.path, function, getattr(node, "lineno", 0)))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(source.tree, "")
    return found


def _is_float(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=float() | complex()):
            return True
        case ast.Name(id="float"):
            return True
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return True
        case ast.Attribute(attr="truediv" | "fsum") | ast.alias(name="truediv" | "fsum"):
            return True
    return False


def test_there_is_no_float_on_a_money_path() -> None:
    found = [place for source in python_sources(ROOT, *MONEY_PATHS) for place in floats(source)]

    assert [place for place in found if place[:2] not in EXCEPTIONS] == []


def test_every_exception_is_still_needed() -> None:
    found = {place[:2] for source in python_sources(ROOT, *MONEY_PATHS) for place in floats(source)}

    assert set(EXCEPTIONS) - found == set()


@pytest.mark.parametrize(
    "code",
    [
        "rate = 0.5",
        "rate = 1e6",
        "amount = float(text)",
        "amount: float",
        "half = micro / 2",
        "micro /= 2",
        "def share(micro: int) -> int:\n    return round(micro / 3)",
        "from math import fsum",
        "import operator\nshare = operator.truediv(1, 2)",
    ],
)
def test_a_planted_float_is_found(code: str) -> None:
    assert len(floats(Source("planted.py", ast.parse(code)))) == 1


@pytest.mark.parametrize("code", ["half = micro // 2", "amount = 10", "name = '0.5'", "from decimal import Decimal"])
def test_whole_numbers_are_left_alone(code: str) -> None:
    assert floats(Source("whole.py", ast.parse(code))) == []
