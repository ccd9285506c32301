"""Packages with entry points, as pip leaves them in a folder of installed packages."""

from __future__ import annotations

from pathlib import Path


def install(site: Path, package: str, group: str, entries: str, **modules: str) -> None:
    """A distribution with entry points of one group, and the source of its modules."""
    info = site / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tailrace.{group}]\n{entries}\n")
    for name, source in modules.items():
        (site / f"{name}.py").write_text(source, encoding="utf-8")
