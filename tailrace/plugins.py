"""Plugins: what other installed packages add to tailrace, found by their entry points.

Groups: ``tailrace.dialects``, ``tailrace.adapters``, ``tailrace.datasets``,
``tailrace.exporters``. The name of an entry point is what the user writes; what it points to is
documented in ``docs/plugins.md``.
Rule: nothing is imported but the one that was asked for, so a broken plugin hurts only its users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tailrace.errors import UsageError

if TYPE_CHECKING:  # it loads e-mail, archives and more, which no start needs
    from importlib.metadata import EntryPoint

Group = Literal["tailrace.dialects", "tailrace.adapters", "tailrace.datasets", "tailrace.exporters"]


def plugin_names(group: Group) -> list[str]:
    """The names that installed packages add to a group, sorted."""
    from importlib.metadata import entry_points

    return sorted({each.name for each in entry_points(group=group)})


def plugin(group: Group, name: str) -> Any:
    """What the entry point of this name points to, imported.

    Raises KeyError when no package has it, and UsageError, which names the package, when two have
    it or its import fails.
    """
    from importlib.metadata import entry_points

    found = tuple(entry_points(group=group, name=name))
    if not found:
        raise KeyError(name)
    if len({each.value for each in found}) > 1:
        packages = " and ".join(sorted(map(_package, found)))
        raise UsageError(f"{name!r} of {group} is in {packages}; uninstall all but one")
    try:
        return found[0].load()
    except Exception as exc:  # whatever the plugin's own import raises
        raise UsageError(
            f"{name!r} of {group}, from {_package(found[0])}, cannot be loaded: "
            f"{type(exc).__name__}: {exc}"
        ) from exc


def package_of(group: Group, name: str) -> str:
    """The package that has the name, for a message; raises KeyError when no package has it."""
    from importlib.metadata import entry_points

    return _package(entry_points(group=group)[name])


def _package(point: EntryPoint) -> str:
    return "an unnamed package" if point.dist is None else point.dist.name
