"""Base URLs with and without a query, and the paths that are put on them."""

from __future__ import annotations

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.urls import base_url, endpoint, is_azure, root_of

AZURE = "https://name.openai.azure.com"
VERSION = "?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://h", "http://h/v1"),
        ("http://h/?a=b", "http://h/v1?a=b"),
        ("http://h/x/chat/completions?a=b", "http://h/x?a=b"),
        ("http://h/v1/responses", "http://h/v1"),
        ("http://h/v1/completions/", "http://h/v1"),
        (AZURE, f"{AZURE}/openai/v1"),
        (f"{AZURE}/openai/v1/", f"{AZURE}/openai/v1"),
        (f"{AZURE}/openai/v1?api-version=preview", f"{AZURE}/openai/v1?api-version=preview"),
        (
            f"{AZURE}/openai/deployments/d/chat/completions{VERSION}",
            f"{AZURE}/openai/deployments/d{VERSION}",
        ),
    ],
)
def test_a_base_url_keeps_its_query(text: str, url: str) -> None:
    assert base_url(text) == url
    assert base_url(url) == url


@pytest.mark.parametrize(
    ("url", "path", "whole"),
    [
        ("http://h/v1", "/models", "http://h/v1/models"),
        ("http://h/v1/", "/models", "http://h/v1/models"),
        ("http://h/v1/?a=b", "/models", "http://h/v1/models?a=b"),
        ("http://h/v1?a=b&c=", "/models", "http://h/v1/models?a=b&c="),
        (
            f"{AZURE}/openai/deployments/d{VERSION}",
            "/x/y",
            f"{AZURE}/openai/deployments/d/x/y{VERSION}",
        ),
    ],
)
def test_a_path_goes_before_the_query(url: str, path: str, whole: str) -> None:
    assert endpoint(url, path) == whole


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://h/v1", "http://h"),
        ("http://h/v1/", "http://h"),
        ("http://h/v1/x/v1?a=b", "http://h/v1/x?a=b"),
        ("http://h/openai", "http://h/openai"),
    ],
)
def test_the_root_is_the_url_without_its_version(url: str, root: str) -> None:
    assert root_of(url) == root


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("h", "--url 'h' is not a URL like http://127.0.0.1:8080/v1"),
        (
            "http://u:s3cret@h/x",
            "--url must not hold a user or password; it would be kept in the result; send it with "
            "--header, or as the API key (see --auth)",
        ),
        ("http://u:s3cret@[h?y=s3cret\nz", "--url 'http://…@[h?…' is not a URL like http"),
        ("http://h:99999/?y=s3cret", "--url 'http://h:99999/?…' has a port that is not a number"),
        ("http://h/v1#x", "--url 'http://h/v1#x' must not have a fragment (#…)"),
        (
            "http://h/v1?key=",
            "--url must not hold a secret (key=…); it would be kept in the result; send it with",
        ),
    ],
)
def test_what_is_wrong_is_said_without_what_may_be_secret(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        base_url(text)
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("name", ["key", "api_key", "api-key", "code", "sig", "access_token"])
def test_a_secret_in_the_query_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(UsageError, match="must not hold a secret") as caught:
        base_url(f"http://h/v1?a=b&{name}=s3cret")
    assert "s3cret" not in str(caught.value)


def test_an_azure_deployment_needs_a_version() -> None:
    with pytest.raises(UsageError, match=r"add \?api-version=…"):
        base_url(f"{AZURE}/openai/deployments/d")


@pytest.mark.parametrize(
    ("url", "azure"),
    [
        (f"{AZURE}/openai/v1", True),
        ("https://NAME.OpenAI.Azure.com/openai/v1", True),
        ("https://name.cognitiveservices.azure.com/openai/v1", True),
        ("https://openai.azure.com.example.org/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_who_is_azure(url: str, azure: bool) -> None:
    assert is_azure(url) is azure
