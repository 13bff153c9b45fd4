"""Documents link to what is there, and every document can be reached from the first one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.checkout import ROOT, files

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<picture>[^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def documents(root: Path) -> list[Path]:
    """Every document of the checkout."""
    return sorted([*root.glob("*.md"), *files(root, "docs", ".md")])


def links(page: Path) -> list[tuple[str, str]]:
    """The targets on this page that lie in the checkout: path and anchor, either of which may be empty."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [match["target"] or match["picture"] for match in _LINK.finditer(text)]
    return [
        (path, anchor)
        for path, _, anchor in (target.partition("#") for target in targets)
        if not path.startswith(("http:", "https:", "mailto:"))
    ]


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page have."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


def broken_links(root: Path) -> list[str]:
    """Every link to a file or heading that is not there."""
    found = []
    for page in documents(root):
        for path, anchor in links(page):
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                found.append(f"{page.relative_to(root)}: {path}{'#' if anchor else ''}{anchor}")
    return found


def unreachable(root: Path, start: str) -> list[str]:
    """The documents that no chain of links from `start` leads to; a link to a folder leads to all that is in it."""
    reached: set[Path] = set()
    waiting = [root / start]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            for path, _ in links(page):
                target = (page.parent / path).resolve()
                waiting += [target] if target.suffix == ".md" and target.exists() else []
                waiting += sorted(target.glob("*.md")) if target.is_dir() else []
    return [str(page.relative_to(root)) for page in documents(root) if page not in reached]


def test_every_link_leads_somewhere() -> None:
    assert broken_links(ROOT) == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    assert unreachable(ROOT, "README.md") == []


@pytest.mark.parametrize("target", ["missing.md", "README.md#no-such-heading", "#nor-this", "docs/pictures/none.png"])
def test_a_planted_broken_link_is_found(tmp_path: Path, target: str) -> None:
    (tmp_path / "README.md").write_text(f"# Bursar\n\n[here]({target})\n", encoding="utf-8")

    assert len(broken_links(tmp_path)) == 1


def test_a_document_nobody_links_to_is_found(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Bursar\n\n[one](docs/one.md)\n", encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/one.md").write_text("# One\n", encoding="utf-8")
    (tmp_path / "docs/two.md").write_text("# Two\n", encoding="utf-8")

    assert unreachable(tmp_path, "README.md") == ["docs/two.md"]
