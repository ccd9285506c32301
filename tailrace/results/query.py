"""Query: SQL over the journals of one or more runs, by DuckDB. Reads files, then never again.

Rule: the journals are read into memory and checked line by line as everywhere else; then the door
is closed: no file, no network, no setting can be reached from the SQL, and only what reads is run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tailrace.errors import ResultError, UsageError
from tailrace.results.facts import ModelFacts
from tailrace.results.files import RunFolder, safe_name
from tailrace.results.journal import JOURNAL, JournalReader
from tailrace.results.query_schema import DERIVED, GAPS_TAKE, LEVEL_COLUMNS, columns, quoted

_READS = frozenset({"SELECT", "EXPLAIN", "MULTI"})
_CLOSED = (
    ("python_enable_replacements", "false"),  # else a table could be a variable of this process
    ("enable_external_access", "false"),
    ("lock_configuration", "true"),
)


class Answer(NamedTuple):
    """What a query gave."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]


def query(runs: Mapping[str, Path], sql: str) -> Answer:
    """Ask the runs, by the name that column ``run`` has for each.

    Raises UsageError for SQL that cannot be answered, ResultError for a run that cannot be read.
    """
    duckdb = _duckdb()
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(_create())
        for name, path in runs.items():
            _load(connection, name, path)
        connection.execute(_views())
        for setting, value in _CLOSED:
            connection.execute(f"SET {setting} = {value}")
        statement = _the_one(connection, sql)
        return _answer(connection.execute(statement))
    except duckdb.Error as exc:
        raise UsageError(f"the query cannot be answered: {_told(exc)}") from None
    finally:
        connection.close()


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise UsageError(
            "`tailrace query` needs DuckDB, which is not installed: pip install 'tailrace[query]'"
        ) from None
    return duckdb


def _the_one(connection: Any, sql: str) -> Any:
    """The statement, if it is one that only reads."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise UsageError(f"a query is one statement, here are {len(statements)}")
    kind = statements[0].type.name
    if kind not in _READS:
        raise UsageError(f"a query only reads: SELECT, not {kind}")
    return statements[0]


def _answer(cursor: Any) -> Answer:
    described = cursor.description or []
    names, types = [str(each[0]) for each in described], [str(each[1]) for each in described]
    return Answer(names, types, cursor.fetchall())


def _told(exc: Exception) -> str:
    """The first lines of DuckDB's message as one sentence, without its drawing."""
    lines = [line.strip() for line in str(exc).split("\n\nLINE", 1)[0].splitlines()]
    return "; ".join(line for line in lines if line)


def _create() -> str:
    fields = [f'"{name}" {kind}' for name, kind, _ in LEVEL_COLUMNS]
    fields += [f'"{column.name}" {column.type}' for column in columns()]
    return f"CREATE TABLE rows ({', '.join(fields)})"


def _views() -> str:
    derived = ", ".join(f"CAST({sql} AS {kind}) AS {name}" for name, kind, sql, _ in DERIVED)
    return (
        f"CREATE VIEW requests AS SELECT *, {derived} FROM rows;"
        f"CREATE VIEW gaps AS SELECT {', '.join(GAPS_TAKE)}, unnest(gaps_ns) AS gap_ns,"
        " generate_subscripts(gaps_ns, 1) AS place FROM requests"
    )


def _load(connection: Any, name: str, path: Path) -> None:
    """The rows of every model of a run."""
    folder = RunFolder(path)
    facts = folder.read_facts()
    for model in facts.models:
        journal = path / safe_name(model.folder) / JOURNAL
        reader = JournalReader(journal)
        rows = sum(1 for _ in reader)  # checked here, so that an error names file, line and field
        if rows:
            taken = _insert(connection, name, model, journal)
            if taken != rows:
                raise ResultError(
                    f"{str(journal)!r}: DuckDB reads {taken} of its {rows} lines; a number in it "
                    "does not fit in 64 bits"
                )


def _insert(connection: Any, name: str, model: ModelFacts, journal: Path) -> int:
    known = columns()
    types = ", ".join(f"{quoted(column.field)}: {quoted(column.type)}" for column in known)
    fields = ", ".join(
        f'coalesce("{column.field}", CAST({column.default} AS {column.type}))' for column in known
    )
    pattern = re.sub(r"([*?\[])", r"[\1]", str(journal))  # DuckDB would take them for others
    # A line that its writer's death cut off is no JSON; every other one has just been read.
    source = (
        f"read_json({quoted(pattern)}, format = 'newline_delimited', columns = {{{types}}}, "
        f"ignore_errors = true, maximum_object_size = {max(2**24, 4 * _longest(journal))})"
    )
    taken = connection.execute(
        f"INSERT INTO rows SELECT ?, ?, {_by_stage(model, 'load')}, {_by_stage(model, 'users')}, "
        f"coalesce({_by_stage(model, 'round')}, 0), {fields} FROM {source} WHERE id IS NOT NULL",
        [name, model.model],
    ).fetchone()
    return int(taken[0])


def _longest(journal: Path) -> int:
    with journal.open("rb") as file:
        return max((len(line) for line in file), default=0)


def _by_stage(model: ModelFacts, field: str) -> str:
    """SQL for what the facts say of a row's stage."""
    values: dict[int, str] = {}
    for stage in model.stages:
        value = (stage.load or str(stage.users)) if field == "load" else getattr(stage, field)
        if value is not None:
            values[stage.index] = quoted(value) if isinstance(value, str) else str(value)
    if not values:
        return "NULL"
    cases = " ".join(f"WHEN {index} THEN {value}" for index, value in values.items())
    return f"CASE stage {cases} END"


def named_runs(run: Path | None, named: Mapping[str, Path]) -> dict[str, Path]:
    """Every run by its name; raises UsageError where there is none, or two of one name."""
    found: dict[str, Path] = {}
    if run is not None:
        found[run.resolve().name] = run
    for name, path in named.items():
        if name in found:
            raise UsageError(f"--run: two runs are named {name!r}")
        found[name] = path
    if not found:
        raise ResultError("query takes a run, or --run NAME=PATH for each of several")
    return found
