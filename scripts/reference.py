"""Writes the pages of `docs/reference` out of the code they describe (`make docs`); a test compares them.

Each page is a function that returns its text. Nothing on a page depends on the machine or the day.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from bursar.api.problems import STATUSES
from bursar.cli.app import cli
from bursar.config import Settings
from bursar.domain.accounts import CHART
from bursar.domain.events import EVENTS
from bursar.domain.refusals import REFUSALS
from bursar.domain.roles import ROLE_LABELS
from bursar.domain.transfers import KINDS, Channel
from bursar.outside.metrics import METRICS
from scripts.checkout import ROOT

FOLDER = "docs/reference"
_GENERATED = "<!-- Made by `make docs`. Change the code it describes, not this page. -->"


def accounts_page() -> str:
    """Every account of the books."""
    rows = [
        (f"`{rule.account}`", f"`{rule.account_class}`", str(rule.owner), rule.below_zero, rule.meaning)
        for rule in CHART
    ]
    return _page(
        "Accounts",
        "Every place credits can be. A tenant has one of each, or one for each group or member. The totals of the\n"
        "classes stand in the tenant's control row and always sum to zero.",
        _table(("Account", "Class", "One per", "Below zero", "Meaning"), rows),
    )


def transfers_page() -> str:
    """Every kind of transfer: what somebody posts, and what follows from something else."""
    parts = []
    for channel, title, text in (
        (Channel.COMMAND, "Posted by somebody", "These are commands of their own."),
        (Channel.CONSEQUENCE, "Following from something else", "These are posted as part of another command."),
    ):
        rows = [
            (
                f"`{kind.code}`",
                kind.label,
                _listed(kind.sources),
                _listed(kind.targets),
                ", ".join(ROLE_LABELS[role] for role in ROLE_LABELS if role in kind.roles) or "-",
                f"`{kind.reversed_by}`" if kind.reversed_by else "-",
                str(kind.tag),
                kind.meaning,
            )
            for kind in KINDS.values()
            if kind.channel is channel
        ]
        head = ("Kind", "Label", "From", "To", "Who", "Reversed by", "Tag", "Meaning")
        parts.append(f"## {title}\n\n{text}\n\n{_table(head, rows)}")
    return _page(
        "Transfers",
        "Everything credits can do. A transfer takes one positive amount from one account to another; the\n"
        "[accounts](accounts.md) have a page of their own.",
        *parts,
    )


def refusals_page() -> str:
    """Every way the product says no."""
    rows = [
        (f"`{kind.code}`", str(STATUSES[kind.code]), kind.title, "yes" if kind.retry_may_help else "no", kind.meaning)
        for kind in REFUSALS.values()
    ]
    return _page(
        "Refusals",
        "Every way Bursar says no. A refusal changes nothing. Over HTTP it is an `application/problem+json` with the\n"
        "`code`, a sentence in `detail`, the facts, and the status below. *Again* tells whether the same command can\n"
        "succeed later without being changed.",
        _table(("Code", "Status", "Title", "Again", "Meaning"), rows),
    )


def events_page() -> str:
    """Every kind of event that the audit log can hold."""
    rows = [(f"`{kind.code}`", kind.label, kind.meaning) for kind in EVENTS.values()]
    return _page(
        "Events",
        "Everything that can stand in the audit log: of a tenant, or of the platform. *Kind* is what the log is\n"
        "narrowed by; what an event tells beside it is in the [rules](../rules/audit.md).",
        _table(("Kind", "Label", "What happened"), rows),
    )


def settings_page() -> str:
    """Every setting an operator may choose."""
    rows = [
        (
            f"`BURSAR_{name.upper()}`",
            _type_of(field),
            _default_of(field),
            (field.description or "").replace("<", "&lt;"),
        )
        for name, field in Settings.model_fields.items()
    ]
    return _page(
        "Settings",
        "Every setting, as an environment variable. The same names in lower case and without `BURSAR_` stand in the\n"
        "TOML file that `BURSAR_CONFIG` names. A flag of the command line wins over the environment, and the\n"
        "environment over the file.",
        _table(("Variable", "Type", "Default", "Meaning"), rows),
    )


def commands_page() -> str:
    """Every command of `bursar`, as its own `--help` tells it."""
    sections = [f"## `bursar {' '.join(words)}`\n\n```\n{_help_of(words)}\n```" for words in command_names()]
    return _page("Commands", "Everything `bursar` can be told, as `bursar <command> --help` says it.", *sections)


def metrics_page() -> str:
    """Every figure of `/metrics` that is Bursar's own."""
    rows = [
        (
            f"`{metric.name}`",
            str(metric.kind),
            ", ".join(f"`{label}`" for label in metric.labels) or "-",
            metric.sentence,
        )
        for metric in METRICS
    ]
    return _page(
        "Figures",
        "What `GET /metrics` tells, beside the memory, processor time and open files of the process.\n"
        "[Observability](../guides/observability.md) says what to do with it.",
        _table(("Name", "Kind", "Labels", "What it is"), rows),
    )


def command_names() -> list[tuple[str, ...]]:
    """The words that name each command, in the order of `--help`."""
    return list(_commands(get_command(cli), ()))


PAGES: dict[str, Callable[[], str]] = {
    "accounts.md": accounts_page,
    "transfers.md": transfers_page,
    "refusals.md": refusals_page,
    "events.md": events_page,
    "settings.md": settings_page,
    "cli.md": commands_page,
    "metrics.md": metrics_page,
}


def write_pages(root: Path) -> None:
    """Write every page below the checkout at `root`."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (root / FOLDER / name).write_text(page(), encoding="utf-8")


def _page(title: str, text: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", _GENERATED, text, *parts)) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _listed(accounts: frozenset[Any]) -> str:
    in_order = [rule.account for rule in CHART if rule.account in accounts]
    return ", ".join(f"`{account}`" for account in in_order)


def _type_of(field: FieldInfo) -> str:
    """The type as an operator would say it, with its bounds."""
    text = getattr(field.annotation, "__name__", "") if inspect.isclass(field.annotation) else str(field.annotation)
    if "Literal[" in text:
        return "one of " + ", ".join(f"`{choice}`" for choice in re.findall(r"'([^']+)'", text))
    words = (("SecretStr", "secret"), ("Path", "path"), ("bool", "yes or no"), ("int", "integer"), ("float", "number"))
    named = next((word for name, word in words if name in text), "text")
    bounds = ", ".join(
        f"{sign} {value:,}".replace(",", " ")
        for sign, name in (("at least", "ge"), ("above", "gt"), ("at most", "le"), ("below", "lt"))
        for limit in field.metadata
        if (value := getattr(limit, name, None)) is not None
    )
    return f"{named}, {bounds}" if bounds else named


def _default_of(field: FieldInfo) -> str:
    if field.default_factory is not None:
        described = (inspect.getdoc(field.default_factory) or "").split("\n\n")[0].replace("\n", " ")
        return described.partition(": ")[2] or described
    if field.default is PydanticUndefined:
        return "must be given"
    return "unset" if field.default in (None, ()) else f"`{field.default}`"


def _commands(command: object, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            if not inner.hidden:
                yield from _commands(inner, (*words, name))
    else:
        yield words


def _help_of(words: tuple[str, ...]) -> str:
    """What `--help` prints, on a terminal of a fixed width."""
    ended = CliRunner().invoke(cli, [*words, "--help"], prog_name="bursar", env={"COLUMNS": "100", "NO_COLOR": "1"})
    if ended.exit_code != 0:
        raise RuntimeError(f"bursar {' '.join(words)} --help fails: {ended.output}")
    return "\n".join(line.rstrip() for line in ended.output.strip().splitlines())


if __name__ == "__main__":
    write_pages(ROOT)
    sys.exit(0)
