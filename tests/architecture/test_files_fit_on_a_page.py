"""A file has one subject and at most 400 lines; a function fits on a screen, 70 lines at the very most."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

from scripts.checkout import ROOT, Source, files, python_sources

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

# A component of the console is mostly markup, one attribute a line; it gets the room of its file's subject.
COMPONENT_LINES_MAX = 250


def long_files(root: Path) -> list[str]:
    """The hand-written source files that are longer than a file may be."""
    paths = [*files(root, "src", ".py", ".sql"), *files(root, "console/src", ".ts", ".tsx", ".css")]
    paths += [*files(root, "tests", ".py"), *files(root, "scripts", ".py")]
    return [
        f"{path.relative_to(root)} has {lines} lines"
        for path in paths
        if path.name != "schema.d.ts" and (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES_MAX
    ]


def long_functions(sources: list[Source]) -> list[str]:
    """The functions that do not fit on a screen, from their `def` (without decorators) to their last line."""
    return [
        f"{source.path}:{node.lineno} {node.name} has {lines} lines"
        for source in sources
        for node in source.functions()
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def long_console_functions(root: Path, paths: list[Path]) -> list[str]:
    """The functions of the console that do not fit on a screen, and the components that outgrow their room."""
    node = Path(sys.executable).with_name("node")
    script = Path(__file__).with_name("function_lines.mjs")
    ended = subprocess.run([node, script, ROOT / "console", *paths], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return [
        f"{Path(found['path']).relative_to(root)}:{found['line']} {found['name']} has {found['lines']} lines"
        for found in json.loads(ended.stdout)
        if found["lines"] > (COMPONENT_LINES_MAX if found["draws"] else FUNCTION_LINES_MAX)
    ]


def test_no_file_is_longer_than_400_lines() -> None:
    assert long_files(ROOT) == []


def test_no_function_is_longer_than_70_lines() -> None:
    assert long_functions(python_sources(ROOT, "src", "tests", "scripts")) == []


def test_no_function_of_the_console_is_longer_than_70_lines_and_no_component_than_250() -> None:
    paths = [path for path in files(ROOT, "console/src", ".ts", ".tsx") if ".test." not in path.name]

    assert paths
    assert long_console_functions(ROOT, paths) == []


def test_a_long_function_or_component_of_the_console_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.tsx"
    planted.write_text(
        "function long() {\n" + "  go();\n" * 69 + "}\n"
        "const Page = () => {\n" + "  go();\n" * 247 + "  return <p />;\n};\n"
        "const Long = () => {\n" + "  go();\n" * 248 + "  return <p />;\n};\n",
        encoding="utf-8",
    )

    assert long_console_functions(tmp_path, [planted]) == [
        "planted.tsx:1 long has 71 lines",
        "planted.tsx:322 Long has 251 lines",
    ]


def test_a_file_of_401_lines_is_found_and_one_of_400_is_not(tmp_path: Path) -> None:
    for name, lines in (("src/long.py", 401), ("src/page.py", 400), ("console/src/Long.tsx", 401)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("\n" * lines, encoding="utf-8")

    assert long_files(tmp_path) == ["src/long.py has 401 lines", "console/src/Long.tsx has 401 lines"]


def test_a_function_of_71_lines_is_found_and_one_of_70_is_not() -> None:
    body = "    pass\n"
    long = Source("long.py", ast.parse("class A:\n  async def long(self):\n" + body * 70))
    short = Source("short.py", ast.parse("def short():\n" + body * 69))

    assert long_functions([long, short]) == ["long.py:2 long has 71 lines"]
