"""Which names are secrets, and what other formats' values become."""

from __future__ import annotations

from datetime import date

import pytest

from tailrace.scenarios.model_fields import plain, secret_in, shown

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
