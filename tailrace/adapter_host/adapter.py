"""Adapter: the user's object, found by its name, loaded, and called. See docs/adapters.md.

Rule: whatever the user's code raises becomes one AdapterError that names the adapter, the method,
the exception's class and its message.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from tailrace.errors import UsageError
from tailrace.plugins import plugin
from tailrace.scenarios.adapters import GROUP, is_place, no_such_adapter


class AdapterError(Exception):
    """The adapter cannot do what it was asked, in one sentence."""


class Adapter:
    """One object with ``load`` and ``generate``; for use on one running loop."""

    def __init__(self, name: str, user: Any) -> None:
        self.name = name
        self._user = user
        self._generate = self._method("generate")
        self._takes = _names_taken(self._generate)
        self.count_tokens = getattr(user, "count_tokens", None)
        """Optional: the number of tokens of a text."""
        self.concurrent = self._concurrent()
        self.is_async = inspect.iscoroutinefunction(self._generate) or inspect.isasyncgenfunction(
            self._generate
        )
        self.pool = ThreadPoolExecutor(self.concurrent or 1, "generate")
        """Where everything of it that is not async runs; one thread, unless it allows more."""

    @classmethod
    def find(cls, name: str) -> Adapter:
        """Import it; a class is called without arguments."""
        with _told(name, "cannot be imported"):
            found = _at_place(name) if is_place(name) else _entry_point(name)
        if inspect.isclass(found):
            with _told(name, "cannot be made: calling the class without arguments failed"):
                found = found()
        return cls(name, found)

    def _method(self, name: str) -> Any:
        found = getattr(self._user, name, None)
        if not callable(found):
            raise AdapterError(f"adapter {self.name!r} has no method {name}; see docs/adapters.md")
        return found

    def _concurrent(self) -> int | None:
        value = getattr(self._user, "concurrent", None)
        if value is not None and (type(value) is not int or value < 1):
            raise AdapterError(
                f"adapter {self.name!r} has concurrent = {value!r}, not a whole number above 0"
            )
        return value

    async def load(self, weights: str | None, options: Mapping[str, Any]) -> None:
        """Call its ``load``, in the thread that generates unless it is async."""
        method = self._method("load")
        with _told(self.name, "failed in load"):
            if inspect.iscoroutinefunction(method):
                await method(weights, **options)
            else:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self.pool, lambda: method(weights, **options))

    def generate(self, prompt: str, params: Mapping[str, Any]) -> Any:
        """Call its ``generate`` with those parameters that it takes."""
        if self._takes is None:
            return self._generate(prompt, **params)
        return self._generate(prompt, **{k: v for k, v in params.items() if k in self._takes})

    @contextmanager
    def told(self, what: str) -> Iterator[None]:
        """Turn what its code raises into an AdapterError."""
        with _told(self.name, what):
            yield


@contextmanager
def _told(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except AdapterError:
        raise
    except (Exception, SystemExit) as exc:
        raise AdapterError(f"adapter {name!r} {what}: {type(exc).__name__}: {exc}") from exc


def _at_place(name: str) -> Any:
    module, _, attributes = name.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found


def _entry_point(name: str) -> Any:
    try:
        return plugin(GROUP, name)
    except KeyError:
        raise AdapterError(no_such_adapter(name)) from None
    except UsageError as exc:
        raise AdapterError(f"adapter {exc}") from exc.__cause__


def _names_taken(function: Any) -> frozenset[str] | None:
    """Names of the keyword arguments of a function; None where it takes any."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return frozenset()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return None
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return frozenset(each.name for each in parameters[1:] if each.kind in by_name)
