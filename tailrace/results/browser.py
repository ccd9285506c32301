"""The machine's own Chromium, driven by Playwright, for what only a browser can draw.

Rule: none is downloaded. ``BROWSER_PATH`` names one; else it is looked for on the PATH, then where
Chrome and Edge are installed. It opens files of this machine only, whose own policy forbids them to
fetch anything. ``playwright`` is imported when a browser is started.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tailrace.errors import ResultError, UsageError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType, Error

VARIABLE = "BROWSER_PATH"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_CHANNELS = ("chrome", "msedge")
"""As Playwright calls browsers that are installed where their makers put them."""


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """One that is running; UsageError where there is none, or the extra ``charts`` is missing.

    What fails in it inside the block is a ResultError.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise UsageError(
            "`tailrace charts` needs Playwright, which is not installed: "
            "pip install 'tailrace[charts]'"
        ) from None
    with sync_playwright() as driver:
        started = _started(driver.chromium)
        try:
            yield started
        except Error as exc:
            raise ResultError(f"the browser does not draw the charts: {_told(exc)}") from None
        finally:
            started.close()


def _started(chromium: BrowserType) -> Browser:
    from playwright.sync_api import Error

    said = ""
    for choice in _choices():
        try:
            return chromium.launch(**choice)
        except Error as exc:
            said = said or _told(exc)
    named = os.environ.get(VARIABLE)
    if named:
        raise UsageError(f"{VARIABLE} names {named!r}, which does not start: {said}")
    raise UsageError(
        "no Chromium, Chrome or Edge starts on this machine: install one, or name its program "
        f"in the variable {VARIABLE}"
    )


def _told(exc: Error) -> str:
    return exc.message.strip().splitlines()[0]


def _choices() -> list[dict[str, Any]]:
    named = os.environ.get(VARIABLE)
    if named:
        return [{"executable_path": named}]
    found = (path for name in _NAMES if (path := shutil.which(name)))
    paths = [{"executable_path": path} for path in found]
    return [*paths, *({"channel": channel} for channel in _CHANNELS)]
