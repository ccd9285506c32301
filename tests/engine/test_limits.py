"""The limit on open files: raised where it can be, a sentence where it cannot."""

from __future__ import annotations

import sys

import pytest

from tailrace.engine.limits import SPARE_FILES, require_open_files
from tailrace.errors import UsageError

resource = pytest.importorskip("resource")
ENDLESS = resource.RLIM_INFINITY


class FakeLimit:
    """RLIMIT_NOFILE as the test wants it."""

    def __init__(self, soft: int, hard: int) -> None:
        self.now = (soft, hard)
        self.calls: list[tuple[int, int]] = []

    def get(self, which: int) -> tuple[int, int]:
        assert which == resource.RLIMIT_NOFILE
        return self.now

    def set(self, which: int, limits: tuple[int, int]) -> None:
        assert which == resource.RLIMIT_NOFILE
        self.now = limits
        self.calls.append(limits)


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> FakeLimit:
    fake = FakeLimit(1024, 4096)
    monkeypatch.setattr(resource, "getrlimit", fake.get)
    monkeypatch.setattr(resource, "setrlimit", fake.set)
    return fake


@pytest.mark.parametrize(
    ("soft", "hard", "users", "calls"),
    [
        (1024, 4096, 1, []),
        (1024, 4096, 1024 - SPARE_FILES, []),
        (1024, 4096, 1025 - SPARE_FILES, [(1025, 4096)]),
        (1024, 4096, 4096 - SPARE_FILES, [(4096, 4096)]),
        (1024, ENDLESS, 50_000, [(50_000 + SPARE_FILES, ENDLESS)]),
        (ENDLESS, ENDLESS, 50_000, []),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_needed(
    limit: FakeLimit, soft: int, hard: int, users: int, calls: list[tuple[int, int]]
) -> None:
    limit.now = (soft, hard)
    require_open_files(users)
    assert limit.calls == calls


@pytest.mark.parametrize("hard", [4096, 1024])
def test_a_hard_limit_in_the_way_is_said(limit: FakeLimit, hard: int) -> None:
    limit.now = (1024, hard)
    users = hard - SPARE_FILES + 1
    with pytest.raises(UsageError) as caught:
        require_open_files(users)
    message = str(caught.value)
    assert f"{users} users" in message
    assert f"need {hard + 1} open files" in message
    assert f"is {hard}" in message
    assert "ulimit -Hn" in message
    assert limit.calls == []


def test_a_system_without_the_limit_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    require_open_files(10**9)


def test_a_system_that_says_unlimited_and_means_less(
    limit: FakeLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(which: int, limits: tuple[int, int]) -> None:
        raise ValueError("current limit exceeds maximum limit")

    limit.now = (256, ENDLESS)
    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(UsageError, match=r"kern\.maxfilesperproc"):
        require_open_files(50_000)
