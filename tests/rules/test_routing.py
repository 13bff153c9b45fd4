"""docs/rules/providers.md: which providers a name leads to, without a database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bursar.domain.dialects import Dialect
from bursar.domain.providers import Header, ProviderSettings, SealedKey, Shape, is_below, joined
from bursar.domain.refusals import Refusal
from bursar.domain.routing import Route, Routing, Target

OPENAI = ProviderSettings("openai", Shape.OPENAI, "https://api.openai.com/v1", models=("gpt-5", "text-1"))
ROUTER = ProviderSettings("openrouter", Shape.OPENAI, "https://openrouter.ai/api/v1", models=("openai/gpt-5", "gpt-5"))
CLAUDE = ProviderSettings("anthropic", Shape.ANTHROPIC, "https://api.anthropic.com/v1", models=("claude-5",))
SIMULATED = ProviderSettings("sim", Shape.SIMULATED, None, models=("simulated-small", "gpt-5"))


def chosen(
    name: str,
    *providers: ProviderSettings,
    dialect: Dialect = Dialect.OPENAI,
    routes: tuple[Route, ...] = (),
    priced: tuple[tuple[str, str], ...] = (),
) -> list[tuple[str, str]]:
    routing = Routing({route.name.lower(): route for route in routes}, providers)
    found = routing.choices(name, dialect, is_priced=lambda provider, model: (provider.name, model) in priced)
    return [(choice.provider.name, choice.model) for choice in found]


@pytest.mark.rule("PROVIDER-8")
def test_a_name_leads_to_every_provider_that_knows_the_model_in_their_order() -> None:
    assert chosen("gpt-5", OPENAI, ROUTER) == [("openai", "gpt-5"), ("openrouter", "gpt-5")]
    assert chosen("gpt-5", ROUTER, OPENAI) == [("openrouter", "gpt-5"), ("openai", "gpt-5")]
    assert chosen("text-1", ROUTER, OPENAI) == [("openai", "text-1")]
    assert chosen("gpt-6", ROUTER, OPENAI, priced=(("openai", "gpt-6"),)) == [("openai", "gpt-6")]


@pytest.mark.rule("PROVIDER-8")
def test_a_name_with_a_providers_name_before_a_slash_means_that_provider_alone() -> None:
    assert chosen("openai/gpt-5", ROUTER, OPENAI) == [("openai", "gpt-5")]
    assert chosen("openai/anything", ROUTER, OPENAI) == [("openai", "anything")]
    assert chosen("openrouter/openai/gpt-5", ROUTER, OPENAI) == [("openrouter", "openai/gpt-5")]
    assert chosen("openai/gpt-5", ROUTER) == [("openrouter", "openai/gpt-5")]


@pytest.mark.rule("PROVIDER-8")
def test_only_providers_that_speak_the_clients_dialect_are_asked() -> None:
    assert chosen("claude-5", OPENAI, CLAUDE, dialect=Dialect.ANTHROPIC) == [("anthropic", "claude-5")]
    with pytest.raises(Refusal, match="claude-5 is called with Anthropic's clients only") as refused:
        chosen("claude-5", OPENAI, CLAUDE)
    assert (refused.value.code, refused.value.field) == ("model_unknown", "model")


@pytest.mark.rule("PROVIDER-8")
def test_a_name_that_nobody_knows_is_refused_and_an_installation_without_providers_says_how_to_add_one() -> None:
    with pytest.raises(Refusal, match="There is no model gpt-9 here") as unknown:
        chosen("gpt-9", OPENAI)
    with pytest.raises(Refusal, match="bursar providers add") as nobody:
        chosen("gpt-5")
    assert unknown.value.code == nobody.value.code == "model_unknown"


@pytest.mark.rule("PROVIDER-9")
def test_a_route_counts_before_everything_else_in_whatever_capitals() -> None:
    best = Route("Best", (Target("openrouter", "openai/gpt-5"), Target("openai", "gpt-5"), Target("gone", "x")))
    prefixed = Route("openai/gpt-5", (Target("openrouter", "openai/gpt-5"),))

    assert chosen("bEST", OPENAI, ROUTER, routes=(best,)) == [("openrouter", "openai/gpt-5"), ("openai", "gpt-5")]
    assert chosen("best", OPENAI, routes=(best,)) == [("openai", "gpt-5")]
    assert chosen("openai/gpt-5", OPENAI, ROUTER, routes=(prefixed,)) == [("openrouter", "openai/gpt-5")]
    with pytest.raises(Refusal, match="no model best"):
        chosen("best", CLAUDE, routes=(best,))


@pytest.mark.rule("PROVIDER-9")
def test_a_route_may_lead_to_providers_of_both_dialects_and_each_client_to_its_own() -> None:
    both = Route("best", (Target("anthropic", "claude-5"), Target("openai", "gpt-5")))

    assert chosen("best", OPENAI, CLAUDE, routes=(both,)) == [("openai", "gpt-5")]
    assert chosen("best", OPENAI, CLAUDE, routes=(both,), dialect=Dialect.ANTHROPIC) == [("anthropic", "claude-5")]


@pytest.mark.rule("PROVIDER-10")
def test_a_simulated_provider_answers_in_both_dialects_and_only_for_names_that_say_so() -> None:
    for dialect in Dialect:
        assert chosen("simulated-small", SIMULATED, dialect=dialect) == [("sim", "simulated-small")]
        assert chosen("Simulated-x", SIMULATED, dialect=dialect, priced=(("sim", "Simulated-x"),)) == [
            ("sim", "Simulated-x")
        ]
    for name in ("gpt-5", "sim/gpt-5"):
        with pytest.raises(Refusal, match="no model"):
            chosen(name, SIMULATED)
    assert chosen("gpt-5", SIMULATED, OPENAI) == [("openai", "gpt-5")]


@pytest.mark.rule("PROVIDER-10")
def test_a_route_may_lead_other_names_to_a_simulated_model() -> None:
    route = Route("gpt-5", (Target("sim", "simulated-small"),))

    assert chosen("gpt-5", SIMULATED, OPENAI, routes=(route,)) == [("sim", "simulated-small")]


@pytest.mark.rule("PROVIDER-5")
@pytest.mark.parametrize(
    ("path", "is_safe"),
    [
        ("/chat/completions", True),
        ("/files/file-abc_1.2", True),
        ("/messages?beta=true", True),
        ("/files/a..b", True),
        ("/files/..", False),
        ("/files/../x", False),
        ("/files/%2e%2E/x", False),
        ("/files/.", False),
        ("//elsewhere", False),
        ("files", False),
        ("/a b", False),
        ("/a?b=//c", False),
        ("/a#b", False),
        ("/a\n", False),
        ("", False),
    ],
)
def test_a_path_stays_below_the_address_it_is_put_behind(path: str, is_safe: bool) -> None:
    assert is_below(path) is is_safe


def test_an_address_may_end_in_a_slash() -> None:
    assert joined("http://127.0.0.1:8000/v1/", "/models") == "http://127.0.0.1:8000/v1/models"


@pytest.mark.rule("PROVIDER-3")
def test_nothing_of_a_key_is_in_what_is_printed_of_a_provider() -> None:
    sealed = replace(OPENAI, key=SealedKey(b"sealed-bytes", "cdef"), headers=(Header("X-Token", None, b"more-bytes"),))

    assert "bytes" not in repr(sealed)
