"""Options of ``tailrace run`` about clouds and gateways: keys, TLS, HTTP/2, proxies, addresses.

Rule: a secret is never an option's value, for others see a command line. The key comes from the
environment, a file or standard input; a proxy's password and that of a client key come from
TAILRACE_PROXY_AUTH and TAILRACE_CLIENT_KEY_PASSWORD, or from HTTPS_PROXY with ``--proxy env``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.model_entry import ModelEntry
from tailrace.scenarios.reach import FROM_ENVIRONMENT, Reach, is_key_header, key_header
from tailrace.scenarios.urls import base_url, is_azure

Headers = tuple[tuple[str, str], ...]

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--auth",
        type=click.Choice(["auto", "bearer", "api-key", "x-api-key", "none"]),
        default="auto",
        show_default=True,
        help="Header that carries the API key; auto is Authorization: Bearer, api-key on Azure.",
    ),
    option(
        "--dns",
        type=click.Choice(["pin", "spread"]),
        default="pin",
        show_default=True,
        help="pin keeps to the first address that answers; spread dials all of a name in turn.",
    ),
    option(
        "--http2", is_flag=True, help="Speak HTTP/2 (stock httpx; stamps are taken in user space)."
    ),
    option(
        "--proxy",
        metavar="URL|env",
        help="HTTP proxy (stock httpx); env takes HTTPS_PROXY, HTTP_PROXY and NO_PROXY. A password "
        "comes from TAILRACE_PROXY_AUTH=USER:PASSWORD.",
    ),
    option("--client-cert", metavar="FILE", help="Certificate to show the server (PEM; mTLS)."),
    option("--client-key", metavar="FILE", help="Its private key, where not in the same file."),
    option(
        "--honor-retry-after",
        is_flag=True,
        help="A user waits as long as a 429 or 503 asks before its next request.",
    ),
)


def urls_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The base URLs that ``--url`` names, each once; raises UsageError."""
    found = tuple(base_url(text) for text in values["url"])
    for url in found:
        if found.count(url) > 1:
            raise UsageError(f"--url {url!r} is given twice; give each once")
    return found


def settled(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the first URL alone under ``url``, the rest beside it, and the transport
    that others of them imply. Raises UsageError where they exclude each other.
    """
    reach = _reach(values)
    first = values["url"][0] if values["url"] else None
    settled = values | {"url": first, "reach": reach}
    if not reach.needs_httpx:
        return settled
    if values["transport"] == "fast" and _typed("transport"):
        raise UsageError(
            f"--transport fast cannot do {reach.needs_httpx}; leave --transport out for httpx"
        )
    if reach.dns == "spread":
        raise UsageError("--dns spread dials by itself; leave --http2 and --proxy out")
    return settled | {"transport": "httpx"}


def require_usable(scenario: Scenario) -> None:
    """Raise UsageError now for certificates and proxies that no connection could be made with."""
    if scenario.reach.client_cert is not None and not any(
        url.startswith("https:") for url in scenario.urls
    ):
        raise UsageError("--client-cert is shown within TLS, and no URL begins with https://")
    if any(url.startswith("https:") for url in scenario.urls):
        from tailrace.engine.tls import context_of

        context_of(scenario)
    if scenario.reach.proxy is not None:
        from tailrace.engine.proxies import told

        told(scenario.urls, scenario.reach.proxy)


def _reach(values: dict[str, Any]) -> Reach:
    urls = urls_of(values)
    if values["http2"]:
        _require_http2(urls)
    if values["dns"] == "spread" and values["transport"] == "httpx":
        raise UsageError("--dns spread is the fast transport's; leave --transport httpx out")
    if values["honor_retry_after"] and any(
        values[name] is not None for name in ("rate", "replay", "trace")
    ):
        raise UsageError(
            "--honor-retry-after is for the users of --concurrency; an open loop keeps its "
            "schedule (--retries honours Retry-After there)"
        )
    return Reach(
        more_urls=urls[1:],
        dns=values["dns"],
        http2=values["http2"],
        proxy=None if values["proxy"] is None else _proxy(values["proxy"]),
        client_cert=_file(values["client_cert"], "--client-cert"),
        client_key=_client_key(values),
        honor_retry_after=values["honor_retry_after"],
    )


def _require_http2(urls: tuple[str, ...]) -> None:
    import importlib.util

    if importlib.util.find_spec("h2") is None:
        raise UsageError(
            "--http2 needs the package h2; install it with: pip install 'tailrace[http2]'"
        )
    for url in urls:
        if not url.startswith("https:"):
            raise UsageError(f"--http2 is agreed on within TLS; {url!r} must begin with https://")


def _proxy(text: str) -> str:
    """A proxy's URL; its password must not have been typed."""
    if text.strip().lower() == FROM_ENVIRONMENT:
        return FROM_ENVIRONMENT
    wrong = UsageError("--proxy is env, or a URL like http://proxy.example:3128")
    try:
        parts = urlsplit(text.strip())
        _ = parts.port
    except ValueError:
        raise wrong from None
    if parts.username or parts.password:
        raise UsageError(
            "--proxy must not hold a user or password; set TAILRACE_PROXY_AUTH=USER:PASSWORD"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise wrong
    return f"{parts.scheme}://{parts.netloc}"


def _client_key(values: Mapping[str, Any]) -> str | None:
    if values["client_key"] is not None and values["client_cert"] is None:
        raise UsageError("--client-key belongs to a certificate; give --client-cert as well")
    return _file(values["client_key"], "--client-key")


def _file(path: str | None, what: str) -> str | None:
    if path is not None and not Path(path).is_file():
        raise UsageError(f"{what} {path!r} is not a file")
    return path


def _typed(name: str) -> bool:
    """Whether an option was given by whatever source."""
    from click.core import ParameterSource

    context = click.get_current_context(silent=True)
    if context is None:
        return False
    return context.get_parameter_source(name) not in (None, ParameterSource.DEFAULT)


def auth_header(values: Mapping[str, Any], key: str) -> tuple[str, str] | None:
    """The header that carries the key of the run; see ``--auth``."""
    given = values["url"]
    urls = (given,) if isinstance(given, str) else tuple(given or ())
    return key_header(values["auth"], key, bool(urls) and all(map(is_azure, urls)))


def for_models(
    entries: Sequence[ModelEntry], own: Mapping[str, Headers], secret: Headers
) -> dict[str, Headers]:
    """The headers of single models, with the run's key in the header that each of them wants.

    One with a key of its own is not sent the run's; see ``worker.headers_of``.
    """
    found = dict(own)
    key = next((value for name, value in reversed(secret) if is_key_header(name)), None)
    for entry in entries:
        headers = own.get(entry.alias, ())
        azure = entry.url is not None and is_azure(entry.url)
        if key is None or any(is_key_header(name) for name, _ in headers):
            continue
        if entry.auth is None and not azure:
            continue
        wanted = key_header(entry.auth or "auto", key.removeprefix("Bearer "), azure)
        found[entry.alias] = (*headers, wanted or ("Authorization", ""))
    return found


def again(values: dict[str, Any], kept: Mapping[str, Any], scenario: Any) -> dict[str, Any]:
    """The values of a resumption with what the run's key was sent as, and to whom."""
    return values | {"auth": kept.get("auth", "auto"), "url": scenario.urls}
