"""Secrets are taken out of texts, in every form that a server or Python may write them in."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace import hidden
from tailrace.hidden import hide, hide_headers, hide_password, is_secret_name, without_secrets

SECRET = 'k"e\\y-0123456789'


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "_known", [])


@pytest.mark.parametrize(
    "written", [SECRET, json.dumps(SECRET)[1:-1], quote(SECRET, safe=""), repr(SECRET)[1:-1]]
)
def test_every_form_is_found(written: str) -> None:
    hide(SECRET)
    assert without_secrets(f"a {written} b {written}") == "a (hidden) b (hidden)"
    assert without_secrets(f"a {written}".encode()) == b"a (hidden)"
    assert without_secrets([{"x": written, written: 1}, None, 7]) == [
        {"x": "(hidden)", "(hidden)": 1},
        None,
        7,
    ]


def test_the_longer_of_two_goes_first() -> None:
    hide("secret-one")
    hide("secret-one-and-more")
    assert without_secrets("secret-one-and-more, secret-one") == "(hidden), (hidden)"


def test_placeholders_stay_words() -> None:
    for word in ("", "none", "EMPTY", "sk-test"):
        hide(word)
    assert without_secrets("none is EMPTY, sk-test") == "none is EMPTY, sk-test"


def test_of_headers_the_secret_ones_and_their_parts() -> None:
    hide_headers(
        [
            ("Authorization", "Bearer bearer-key-1"),
            ("Cookie", "session=cookie-value-2; theme=dark"),
            ("Proxy-Authorization", "Basic dXNlcjpvcGVuLXNlc2FtZQ=="),
            ("X-Team", "blue-and-green"),
        ]
    )
    said = "bearer-key-1 cookie-value-2 open-sesame blue-and-green dark"
    assert without_secrets(said) == "(hidden) (hidden) (hidden) blue-and-green dark"


def test_a_password_as_basic_sends_it() -> None:
    hide_password("user", "open-sesame")
    assert without_secrets("Basic dXNlcjpvcGVuLXNlc2FtZQ==") == "Basic (hidden)"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *[(name, True) for name in ("authorization", "X-Api-Key", "Cookie", "X-Auth-Token")],
        *[(name, True) for name in ("Ocp-Apim-Subscription-Key", "DB_PASSWORD", "HF_TOKEN")],
        *[(name, False) for name in ("X-Team", "Connection", "x-request-id", "Accept")],
    ],
)
def test_names_that_sound_secret(name: str, secret: bool) -> None:
    assert is_secret_name(name) == secret


@given(st.text(), st.text())
def test_a_text_without_secrets_stays_as_it_is(before: str, after: str) -> None:
    assert without_secrets(f"{before}{after}") == f"{before}{after}"
