"""A real Chromium, started once a module.

Rule: where there is none these tests are skipped, as no Python package brings one; `.ci/run`
installs it and sets TAILRACE_BROWSER, and then a missing one is a failure. The driver has an event
loop of its own in this thread, so it must be gone before any other test wants one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tailrace.errors import UsageError
from tailrace.results.browser import browser as started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(started())
        except UsageError as exc:
            if os.environ.get("TAILRACE_BROWSER"):
                pytest.fail(str(exc))
            pytest.skip(str(exc))
        yield found
