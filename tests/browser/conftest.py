"""A real Chromium, started once a module.

Rule: where there is none these tests are skipped, as no Python package brings one; `.ci/run`
installs it and sets TAILRACE_BROWSER, and then a missing one is a failure. The driver has an event
loop of its own in this thread, so it must be gone before any other test wants one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        how = "no Chromium here: apt-get install chromium, or another package of it"
        if os.environ.get("TAILRACE_BROWSER"):
            pytest.fail(how)
        pytest.skip(how)
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()
