"""Plugins: found by entry points of what is installed, loaded one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.errors import UsageError
from tailrace.plugins import plugin, plugin_names


def install(site: Path, package: str, entries: str) -> None:
    """A distribution as pip leaves it, which has nothing but entry points."""
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tailrace.dialects]\n{entries}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_names_and_what_they_point_to(site: Path) -> None:
    install(site, "some-pack", "zulu = json:loads\nalpha = json:dumps")
    install(site, "broken-pack", "broken = no_such_module:Nothing")
    import json

    assert plugin_names("tailrace.dialects") == ["alpha", "broken", "zulu"]
    assert plugin("tailrace.dialects", "zulu") is json.loads
    assert plugin_names("tailrace.adapters") == []


def test_one_that_nobody_has_is_a_key_error(site: Path) -> None:
    with pytest.raises(KeyError, match="nobody"):
        plugin("tailrace.dialects", "nobody")


@pytest.mark.parametrize("entries", ["broken = no_such_module:X", "broken = json:no_such_name"])
def test_one_that_cannot_be_loaded_names_its_package(site: Path, entries: str) -> None:
    install(site, "broken-pack", entries)
    with pytest.raises(
        UsageError, match=r"from broken-pack, cannot be loaded: \w+Error: .*no_such"
    ):
        plugin("tailrace.dialects", "broken")


def test_two_packages_with_one_name_are_refused(site: Path) -> None:
    install(site, "one-pack", "same = json:loads")
    install(site, "other-pack", "same = json:dumps")
    with pytest.raises(UsageError, match="one-pack and other-pack; uninstall all but one"):
        plugin("tailrace.dialects", "same")
