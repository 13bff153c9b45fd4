"""A tracked file names no registry, no folder of one machine, and the locks install anywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scripts.checkout import MADE_BY_TOOLS, ROOT, files

# Written in pieces, so that this file does not find itself.
_HOSTS = [
    r"py" r"pi\.org",
    r"python" r"hosted\.org",
    r"npm" r"js\.(?:org|com)",
    r"yarn" r"pkg\.com",
    r"npm" r"mirror\.com",
]
_REGISTRY = re.compile(
    rf"(?:https?:|file:)?//[^\s\"'`<>]*(?:{'|'.join(_HOSTS)})|--(?:extra-)?index" r"-url\s|--find" r"-links\s"
)
_RESOLVED = re.compile(r'"resolved"' r"\s*:")
_MACHINE = re.compile(r"(?<![\w./~-])/(?:home|root|Users|work|mnt|media|opt|private)/[A-Za-z0-9_]")
_BINARY = frozenset({".png", ".jpg", ".ico", ".woff", ".woff2", ".gz", ".zip", ".pdf", ".svg"})

# Paths that mean the same on every machine of their kind, and whose they are.
_WELL_KNOWN = ("/opt/homebrew/",)


def not_portable(path: str, text: str) -> list[str]:
    """Every line of a text that works, or makes sense, on one machine only."""
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), 1)
        if _REGISTRY.search(line)
        or (_RESOLVED.search(line) and path.endswith(".json"))
        or _MACHINE.search(_without_well_known(line))
    ]


def _without_well_known(line: str) -> str:
    for known in _WELL_KNOWN:
        line = line.replace(known, "")
    return line


def missing_optional(lock: dict[str, dict[str, dict[str, dict[str, str]]]]) -> list[str]:
    """The optional dependencies that packages of an npm lock name and the lock itself lacks.

    Such a lock was made where some platform's binaries were not to be had, and `npm ci` refuses it elsewhere.
    """
    packages = lock["packages"]
    locked = {path.rpartition("node_modules/")[2] for path in packages}
    return sorted(
        f"{path or 'the console'} needs {name}"
        for path, package in packages.items()
        for name in package.get("optionalDependencies", {})
        if name not in locked
    )


def test_no_tracked_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    found = []
    for path in files(ROOT, "."):
        if path.suffix not in _BINARY and path != Path(__file__) and path.name != "schema.d.ts":
            found += not_portable(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))

    assert found == []


def test_what_tools_make_is_ignored_by_git() -> None:
    ignored = {
        line.strip().strip("/").rsplit("/", 1)[-1]
        for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    }

    assert MADE_BY_TOOLS - ignored - {".git"} == set()


def test_the_npm_lock_has_the_binaries_of_every_platform() -> None:
    lock = json.loads((ROOT / "console/package-lock.json").read_text(encoding="utf-8"))

    assert missing_optional(lock) == []


def test_every_package_of_the_locks_has_a_hash() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        pinned = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]

        assert pinned
        assert [line for line in pinned if "--hash=sha256:" not in line] == []


@pytest.mark.parametrize(
    "line",
    [
        "see https://py" + "pi.org/simple/bursar",
        '"url": "https://registry.npm' + 'js.org/react"',
        "--extra-index-url http://somewhere",
        '  "resolved": "react-19.tgz",',
        "run /home/ada/bursar/.venv/bin/python",
        'DATA = "/' + 'root/bursar"',
    ],
)
def test_a_planted_place_is_found(line: str) -> None:
    assert len(not_portable("console/package-lock.json", line)) == 1


@pytest.mark.parametrize("line", ["/var/lib/bursar", "a/home/b", "https://example.com/home/page", "~/.local/share"])
def test_what_means_the_same_everywhere_is_left_alone(line: str) -> None:
    assert not_portable("README.md", line) == []


def test_a_lock_without_a_platforms_binaries_is_found() -> None:
    lock: dict[str, dict[str, dict[str, dict[str, str]]]] = {
        "packages": {
            "": {},
            "node_modules/linter": {"optionalDependencies": {"linter-linux": "1", "linter-mac": "1"}},
            "node_modules/linter-linux": {},
        }
    }

    assert missing_optional(lock) == ["node_modules/linter needs linter-mac"]
