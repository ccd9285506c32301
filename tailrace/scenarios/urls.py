"""URLs: what a base URL may look like, and how a path is put on it. Pure.

Rule: a query stays on every request (Azure's ``?api-version=…``), with the path put before it. It
is kept in the result as part of the URL, so one that names a secret is refused.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from tailrace.errors import UsageError
from tailrace.scenarios.model_fields import SECRET

_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_DEPLOYMENT = re.compile(r"/openai/deployments/[^/]+$")
_ENDPOINTS = (
    *("/chat/completions", "/completions", "/responses", "/embeddings", "/messages"),
    *("/api/chat", "/api/generate", "/completion"),
)
"""Of the dialects; ``/chat/completions`` before its own end."""
_INSTEAD = "it would be kept in the result; send it with --header, or as the API key (see --auth)"
_SECRET_PARAMETERS = frozenset({"key", "code", "sig", "signature", "token", "subscription-key"})


def endpoint(base_url: str, path: str) -> str:
    """``path`` on a base URL, before its query: ``…/v1`` and ``/models`` are ``…/v1/models``."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path))


def root_of(base_url: str) -> str:
    """The same without a ``/v1`` at its end: where a server keeps what is not OpenAI's."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/").removesuffix("/v1")))


def is_azure(base_url: str) -> bool:
    """Whether a host of Azure OpenAI answers there, whose keys come as ``api-key``."""
    return (urlsplit(base_url).hostname or "").endswith(_AZURE)


def base_url(text: str, what: str = "--url") -> str:
    """The base URL that paths like ``/chat/completions`` are put on; ``what`` names it in errors.

    A URL without a path gets ``/v1`` (Azure: ``/openai/v1``); a full endpoint URL loses its last
    parts. Raises UsageError for what cannot be asked.
    """
    parts = web_url(text, what, "http://127.0.0.1:8080/v1", _INSTEAD)
    url = urlunsplit(parts)
    path = parts.path.rstrip("/")
    for ending in _ENDPOINTS:
        if path.endswith(ending):
            path = path.removesuffix(ending)
            break
    if not path:
        path = "/openai/v1" if is_azure(url) else "/v1"
    if is_azure(url) and _DEPLOYMENT.search(path) and "api-version=" not in parts.query:
        raise UsageError(
            f"{what} {text!r} is an Azure deployment without a version; add ?api-version=…, or "
            f"give {parts.scheme}://{parts.netloc}/openai/v1"
        )
    return urlunsplit(parts._replace(path=path))


def web_url(text: str, what: str, like: str, instead: str) -> SplitResult:
    """The parts of a URL of http or https that holds no secret; no slash is left at its end.

    Raises UsageError, in which ``like`` is an example and ``instead`` says where a secret goes.
    """
    import httpx  # only who asks something needs it, so --help does not wait for it

    unlike = f"{what} {_told(text)!r} is not a URL like {like}"
    url = text.strip().rstrip("/?#")
    try:
        parts = urlsplit(url)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise UsageError(unlike) from None
    if parts.username or parts.password:
        raise UsageError(f"{what} must not hold a user or password; {instead}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(unlike)
    try:
        _ = parts.port
    except ValueError:
        raise UsageError(
            f"{what} {_told(text)!r} has a port that is not a number below 65536"
        ) from None
    if parts.fragment:
        raise UsageError(f"{what} {_told(text)!r} must not have a fragment (#…)")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if SECRET.search(name) or name.lower() in _SECRET_PARAMETERS:
            raise UsageError(f"{what} must not hold a secret ({name}=…); {instead}")
    return parts


def _told(text: str) -> str:
    """A URL that cannot be used, without what may be a secret: its query, and what is before @."""
    return re.sub(r"//[^/?#]*@", "//…@", re.sub(r"\?.*", "?…", text, flags=re.S))
