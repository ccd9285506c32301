"""Proxies: which proxy a URL is asked through, with its credentials, and how that is told without.

Rule: credentials live in the environment (TAILRACE_PROXY_AUTH, or in HTTPS_PROXY itself) and in the
transport; what is told of a proxy never has them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import (  # type: ignore[attr-defined]
    getproxies_environment,
    proxy_bypass_environment,
)

from tailrace.errors import UsageError
from tailrace.hidden import hide_password
from tailrace.scenarios.reach import FROM_ENVIRONMENT

CREDENTIALS = "TAILRACE_PROXY_AUTH"


class Proxy(NamedTuple):
    """A proxy to go through."""

    url: str
    """Without user and password."""
    auth: tuple[str, str] | None = None


def proxy_for(url: str, wanted: str | None) -> Proxy | None:
    """The proxy for a URL; ``wanted`` is ``--proxy``. Raises UsageError for one that is none."""
    if wanted is None:
        return None
    if wanted != FROM_ENVIRONMENT:
        user, colon, password = os.environ.get(CREDENTIALS, "").partition(":")
        hide_password(user, password)
        return Proxy(wanted, (user, password) if colon else None)
    parts = urlsplit(url)
    found = getproxies_environment()
    if proxy_bypass_environment(parts.netloc, found):
        return None
    text = found.get(parts.scheme) or found.get("all")
    return None if text is None else _of_environment(text)


def _of_environment(text: str) -> Proxy:
    whole = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(whole)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            "--proxy env: HTTPS_PROXY or HTTP_PROXY is no URL like http://proxy.example:3128"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    hide_password(*(auth or ("", "")))
    return Proxy(f"{parts.scheme}://{host}{port}", auth)


def told(urls: Sequence[str], wanted: str | None) -> str:
    """The proxies of all URLs in a few words; "" where ``--proxy`` was not given."""
    if wanted is None:
        return ""
    found = {url: proxy_for(url, wanted) for url in urls}
    names = dict.fromkeys("none" if proxy is None else proxy.url for proxy in found.values())
    return ", ".join(names) or "none"
