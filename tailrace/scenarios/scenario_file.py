"""Scenario files: what a file of keys says, checked, with the line of each. Pure.

Besides the keys there are ``levels``, a list of loads each with its own bounds, and ``phases``, the
rates of one level one after another. Both come down to what the options can say, so a file can do
nothing that a command line cannot be shown to mean.

Rule: a message names the file, the line and the key, and says what would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tailrace.errors import UsageError
from tailrace.scenarios.keys import Key, decimal, nearest, shown
from tailrace.scenarios.located import Located, Path

LEVEL_NAMES = (
    *("concurrency", "rate", "replay", "trace", "arrival", "burstiness"),
    *("trace-format", "time-scale", "window", "max-in-flight", "when-full", "think-time"),
    *("duration", "requests", "warmup"),
)
"""Keys that a level may have of its own, where there are such options."""
LOADS = ("concurrency", "rate", "replay", "trace")
"""Keys that make a level's load; each level has one."""

_TIME = Key(
    "duration", "text", "How long the phase lasts.", forms=frozenset({"number"}), hint="TIME"
)
_PER_S: dict[str, Any] = {"kind": "number", "least": 0.0}
PHASE_KEYS: Mapping[str, Key] = {
    "rate": Key(
        "rate",
        "text",
        "Requests started per second, all along.",
        forms=frozenset({"number"}),
        hint="RATE",
    ),
    "from": Key("from", about="Requests per second at the beginning of a ramp.", **_PER_S),
    "to": Key("to", about="Requests per second at the end of a ramp.", **_PER_S),
    "steps": Key("steps", "integer", "Climb in this many steps.", least=2, most=1000),
    "duration": _TIME,
}


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """A file that was read: values by key, and levels likewise."""

    located: Located
    root: Path
    values: dict[str, Any] = field(default_factory=dict)
    levels: tuple[dict[str, Any], ...] = ()
    spelling: dict[str, Path] = field(default_factory=dict)
    """Where each key stands, as it is written."""
    level_paths: tuple[Path, ...] = ()

    def where(self, name: str) -> str:
        """``file line 3`` of a key."""
        return self.located.where(*self.spelling.get(name, self.root))

    def level_where(self, index: int, names: tuple[str, ...] = ()) -> str:
        """``file line 9`` of the first of these keys that a level has, or of the level."""
        path = self.level_paths[index]
        lines = self.located.lines
        for name in names:
            for spelled in (name, name.replace("-", "_")):
                if (*path, spelled) in lines:
                    return self.located.where(*path, spelled)
        return self.located.where(*path)


def scenario_file(located: Located, keys: Mapping[str, Key]) -> ScenarioFile:
    """What the file says; raises UsageError with the file, the line and the key."""
    data, root = _table(located)
    values: dict[str, Any] = {}
    spelling: dict[str, Path] = {}
    own = (*keys, "levels", "phases")
    for written, value in data.items():
        name, path = _name(written), (*root, str(written))
        if written == "$schema":
            continue
        if name not in own:
            raise UsageError(
                _unknown(
                    located, path, str(written), own, "`tailrace schema` lists those there are"
                )
            )
        if name in spelling:
            raise UsageError(f"{located.where(*path)}: {name!r} stands twice; keep one of them")
        spelling[name] = path
        if name in keys:
            values[name] = _value(located, path, keys[name], value, str(written))
    levels, paths = _levels(located, data, spelling, keys)
    _one_load(located, spelling)
    return ScenarioFile(located, root, values, levels, spelling, paths)


def _table(located: Located) -> tuple[dict[Any, Any], Path]:
    """The keys, which may stand under one table ``run``."""
    data: Any = {} if located.data is None else located.data
    if isinstance(data, dict) and set(data) == {"run"} and isinstance(data["run"], dict):
        return data["run"], ("run",)
    if not isinstance(data, dict):
        raise UsageError(
            f"{located.where()}: a scenario file is a table of keys like model and rate, "
            f"not {shown(data)}"
        )
    return data, ()


def _name(written: Any) -> str:
    return str(written).replace("_", "-")


def _unknown(located: Located, at: Path, called: str, known: tuple[str, ...], others: str) -> str:
    guess = nearest(_name(at[-1]), known)
    return f"{located.where(*at)}: unknown key {called!r}{guess or '; ' + others}"


def _value(located: Located, path: Path, key: Key, value: Any, called: str) -> Any:
    try:
        return key.read(value)
    except ValueError:
        close = nearest(value, key.choices) if isinstance(value, str) and key.choices else ""
        raise UsageError(
            f"{located.where(*path)}: {called!r} is {shown(value)}; it takes {key.takes}{close}"
        ) from None


def _levels(
    located: Located, data: Mapping[Any, Any], spelling: Mapping[str, Path], keys: Mapping[str, Key]
) -> tuple[tuple[dict[str, Any], ...], tuple[Path, ...]]:
    if "phases" in spelling:
        path = spelling["phases"]
        return ({"rate": _phases(located, path, data[path[-1]])},), (path,)
    if "levels" not in spelling:
        return (), ()
    path = spelling["levels"]
    tables = list(_tables(located, path, data[path[-1]], "a level, like {concurrency = 4}"))
    return (
        tuple(_level(located, at, table, keys) for at, table in tables),
        tuple(at for at, _ in tables),
    )


def _tables(located: Located, path: Path, value: Any, what: str) -> Iterator[tuple[Path, Any]]:
    """The tables of a list, each with its path; raises UsageError for anything else."""
    if not isinstance(value, list) or not value:
        raise UsageError(
            f"{located.where(*path)}: {path[-1]!r} is {shown(value)}; it takes a list of tables, "
            f"each {what}"
        )
    for index, table in enumerate(value):
        if not isinstance(table, dict):
            raise UsageError(
                f"{located.where(*path, index)}: '{path[-1]}[{index + 1}]' is {shown(table)}; it "
                f"takes {what}"
            )
        yield (*path, index), table


def _level(located: Located, path: Path, table: Any, keys: Mapping[str, Key]) -> dict[str, Any]:
    known = (*(name for name in LEVEL_NAMES if name in keys), "phases")
    called = f"levels[{int(path[-1]) + 1}]"
    values: dict[str, Any] = {}
    for written, value in table.items():
        name, at = _name(written), (*path, str(written))
        if name not in known:
            raise UsageError(_unknown(located, at, f"{called}.{written}", known, _listed(known)))
        if name == "phases":
            values["rate"] = _phases(located, at, value)
        else:
            values[name] = _value(located, at, keys[name], value, f"{called}.{written}")
    choice = [name for name in (*LOADS, "phases") if name in known]
    loads = [name for name in choice if _has(table, name)]
    if len(loads) != 1:
        found = " and ".join(loads) or "no load"
        raise UsageError(
            f"{located.where(*path)}: {called!r} has {found}; give it one of "
            f"{', '.join(choice[:-1])} or {choice[-1]}"
        )
    return values


def _listed(known: tuple[str, ...]) -> str:
    return f"it takes {', '.join(known)}"


def _has(table: Mapping[Any, Any], name: str) -> bool:
    return any(_name(written) == name for written in table)


def _phases(located: Located, path: Path, value: Any) -> str:
    """Phases as ``--rate`` writes them."""
    what = "a phase, like {rate = 10, duration = '30s'}"
    return "; ".join(
        _phase(located, at, table) for at, table in _tables(located, path, value, what)
    )


def _phase(located: Located, path: Path, table: Mapping[Any, Any]) -> str:
    called = f"{path[-2]}[{int(path[-1]) + 1}]"
    values: dict[str, Any] = {}
    for written, value in table.items():
        at = (*path, str(written))
        if str(written) not in PHASE_KEYS:
            known = tuple(PHASE_KEYS)
            raise UsageError(_unknown(located, at, f"{called}.{written}", known, _listed(known)))
        key = PHASE_KEYS[str(written)]
        values[key.name] = _value(located, at, key, value, f"{called}.{written}")
    lasts = values.get("duration")
    if set(values) <= {"rate", "duration"} and "rate" in values and "," not in values["rate"]:
        return f"{values['rate']} for {lasts}" if lasts else str(values["rate"])
    if {"from", "to", "duration"} <= set(values) and "rate" not in values:
        steps = f" in {values['steps']} steps" if "steps" in values else ""
        return f"{decimal(values['from'])}..{decimal(values['to'])}{steps} over {lasts}"
    raise UsageError(
        f"{located.where(*path)}: {called!r} is neither a rate, like {{rate = 10, duration = "
        "'30s'}, nor a ramp, like {from = 1, to = 10, duration = '30s'}"
    )


def _one_load(located: Located, spelling: Mapping[str, Path]) -> None:
    given = [name for name in (*LOADS, "levels", "phases") if name in spelling]
    if len(given) > 1:
        raise UsageError(
            f"{located.where(*spelling[given[1]])}: {given[0]!r} and {given[1]!r} exclude each "
            "other; keep one of them"
        )
