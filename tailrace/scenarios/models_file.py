"""Models file: the queue of a run as JSON, YAML or TOML. Pure: text's data in, entries out.

    {"small": {"model": "qwen2.5-0.5b", "size_mb": 398, "serve": ["llama-server", …]}, …}

or a list of ids, or a list of such objects with an ``alias`` or ``model``. The order of the file is
the order of the queue. Keys that are not known here are kept as tags; those that are known are
checked, and a message names the file, the line and the field.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from tailrace.errors import UsageError
from tailrace.scenarios import parse
from tailrace.scenarios.adapters import adapter_name, plain_secret
from tailrace.scenarios.located import Located, Path
from tailrace.scenarios.model_entry import PORT, READY_S, ModelEntry, filled_in, variables
from tailrace.scenarios.model_fields import CHECKS, SECRET, plain, secret_in, shown

Headers = tuple[tuple[str, str], ...]


class Models(NamedTuple):
    """The queue, and what is secret of it."""

    entries: tuple[ModelEntry, ...]
    headers: dict[str, Headers]
    """By alias; only of models that have some."""


def models_of(file: Located, environment: Mapping[str, str]) -> Models:
    """The models of a file, in its order; raises UsageError naming line and field."""
    read = [_Reader(file, path, alias, table) for path, alias, table in _tables(file)]
    if not read:
        raise UsageError(f"{file.name} names no model; write one like {_EXAMPLE}")
    seen: dict[str, str] = {}
    for each in read:
        if each.alias in seen:
            raise UsageError(
                f"{file.where(*each.path)}: model {each.alias!r} stands twice (first at "
                f"{seen[each.alias]}); give one of them another alias"
            )
        seen[each.alias] = file.where(*each.path).removeprefix(f"{file.name} ")
    entries = tuple(each.entry(environment) for each in read)
    headers = {each.alias: found for each in read if (found := each.headers(environment))}
    return Models(entries, headers)


_EXAMPLE = '{"small": {"model": "qwen2.5-0.5b"}}'
_SEND = 'send it as "headers": {"Authorization": "Bearer ${NAME}"}'


def _tables(file: Located) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """(path, alias, fields) of each model."""
    data: Any = file.data
    path: Path = ()
    if isinstance(data, dict) and list(data) == ["models"]:
        data, path = data["models"], ("models",)
    if isinstance(data, dict):
        for alias, table in data.items():
            if not isinstance(table, dict):
                raise UsageError(
                    f"{file.where(*path, str(alias))}: model {str(alias)!r} must be an object of "
                    f"fields like {_EXAMPLE}, not {shown(table)}"
                )
            yield (*path, str(alias)), str(alias), table
    elif isinstance(data, list):
        for index, table in enumerate(data):
            yield (*path, index), _alias(file, (*path, index), table), _fields(table)
    else:
        raise UsageError(f"{file.where(*path)}: models are an object like {_EXAMPLE}, or a list")


def _fields(table: Any) -> dict[str, Any]:
    return table if isinstance(table, dict) else {}


def _alias(file: Located, path: Path, table: Any) -> str:
    named = table.get("alias", table.get("model")) if isinstance(table, dict) else table
    if isinstance(named, str) and named.strip():
        return named
    raise UsageError(
        f"{file.where(*path)}: a model in a list is its id, or an object with an 'alias' or a "
        f"'model', not {shown(table)}"
    )


class _Reader:
    """One model's fields on their way to an entry."""

    def __init__(self, file: Located, path: Path, alias: str, table: dict[str, Any]) -> None:
        self.path = path
        self.alias = alias
        self._file = file
        self._table = {str(key): plain(value) for key, value in table.items()}
        if not alias.strip():
            raise UsageError(f"{file.where(*path)}: a model's alias must not be empty")

    def entry(self, environment: Mapping[str, str]) -> ModelEntry:
        table = self._table
        self._check_values()
        serve, url = self._serve(environment), self._url()
        self._check_together(serve, url)
        weights, options = self._of_adapter()
        names = tuple(table.get("headers", {}))
        return ModelEntry(
            alias=self.alias,
            model=table.get("model", self.alias),
            url=url,
            dialect=table.get("dialect"),
            serve=serve,
            ready=table.get("ready"),
            ready_s=float(table.get("ready_s", READY_S)),
            adapter=table.get("adapter"),
            weights=weights,
            options=options,
            header_names=names,
            server=table.get("server"),
            keep_loaded=table.get("keep_loaded", False),
            auth=table.get("auth"),
            extra_body=table.get("extra_body", {}),
            tags=table | ({"headers": list(names)} if names else {}),
        )

    def _check_values(self) -> None:
        for name, value in self._table.items():
            if name in CHECKS and not CHECKS[name][0](value):
                self._fail(name, f"must be {CHECKS[name][1]}, not {_told(name, value)}")
            is_option = name == "options" and "adapter" in self._table
            hidden = (plain_secret if is_option else secret_in)(name, value)
            if name != "headers" and hidden:
                mend = f'write "{hidden}": "${{NAME}}"' if is_option else _SEND
                self._fail(
                    name,
                    f"holds what looks like a secret ({hidden}) and would be kept in run.json; "
                    f"{mend}",
                )

    def _check_together(self, serve: tuple[str, ...], url: str | None) -> None:
        table = self._table
        if serve and url is None and not any(PORT in part for part in serve):
            self._fail("serve", f"has no {PORT}: put it where the port goes, or add a 'url'")
        if serve and url is not None and any(PORT in part for part in serve):
            self._fail("url", f"and a 'serve' with {PORT} exclude each other; leave one out")
        for own in ("serve", "adapter"):
            if own in table and "server" in table:
                self._fail("server", f"and {own!r} exclude each other; leave one out")
        if "keep_loaded" in table and "server" not in table:
            self._fail("keep_loaded", "is for a model with a 'server'; leave it out")

    def headers(self, environment: Mapping[str, str]) -> Headers:
        """Names and values, ``${NAME}`` filled in."""
        found = []
        for name, value in self._table.get("headers", {}).items():
            try:
                found.append(parse.header(f"{name}: {filled_in(value, environment)}"))
            except KeyError as exc:
                self._unset("headers", exc, name)
            except UsageError:
                self._fail("headers", f"has a header {name!r} that HTTP cannot carry", name)
        return tuple(found)

    def _url(self) -> str | None:
        url = self._table.get("url")
        if url is None:
            return None
        try:
            return parse.base_url(url, "url")
        except UsageError as exc:
            self._fail("url", f"cannot be used: {exc}")

    def _serve(self, environment: Mapping[str, str]) -> tuple[str, ...]:
        given = self._table.get("serve", [])
        try:
            parts = command_parts(given) if isinstance(given, str) else given
        except ValueError as exc:
            self._fail("serve", f"is not a command line: {exc}")
        if "serve" in self._table and not parts:
            self._fail("serve", "is an empty command line; leave it out, or say what to start")
        for before, part in zip(["", *parts], parts, strict=False):
            flag, _, value = part.partition("=") if part.startswith("-") else (before, "", part)
            if SECRET.search(flag) and flag.startswith("-") and value and not variables(value):
                self._fail(
                    "serve",
                    f"has a secret in plain text after {flag}; write ${{NAME}} there and set NAME "
                    "in the environment",
                )
            try:
                filled_in(part, environment)
            except KeyError as exc:
                self._unset("serve", exc)
        return tuple(parts)

    def _of_adapter(self) -> tuple[str | None, dict[str, Any]]:
        """Its weights and options; of a model without an adapter such keys are tags like others."""
        table = self._table
        if "adapter" not in table:
            return None, {}
        try:
            adapter_name(table["adapter"])
        except UsageError:
            self._fail("adapter", f"must be {CHECKS['adapter'][1]}, not {shown(table['adapter'])}")
        for name in ("serve", "url", "headers", "ready"):
            if name in table:
                self._fail(
                    name, "is for a model with a server; an 'adapter' has none: leave it out"
                )
        weights, options = table.get("weights"), table.get("options", {})
        if not (weights is None or isinstance(weights, str)):
            self._fail("weights", f"must be a path, not {shown(weights)}")
        if not isinstance(options, dict):
            self._fail("options", f'must be an object like {{"threads": 4}}, not {shown(options)}')
        return weights, options

    def _unset(self, name: str, exc: KeyError, *more: str) -> NoReturn:
        self._fail(name, f"needs ${{{exc.args[0]}}}, which the environment does not set", *more)

    def _fail(self, name: str, what: str, *more: str) -> NoReturn:
        where = self._file.where(*self.path, name, *more)
        raise UsageError(f"{where}: {name!r} of model {self.alias!r} {what}")


def _told(name: str, value: Any) -> str:
    """A wrong value in a message; of headers only what kind of thing it is."""
    return f"a {type(value).__name__}" if name == "headers" else shown(value)


def command_parts(text: str, windows: bool = sys.platform == "win32") -> list[str]:
    """A command line as a shell would take it apart; on Windows a backslash is part of a path.

    Raises ValueError for a quotation that does not end.
    """
    if not windows:
        return shlex.split(text)
    return [part.strip("\"'") for part in shlex.split(text, posix=False)]


def picked(models: Models, wanted: Sequence[str], name: str) -> Models:
    """Those of some aliases, in the file's order; raises UsageError of one that is not there."""
    known = [entry.alias for entry in models.entries]
    for alias in wanted:
        if alias not in known:
            listed = ", ".join(map(repr, known))
            raise UsageError(f"--model {alias!r} is not in {name}; it has {listed}")
    return models._replace(entries=tuple(e for e in models.entries if e.alias in wanted))
