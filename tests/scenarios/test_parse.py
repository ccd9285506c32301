"""What users type, good and bad; each bad one is a sentence that names the option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.scenarios.parse import (
    LONGEST_S,
    MOST_USERS,
    base_url,
    header,
    header_key,
    json_object,
    levels,
    positive,
    seconds,
    spread,
)

many = settings(max_examples=200, deadline=None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30", 30.0),
        ("30s", 30.0),
        (" 30s ", 30.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("500ms", 0.5),
        ("250us", 250e-6),
        ("7ns", 7e-9),
        ("2m", 120.0),
        ("2min", 120.0),
        ("1.5h", 5400.0),
        ("007s", 7.0),
    ],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text, "--duration") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "s", "abc", "-1", "-1s", "+1s", "1 s", "1d", "1S", "1.s", ".5s", "1,5s", "1e3"),
        *("1s2", "1m30s", "nan", "inf", "0x10", "1_0s", "1s\n2s"),
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        seconds(text, "--warmup")
    assert str(caught.value).startswith("--warmup ")
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["1" + "0" * 400, "9" * 310 + "h"])
def test_an_endless_duration_is_refused(text: str) -> None:
    """A float takes it for infinite, and nobody can wait for that."""
    with pytest.raises(UsageError, match=r"^--duration "):
        seconds(text, "--duration")


def test_a_year_is_the_longest() -> None:
    assert seconds("8784h", "--x") == LONGEST_S
    for text in ("8785h", "9" * 39 + "h", "9" * 40 + "h", "9" * 42):
        shown = text if len(text) <= 40 else text[:40] + "\u2026"
        with pytest.raises(UsageError) as caught:
            seconds(text, "--x")
        assert str(caught.value) == f"--x {shown!r} is longer than a year"


def test_a_length_that_must_be_one() -> None:
    assert positive("1ns", "--x") == 1e-9
    with pytest.raises(UsageError, match=r"^--x '0ms' must be longer than nothing$"):
        positive("0ms", "--x")
    with pytest.raises(UsageError, match=r"^--x 'x' is not a duration"):
        positive("x", "--x")


def test_a_mean_of_exponential_times() -> None:
    assert spread("2s") == ("2s", False)
    assert spread("exp:2s") == ("2s", True)


@pytest.mark.parametrize(
    ("text", "key"), [("sk-1", "sk-1"), (" sk-1\n", "sk-1"), ("", None), (" ", None)]
)
def test_a_key_is_what_a_header_carries(text: str, key: str | None) -> None:
    assert header_key(text, "the judge's") == key


@pytest.mark.parametrize("text", ["hun ter2", "hunter2\u20ac", "hunter2\x07x", "hun\nter2"])
def test_what_no_header_can_carry_is_refused_and_not_repeated(text: str) -> None:
    says = "the judge's API key has characters that no HTTP header can carry"
    with pytest.raises(UsageError) as caught:
        header_key(text, "the judge's")
    assert str(caught.value) == says


@many
@given(st.text(st.sampled_from("0123456789.smhunin -+e"), max_size=8))
def test_a_duration_is_a_number_or_a_usage_error(text: str) -> None:
    assert usage_error_of(lambda what: seconds(text, what)) or seconds(text, "--x") >= 0


def usage_error_of(parse: Callable[[str], object]) -> bool:
    """Whether it refuses what was typed, naming the option."""
    try:
        parse("--x")
    except UsageError as refused:
        return str(refused).startswith("--x ")
    return False


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("1", (1,)),
        ("1,2,4,8", (1, 2, 4, 8)),
        ("8,4,8", (8, 4, 8)),
        (" 1 , 2 ", (1, 2)),
        (str(MOST_USERS), (MOST_USERS,)),
    ],
)
def test_levels(text: str, users: tuple[int, ...]) -> None:
    assert levels(text) == users


@pytest.mark.parametrize(
    "text", ["", ",", "1,", ",1", "1,,2", "a", "1.5", "1;2", "1 2", "0", "-1", "1,0", "100001"]
)
def test_what_is_no_list_of_levels(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--concurrency "):
        levels(text)
    with pytest.raises(UsageError, match=r"^--users "):
        levels(text, "--users")


def test_a_level_out_of_range_is_named() -> None:
    with pytest.raises(UsageError, match="200000"):
        levels("1,200000")


@pytest.mark.parametrize("text", ["9" * 5000, "1," + "9" * 5000])
def test_an_endless_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--concurrency "):
        levels(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://h", "http://h/v1"),
        ("http://h/", "http://h/v1"),
        ("http://h:8080", "http://h:8080/v1"),
        ("http://h/v1", "http://h/v1"),
        ("http://h/v1/", "http://h/v1"),
        (" http://h/v1 ", "http://h/v1"),
        ("https://h/api/v3", "https://h/api/v3"),
        ("http://h/v1/chat/completions", "http://h/v1"),
        ("http://h/v1/chat/completions/", "http://h/v1"),
        ("https://h/openai/chat/completions", "https://h/openai"),
        ("http://h:11434/api/chat", "http://h:11434/v1"),
        ("http://h:11434/api/generate", "http://h:11434/v1"),
        ("http://h/v1/messages", "http://h/v1"),
        ("http://h/v1/responses", "http://h/v1"),
        ("http://h/v1/completions", "http://h/v1"),
        ("http://h/completion", "http://h/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
        ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
    ],
)
def test_base_urls(text: str, url: str) -> None:
    assert base_url(text) == url
    assert base_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "h:8080",
        "localhost:8080/v1",
        "/v1",
        "//h/v1",
        "http://",
        "http:///v1",
        "http:h",
        "ftp://h/v1",
        "file:///etc/x",
        "http://h:99999/v1",
        "http://h:abc/v1",
        "http://h:-1/v1",
        "http://h/v1?key=1",
        "http://h/v1#x",
        "http://u@h/v1",
        "http://u:p@h/v1",
        "http://:p@h/v1",
    ],
)
def test_what_is_no_base_url(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--url "):
        base_url(text)
    with pytest.raises(UsageError, match=r"^TARGET "):
        base_url(text, "TARGET")


@pytest.mark.parametrize("text", ["http://[::1", "http://[z]/v1", "http://h]", "http://a\u2100b"])
def test_what_the_url_parser_itself_refuses(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--url "):
        base_url(text)


@pytest.mark.parametrize("text", ["http://h/v1?", "http://h/v1#", "http://h?"])
def test_an_empty_query_or_fragment_does_not_swallow_the_path(text: str) -> None:
    """What is appended must be part of the path."""
    try:
        path = httpx.URL(base_url(text) + "/chat/completions").path
    except UsageError:
        return
    assert path.endswith("/v1/chat/completions")


@pytest.mark.parametrize("text", ["http://a b/v1", "http://h\n/v1", "http://h/v1\0", "http://h\tx"])
def test_a_base_url_can_be_sent(text: str) -> None:
    """Either refused here, or good for a request; not an error of another library later."""
    try:
        url = base_url(text)
    except UsageError:
        return
    httpx.URL(url + "/chat/completions")


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        base_url("http://user:hunter2@h/v1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ('{"a":{"b":[1,null]}}', {"a": {"b": [1, None]}}),
        (' {"a":"\u00e9"} ', {"a": "\u00e9"}),
    ],
)
def test_json_objects(text: str, value: dict[str, Any]) -> None:
    assert json_object(text, "--extra-body") == value


@pytest.mark.parametrize("text", ["", "x", "{", "{'a':1}", "[]", "1", "null", '"a"', '{"a":NaN}'])
def test_what_is_no_json_object(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--extra-body "):
        json_object(text, "--extra-body")


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("X-A: 1", ("X-A", "1")),
        ("X-A:1", ("X-A", "1")),
        ("  X-A :  1  ", ("X-A", "1")),
        ("X-A:", ("X-A", "")),
        ("X-A: b:c", ("X-A", "b:c")),
        ("Authorization: Bearer x", ("Authorization", "Bearer x")),
        ("x!#$%&'*+.^_`|~-0: 1", ("x!#$%&'*+.^_`|~-0", "1")),
    ],
)
def test_headers(text: str, pair: tuple[str, str]) -> None:
    assert header(text) == pair


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "hunter2",
            ": hunter2",
            "a b: hunter2",
            "X(: hunter2",
            "\u00e9: hunter2",
            "X=hunter2",
        ),
        *("X: hunter2\r\nY: 1", "X: hunter2\ny", "X: hunter2\0", "X\nZ: hunter2"),
    ],
)
def test_a_bad_header_is_refused_and_its_value_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--header ") as caught:
        header(text)
    assert "hunter2" not in str(caught.value)


PARSERS = (seconds, levels, json_object, header)


@many
@given(st.text(max_size=20), st.sampled_from(PARSERS))
def test_any_text_is_understood_or_a_usage_error(
    text: str, parser: Callable[[str, str], object]
) -> None:
    assert usage_error_of(lambda what: parser(text, what)) or parser(text, "--x") is not None


@many
@given(st.text(st.sampled_from("http:/[]@?#.%:1a \u2100\t"), max_size=12))
def test_any_url_is_understood_or_a_usage_error(rest: str) -> None:
    try:
        url = base_url("http://" + rest)
    except UsageError:
        return
    assert url.startswith("http://")
    assert not url.endswith("/")
