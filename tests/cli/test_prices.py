"""`bursar prices`: a first start has filled the list, and a refresh shows before it saves."""

from __future__ import annotations

from tests.support.commands import SUPER_ADMIN, Shell


def test_a_new_installation_knows_what_models_cost_and_a_refresh_shows_first(shell: Shell) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("serve"):
        shown = shell.run("prices", "show", "gpt-4o-mini", "--provider", "openai")
        of_provider = shell.run("prices", "list", "--provider", "anthropic")
        refreshed = shell.run("prices", "refresh", "--apply")
        unknown = shell.run("prices", "show", "no-such-model")

    assert shown.returncode == 0, shown.stderr
    assert "openai / gpt-4o-mini" in shown.stdout
    assert "0.15 USD for 1 000 000 tokens" in shown.stdout
    assert len(of_provider.stdout.splitlines()) > 10
    assert "0 added, 0 changed, 0 vanished" in refreshed.stdout
    assert (unknown.returncode, "There is no price" in unknown.stderr) == (1, True)
