"""`bursar providers` and `bursar routes`: what the guide says, at the command line."""

from __future__ import annotations

import subprocess
import sys

from tests.support.commands import SUPER_ADMIN, Shell

KEY = "sk-typed-0123456789-wxyz"


def test_providers_routes_and_prices_are_set_up_at_the_command_line(shell: Shell) -> None:
    bare = shell.with_settings(**SUPER_ADMIN)
    with bare.serving("serve") as server:
        greeting = server.said
        none = bare.run("providers", "list")
        added = bare.run("providers", "add", "openai", "--key-variable", "BURSAR_PROVIDER_NONE")
        sealed = subprocess.run(
            [sys.executable, "-m", "bursar", "providers", "add", "lab", "--base-url", "http://127.0.0.1:1/v1",
             "--model", "llama", "--seal-key", "--header", "X-Org: acme"],
            env=bare.environment(), input=f"{KEY}\n", capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        simulated = bare.run("providers", "add", "simulated")
        listed = bare.run("providers", "list")
        unreachable = bare.run("providers", "test", "lab")
        well = bare.run("providers", "test", "simulated")
        routed = bare.run("routes", "set", "best", "lab/llama", "simulated/simulated-large")
        routes = bare.run("routes", "list")
        in_use = bare.run("providers", "remove", "lab")
        unrouted = bare.run("routes", "remove", "best")
        changed = bare.run("providers", "change", "lab", "--disable", "--model", "llama", "--model", "qwen")
        removed = bare.run("providers", "remove", "openai")
        unknown = bare.run("providers", "remove", "openai")
        priced = bare.run("prices", "set", "lab", "llama", "--rate", "input=0.20", "--rate", "output=0.60")
        withdrawn = bare.run("prices", "withdraw", "lab", "llama")
        misspelt = bare.run("prices", "set", "lab", "llama", "--rate", "imput=0.20")
        settings = bare.run("platform", "settings", "--unpriced-models", "free")
        after = bare.run("providers", "list")

    assert "No provider of models is set up yet" in greeting
    assert "bursar providers add openai --key-variable OPENAI_API_KEY" in greeting
    assert "bursar providers add" in none.stdout
    assert added.stdout.splitlines() == [
        "Added openai.",
        "As seen from here: The key of openai is missing: BURSAR_PROVIDER_NONE is not set.",
    ]
    assert (sealed.returncode, sealed.stdout) == (0, "Added lab.\n"), sealed.stderr
    assert simulated.stdout == "Added simulated.\n"
    assert [line.split()[1] for line in listed.stdout.splitlines()[::2]] == ["openai", "lab", "simulated"]
    assert "key: from BURSAR_PROVIDER_NONE  (The key of openai is missing" in listed.stdout
    assert "key: sealed, ending in wxyz" in listed.stdout
    assert KEY not in listed.stdout
    assert (unreachable.returncode, "lab cannot be reached" in unreachable.stdout) == (1, True)
    assert (well.returncode, "lists 2 models" in well.stdout) == (0, True)
    assert routed.stdout == "best leads to lab/llama, simulated/simulated-large.\n"
    assert routes.stdout.split() == ["best", "lab/llama,", "simulated/simulated-large"]
    assert (in_use.returncode, "The route best leads to this provider" in in_use.stderr) == (1, True)
    assert unrouted.stdout == "Removed the route best.\n"
    assert changed.stdout == "Changed lab.\n"
    assert removed.stdout == "Removed openai.\n"
    assert (unknown.returncode, "There is no provider openai." in unknown.stderr) == (1, True)
    assert "0.60 USD for 1 000 000 tokens" in priced.stdout
    assert "Withdrew what was set by hand for lab / llama." in withdrawn.stdout
    assert misspelt.returncode == 2
    assert "models without price  free" in settings.stdout
    assert "http://127.0.0.1:1/v1  disabled" in after.stdout


def test_the_demo_has_the_provider_without_a_model_and_the_public_prices(shell: Shell) -> None:
    with shell.serving("demo"):
        providers = shell.run("providers", "list")
        prices = shell.run("prices", "list", "--provider", "simulated")
        public = shell.run("prices", "list", "--provider", "openai")

    assert providers.stdout.split()[1] == "simulated"
    assert len(prices.stdout.splitlines()) == 3
    assert len(public.stdout.splitlines()) > 20
