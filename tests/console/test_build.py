"""How the console gets into the package: when it is built, with what, and from which lock. No browser is needed."""

import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`hatch_build.py`, with the one class of hatchling that it needs: hatchling itself is present only in builds."""

    class BuildHookInterface:
        def __class_getitem__(cls, _: object) -> type:
            return cls

    interface = ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = BuildHookInterface  # type: ignore[attr-defined]
    names = interface.__name__.split(".")
    for end in range(1, len(names)):
        monkeypatch.setitem(sys.modules, ".".join(names[:end]), ModuleType(".".join(names[:end])))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path, hook: ModuleType) -> Path:
    """A small checkout whose console is built and current."""
    write(tmp_path / "openapi.json", "{}")
    write(tmp_path / "console/src/main.tsx", "start()")
    write(tmp_path / "console/package-lock.json", json.dumps({"packages": {"": {}}}))
    write(tmp_path / hook.OUTPUT / "build-stamp", hook.stamp_of(tmp_path) + "\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def asked_dependencies(hook: ModuleType, root: Path) -> list[str]:
    """What the build would fetch for this checkout."""
    builder = hook.ConsoleBuildHook()
    builder.root = str(root)
    dependencies: list[str] = builder.dependencies()
    return dependencies


def test_a_current_console_asks_for_no_node(hook: ModuleType, checkout: Path) -> None:
    assert asked_dependencies(hook, checkout) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("console/src/main.tsx", "start() "),
        ("console/src/new.tsx", ""),
        ("console/package-lock.json", json.dumps({"packages": {}})),
        ("openapi.json", '{"paths": {}}'),
        ("src/bursar/_console/build-stamp", "of something else"),
    ],
)
def test_a_change_of_anything_it_is_built_from_asks_for_node(
    hook: ModuleType, checkout: Path, path: str, text: str
) -> None:
    write(checkout / path, text)

    assert asked_dependencies(hook, checkout) == [hook.NODE]


@pytest.mark.parametrize(
    "path", ["console/node_modules/react/index.js", "console/dist/index.html", "console/src/api/schema.d.ts"]
)
def test_what_a_build_leaves_behind_is_no_change(hook: ModuleType, checkout: Path, path: str) -> None:
    write(checkout / path, "made")

    assert asked_dependencies(hook, checkout) == []


def test_a_renamed_file_is_a_change(hook: ModuleType, checkout: Path) -> None:
    (checkout / "console/src/main.tsx").rename(checkout / "console/src/other.tsx")

    assert asked_dependencies(hook, checkout) == [hook.NODE]


@pytest.mark.parametrize(
    ("installed", "suffices"),
    [
        ({"node_modules/react": {"version": "19.0.0"}}, True),
        ({"node_modules/react": {"version": "19.0.0"}, "node_modules/biome": {"version": "2.0.0"}}, True),
        ({"node_modules/react": {"version": "18.0.0"}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_packages_are_fetched_unless_all_that_the_build_needs_are_there(
    hook: ModuleType, tmp_path: Path, installed: dict[str, Any] | None, suffices: bool
) -> None:
    locked = {
        "": {"name": "console"},
        "node_modules/react": {"version": "19.0.0"},
        "node_modules/biome": {"version": "2.0.0", "dev": True},
        "node_modules/for-another-platform": {"version": "1.0.0", "optional": True},
    }
    write(tmp_path / "package-lock.json", json.dumps({"packages": locked}))
    if installed is not None:
        write(tmp_path / "node_modules/.package-lock.json", json.dumps({"packages": installed}))

    assert hook.has_packages(tmp_path) is suffices


def test_developers_and_builds_use_the_same_node(hook: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert hook.NODE in project["dependency-groups"]["dev"]


def test_the_lock_holds_every_package_of_every_platform_and_names_no_registry() -> None:
    text = (ROOT / "console/package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    locked_names = {place.rpartition("node_modules/")[2] for place in packages}

    missing = {
        f"{place}: {name}"
        for place, package in packages.items()
        for name in package.get("optionalDependencies", {})
        if name not in locked_names
    }

    assert missing == set()
    assert '"resolved"' not in text


def test_the_lock_is_that_of_the_package_file_and_every_version_there_is_exact() -> None:
    wanted = json.loads((ROOT / "console/package.json").read_text())
    packages = json.loads((ROOT / "console/package-lock.json").read_text())["packages"]

    for kind in ("dependencies", "devDependencies"):
        locked = {name: packages[f"node_modules/{name}"]["version"] for name in wanted[kind]}
        assert locked == wanted[kind]
        assert packages[""][kind] == wanted[kind]


def test_every_reference_in_the_contract_leads_somewhere() -> None:
    """A dangling one stops the generator of the console's types, and with it the build of the package."""
    text = (ROOT / "openapi.json").read_text()
    schemas = json.loads(text)["components"]["schemas"]

    references = set(re.findall(r'"#/components/schemas/([^"]+)"', text))

    assert references - set(schemas) == set()
