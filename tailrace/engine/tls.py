"""TLS: the one context that a run's connections are made with: whom it trusts, what it shows.

Rule: a password of a client key comes from TAILRACE_CLIENT_KEY_PASSWORD and from nowhere else; no
terminal is ever asked for it in the middle of a run. Workers elsewhere are told it with the key.
"""

from __future__ import annotations

import os
import ssl

from tailrace.errors import UsageError
from tailrace.hidden import hide
from tailrace.scenarios.model import Scenario

PASSWORD = "TAILRACE_CLIENT_KEY_PASSWORD"


def context_of(scenario: Scenario) -> ssl.SSLContext | None:
    """None where no URL is https; raises UsageError naming the file that cannot be used."""
    if not any(url.startswith("https") for url in scenario.urls):
        return None
    context = trusting(scenario.ca_file, "--ca-file")
    if scenario.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if scenario.reach.client_cert is not None:
        _show(context, scenario.reach.client_cert, scenario.reach.client_key)
    return context


def trusting(ca_file: str | None, what: str) -> ssl.SSLContext:
    """A context that trusts this file's certificates, or without one the system's.

    Raises UsageError, in which ``what`` says where the file was named.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as exc:  # ssl.SSLError is one
        raise UsageError(
            f"{what} {ca_file!r} cannot be used: {_why(exc)}; it must hold PEM certificates "
            "(-----BEGIN CERTIFICATE-----)"
        ) from None


def password_of(scenario: Scenario) -> str:
    """What a worker on another machine needs beside the client's files; "" without such files."""
    return os.environ.get(PASSWORD, "") if scenario.reach.client_cert is not None else ""


def _show(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    asked = False

    def password() -> str:
        nonlocal asked
        asked = True
        found = os.environ.get(PASSWORD, "")
        hide(found)
        return found

    try:
        context.load_cert_chain(cert, key, password=password)
    except OSError as exc:
        if asked:
            state = "is wrong" if os.environ.get(PASSWORD) else "is not set"
            raise UsageError(
                f"--client-key {key or cert!r} is encrypted, and {PASSWORD} {state}"
            ) from None
        named = f"--client-cert {cert!r}" + (f" with --client-key {key!r}" if key else "")
        hint = "" if key else " and the private key, or name that with --client-key"
        raise UsageError(
            f"{named} cannot be used: {_why(exc)}; the file must hold a PEM certificate{hint}"
        ) from None


def _why(exc: OSError) -> str:
    reason = getattr(exc, "reason", None)
    return str(reason or exc.strerror or exc).replace("_", " ").lower()
