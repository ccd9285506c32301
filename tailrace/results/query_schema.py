"""Query schema: the SQL columns of a journal's rows, made from Row itself. Pure.

Rule: a field that Row gains is a column at once, with its own type and default, because a journal
leaves out what has its default. Points in time stay nanoseconds since the run's origin.
"""

from __future__ import annotations

import types
import typing
from typing import Any, Literal, NamedTuple, Union

import msgspec

from tailrace.results.schema import Row

RENAMED = {"model": "asked_model"}
"""``model`` is the model whose turn it was, as in every report."""
LEVEL_COLUMNS = (
    ("run", "VARCHAR", "the name given with --run, else that of the run's folder"),
    ("model", "VARCHAR", "the model whose turn it was"),
    ("load", "VARCHAR", "the load level, as in the tables: 8, 50/s; null for the cold request"),
    ("users", "BIGINT", "users of the level; null in an open loop"),
    ("round", "BIGINT", "repetition of the levels, from 1; 0 where there is one"),
)
DERIVED = (
    ("measured", "BOOLEAN", "phase = 'measure' AND NOT retried", "whether reports count it"),
    ("ttft_ns", "BIGINT", "first_output_ns - sent_ns", "sent to the first output"),
    ("e2e_ns", "BIGINT", "last_output_ns - sent_ns", "sent to the last output"),
    ("start_lag_ns", "BIGINT", "sent_ns - intended_ns", "meant to be sent, to sent"),
)
GAPS_TAKE = (
    "run",
    "model",
    "load",
    "users",
    "round",
    "id",
    "stage",
    "phase",
    "outcome",
    "measured",
)
"""What a gap keeps of its request."""
GAP_COLUMNS = (
    (", ".join(GAPS_TAKE), "", "of its request"),
    ("gap_ns", "BIGINT", "from one output-bearing chunk to the next"),
    ("place", "BIGINT", "which gap of its request, from 1"),
)


class Column(NamedTuple):
    """One field of Row in SQL."""

    field: str
    name: str
    type: str
    default: str
    """An SQL literal; NULL where the field may be missing."""


def columns() -> list[Column]:
    """Every field of Row, in its order."""
    hints = typing.get_type_hints(Row)
    return [
        Column(
            field.name,
            RENAMED.get(field.name, field.name),
            _sql_type(hints[field.name]),
            _literal(field),
        )
        for field in msgspec.structs.fields(Row)
    ]


def _sql_type(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        (hint,) = (each for each in arguments if each is not type(None))
        return _sql_type(hint)
    if origin is Literal:
        return "VARCHAR"
    if origin is list:
        return "JSON" if typing.get_origin(arguments[0]) is dict else f"{_sql_type(arguments[0])}[]"
    return {int: "BIGINT", str: "VARCHAR", bool: "BOOLEAN", float: "DOUBLE"}[hint]


def _literal(field: Any) -> str:
    default = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    if default is msgspec.NODEFAULT or default is None:
        return "NULL"
    if isinstance(default, bool):
        return str(default).upper()
    return repr(default)  # numbers, '' and [] are SQL's as well


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
