"""What the ``foundry`` program prints, in both generations, and the lines a user types."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.foundry_cli import (
    CATALOG_LINE,
    download_line,
    group_of,
    install_line,
    load_line,
    start_line,
    status_of,
    version_of,
)
from tests.foundry_service import NO_SUCH_COMMAND, NOT_RUNNING, ready, running

STALE = (
    "Exception: Request to local service failed. Uri:http://127.0.0.1:54150/openai/status\n"
    "An error occurred while sending the request.\nPlease check service status\n"
)
NOISE = (
    "[22:34:35 ERR] Failed to process model #0 on page 1.\n"
    "🕑 Downloading complete!...\nValid EPs: CPUExecutionProvider\n"
)

NAMED = {
    "0.8": (running("http://127.0.0.1:51995"), "http://127.0.0.1:51995"),
    "0.10": (ready("http://127.0.0.1:52364"), "http://127.0.0.1:52364"),
    "0.10 as JSON": (
        '{"state": "Ready", "webUrls": ["http://127.0.0.1:5273"]}',
        "http://127.0.0.1:5273",
    ),
    "just started": (
        "🟢 Service is Started on http://127.0.0.1:64646/, PID 17000!",
        "http://127.0.0.1:64646",
    ),
    "a full stop after it": (
        "🟢 Service is already running on http://127.0.0.1:58338/.",
        "http://127.0.0.1:58338",
    ),
    "noise before it": (NOISE + running("http://localhost:1234"), "http://localhost:1234"),
    "a page of the documentation before it": (
        "See https://aka.ms/foundry-local\n" + ready("http://127.0.0.1:9"),
        "http://127.0.0.1:9",
    ),
    "all addresses": (ready("http://0.0.0.0:5273"), "http://127.0.0.1:5273"),
    "all addresses of IPv6": (ready("http://[::]:5273"), "http://127.0.0.1:5273"),
    "IPv6": (ready("http://[::1]:5273"), "http://[::1]:5273"),
    "colours": ("\x1b[32mWeb URLs\x1b[0m \x1b[4mhttp://127.0.0.1:7\x1b[0m", "http://127.0.0.1:7"),
    "an old address": (STALE, "http://127.0.0.1:54150"),
    "the first port": ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    "the last port": ("http://127.0.0.1:65535", "http://127.0.0.1:65535"),
    "colours within": ("http://127.0.0.1:\x1b[1m52364\x1b[0m/", "http://127.0.0.1:52364"),
    "Windows line ends": (
        ready("http://127.0.0.1:52364").replace("\n", "\r\n"),
        "http://127.0.0.1:52364",
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_an_address_is_found_in_running_text(name: str) -> None:
    text, url = NAMED[name]
    assert status_of(text) == (url, "")


UNNAMED = {
    "0.8 stopped": (NOT_RUNNING, "says that it is not running"),
    "port 0": ("running on http://127.0.0.1:0/", "names no address"),
    "one port too many": ("running on http://127.0.0.1:65536/", "names no address"),
    "0.10 stopped": ("State    Stopped\n", "says that it is not running"),
    "0.10 stopped, in words": (
        "● Foundry Local server is not running.\n",
        "says that it is not running",
    ),
    "another generation": (NO_SUCH_COMMAND.format("service"), "is not known to this version"),
    "nothing": (" \n", "says nothing"),
    "a crash": ("Unhandled exception.\nat Foo.Bar()\n", "names no address (Unhandled exception.)"),
    "a port that is none": ("running on http://127.0.0.1:99999/", "names no address"),
    "no port": ("running on http://127.0.0.1/", "names no address"),
    "garbage": ("\x00\x07\ufffd\ufffd", "names no address (??"),
}


@pytest.mark.parametrize("name", UNNAMED)
def test_without_an_address_it_is_said_why(name: str) -> None:
    text, words = UNNAMED[name]
    status = status_of(text)
    assert status.url is None
    assert status.why.startswith(words)


@given(st.text())
def test_no_text_breaks_it_and_what_is_quoted_can_be_printed(text: str) -> None:
    status = status_of(text)
    assert (status.url is None) == bool(status.why)
    assert status.why.isprintable()
    version_of(text)


@pytest.mark.parametrize(
    ("text", "version", "group"),
    [
        ("0.8.119\n", (0, 8), "service"),
        ("0.3.9267.43123", (0, 3), "service"),
        ("Foundry Local CLI 0.10.2+5f3a", (0, 10), "server"),
        ("foundry version 1.2.0", (1, 2), "server"),
        ("\x1b[1m0\x1b[0m.9", (0, 9), "service"),
        ("no number", None, None),
        ("", None, None),
    ],
)
def test_the_version_says_which_words_it_takes(
    text: str, version: tuple[int, int] | None, group: str | None
) -> None:
    assert version_of(text) == version
    assert group_of(version) == group


def test_the_lines_are_those_of_the_version() -> None:
    assert start_line((0, 8)) == "`foundry service start`"
    assert start_line((0, 10)) == "`foundry server start`"
    both = start_line(None)
    assert "`foundry server start`" in both
    assert "`foundry service start`" in both
    assert install_line("win32") == "`winget install Microsoft.FoundryLocal`"
    assert install_line("darwin") == "`brew install microsoft/foundrylocal/foundrylocal`"
    assert install_line("linux") is None
    assert download_line("phi") == "`foundry model download phi`"
    assert load_line((0, 8), "phi") == "`foundry model run phi`"
    assert load_line((0, 10), "phi") == load_line(None, "phi") == "`foundry model load phi`"
    assert CATALOG_LINE == "`foundry model list`"
