"""Which names are secrets, and what other formats' values become."""

from __future__ import annotations

from datetime import date, time

import pytest

from tailrace.scenarios.model_fields import CHECKS, plain, secret_in, shown

SECRETS = [
    *("api_key", "apiKey", "x-api-key", "openai.api_key", "Authorization", "password", "token"),
    *("hf_token", "access-token", "client_secret", "Cookie"),
]
HARMLESS = ["eos_token", "max_tokens", "tokens", "price_per_mtok_in", "keyboard", "tokenizer"]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_found_however_deep(name: str) -> None:
    assert secret_in("outer", {"list": [{name: "v"}]}) == name
    assert secret_in(name, "") is None


@pytest.mark.parametrize("name", HARMLESS)
def test_other_names_are_kept(name: str) -> None:
    assert secret_in(name, "v") is None


def test_dates_become_text_and_keys_too() -> None:
    assert plain({1: (date(2026, 11, 25), None)}) == {"1": ["2026-11-25", None]}


def test_a_long_value_is_cut() -> None:
    assert shown("x" * 100) == "'" + "x" * 38 + "…"


TEXT = ((" a ", "0"), ("", "  ", None, 1, ["a"]))
AMOUNT = ((0, 0.0, 1.5, 10**9), (-1, -0.1, True, "1", None, float("nan"), float("inf")))
VALUES: dict[str, tuple[tuple[object, ...], tuple[object, ...]]] = {
    **dict.fromkeys(("alias", "model", "license", "quantization", "variant"), TEXT),
    **dict.fromkeys(("device", "url", "adapter", "currency"), TEXT),
    **dict.fromkeys(("size_mb", "rss_mb", "price_in", "price_out", "price_kwh", "watts"), AMOUNT),
    "capabilities": (([], ["chat", ""]), ("chat", ["chat", 1], None, {})),
    "dialect": (("auto", "openai-chat", "ollama-chat"), ("openai", "", None)),
    "headers": (({}, {"a": "b", "c": ""}), ({"a": 1}, ["a"], "a", None)),
    "auth": (("auto", "bearer", "api-key", "x-api-key", "none"), ("Bearer", "", None)),
    "extra_body": (({}, {"a": {"b": 1}}), ([], "a", None)),
    "serve": (("a b", "", [], ["a", "b"]), (1, None, ["a", 1])),
    "ready": (("/", "/health?a=b"), ("health", "", "/a b", "/\u00fc", "/a\n", None, 1)),
    "ready_s": ((0.1, 60), (0, -1, "60", None, True)),
    "server": (("foundry",), ("Foundry", "", None, True)),
    "keep_loaded": ((True, False), (0, 1, "true", None)),
}


@pytest.mark.parametrize("name", CHECKS)
def test_what_holds_for_a_field(name: str) -> None:
    holds, _ = CHECKS[name]
    right, wrong = VALUES[name]
    assert [value for value in right if not holds(value)] == []
    assert [value for value in wrong if holds(value)] == []


def test_secrets_in_lists_and_beside_others() -> None:
    assert secret_in("a", {"b": "c", "token": ["x"], "d": {"e": 1, "password": "p"}}) == "password"
    assert secret_in("token", ["x"]) is None
    assert secret_in("list", [{"b": "c"}, {"token": "x"}]) == "token"
    assert secret_in("token", 7) is None
    assert secret_in("nothing", {}) is None


def test_values_of_other_formats() -> None:
    value = {"a": time(7, 30), "b": (1, 2.5, True), "c": b"x", "d": {2: {3}}}
    assert plain(value) == {"a": "07:30:00", "b": [1, 2.5, True], "c": "b'x'", "d": {"2": "{3}"}}


def test_how_values_are_shown() -> None:
    assert shown("a") == "'a'"
    assert shown([1, "a"]) == "[1, 'a']"
    assert (shown("x" * 38), len(shown("x" * 39))) == ("'" + "x" * 38 + "'", 40)
