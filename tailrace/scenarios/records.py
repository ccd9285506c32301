"""Records: the entries of a prompt file as items, whatever the file's format. Pure.

A record is a text, or fields: ``prompt`` or ``messages``, and what else there is to say of it. It
may also be a conversation as ShareGPT has them: its first question is the prompt, and the answer
says how much output to ask for.

Rule: an error names the file, the line or record, the field, and what would do. Fields that are
not ours are left alone, for data sets have many; one that looks like ours misspelt is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from tailrace.errors import UsageError
from tailrace.scenarios.items import Content, Item, Message
from tailrace.scenarios.parse import MOST_TOKENS
from tailrace.scenarios.sharegpt import first_exchange

FIELDS = (
    *("id", "prompt", "messages", "system", "max_tokens", "model", "facets", "tags"),
    *("extra_body", "conversations"),
)
_ALIASES = {"expected_facets": "facets"}
ROLES = ("system", "developer", "user", "assistant", "tool")
_ALIKE = 0.85


class Record(NamedTuple):
    """One entry; ``where`` names file and line, to begin a sentence with."""

    where: str
    value: Any


class Read(NamedTuple):
    """What came of a file."""

    items: list[Item]
    skipped: int
    """Conversations without a question and its answer."""


def read_records(
    records: Iterable[Record],
    file: str,
    column: str | None,
    tokens: Callable[[str], int],
) -> Read:
    """The items of a file's records; ``tokens`` counts those of an answer. Raises UsageError."""
    items: list[Item] = []
    skipped = 0
    taken: dict[str, str] = {}
    for number, record in enumerate(records, 1):
        fields = _fields(record, column)
        item = _item(record.where, fields, str(number), tokens)
        if item is None:
            skipped += 1
            continue
        if item.id in taken:
            raise UsageError(
                f"{record.where}: field 'id' is {item.id!r}, as in {taken[item.id]}; give each "
                "its own"
            )
        taken[item.id] = record.where.removeprefix(file).strip()
        items.append(item)
    if not items:
        why = f": none of its {skipped} conversations has a question and an answer"
        raise UsageError(f"{file} holds no prompts{why if skipped else '; write at least one'}")
    return Read(items, skipped)


def _fields(record: Record, column: str | None) -> Mapping[str, Any]:
    """The record by our names; what is empty is left out."""
    where, value = record
    if isinstance(value, str) and column is None:
        return {"prompt": value}
    if not isinstance(value, Mapping):
        also = "" if column else "a text or "
        raise UsageError(f"{where} is {_kind(value)}; write {also}an object with a 'prompt'")
    found: dict[str, Any] = {}
    for key, entry in value.items():
        name = key if key == column else _ALIASES.get(key, key)
        if name not in FIELDS and name != column:
            alike = get_close_matches(str(key), FIELDS, 1, _ALIKE)
            if alike:
                raise UsageError(f"{where}: field {key!r} is unknown; did you mean {alike[0]!r}?")
        elif entry is not None and entry != "":
            found[str(name)] = entry
    if column is None or column == "prompt":
        return found
    if column not in found:
        raise UsageError(_no_column(where, column, value))
    text = found.pop(column)
    for name in ("prompt", "messages", "conversations"):
        found.pop(name, None)
    return found | {"messages" if isinstance(text, list) else "prompt": text}


def _no_column(where: str, column: str, value: Mapping[str, Any]) -> str:
    if column in value:
        return f"{where}: field {column!r} is empty; give it a prompt or leave the record out"
    return (
        f"{where}: has no field {column!r}, which --prompt-column names; it has "
        f"{', '.join(map(str, value)) or 'none'}"
    )


def _item(
    where: str, fields: Mapping[str, Any], number: str, tokens: Callable[[str], int]
) -> Item | None:
    limit = None if "max_tokens" not in fields else _limit(where, fields["max_tokens"])
    if "conversations" in fields and "prompt" not in fields and "messages" not in fields:
        exchange = first_exchange(where, fields["conversations"])
        if exchange is None:
            return None
        limit = limit or max(1, tokens(exchange.answer))
        fields = {"system": exchange.system, **fields, "prompt": exchange.question}
    return Item(
        id=_id(where, fields.get("id", number)),
        messages=_messages(where, fields),
        max_tokens=limit,
        model=_text(where, "model", fields["model"]) if "model" in fields else None,
        extra=_extra(where, fields.get("extra_body", {})),
        facets=_words(where, "facets", fields.get("facets", ())),
        tags=_words(where, "tags", fields.get("tags", ())),
    )


def _messages(where: str, fields: Mapping[str, Any]) -> tuple[Message, ...]:
    if "prompt" in fields and "messages" in fields:
        raise UsageError(f"{where}: has both 'prompt' and 'messages'; give one of them")
    if "messages" in fields:
        found = _conversation(where, fields["messages"])
    elif "prompt" in fields:
        found = (("user", _text(where, "prompt", fields["prompt"])),)
    else:
        raise UsageError(
            f"{where}: has no prompt; give it a field 'prompt' or 'messages', or name the field "
            "that holds it with --prompt-column"
        )
    if fields.get("system") is None:
        return found
    if any(role == "system" for role, _ in found):
        raise UsageError(f"{where}: has 'system' and a system message; give one of them")
    return (("system", _text(where, "system", fields["system"])), *found)


def _conversation(where: str, value: Any) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise UsageError(
            f"{where}: field 'messages' is {_kind(value)}; write a list of objects with a 'role' "
            "and a 'content'"
        )
    found = []
    for index, message in enumerate(value):
        at = f"{where}: field 'messages[{index}]'"
        if not isinstance(message, Mapping) or message.get("role") not in ROLES:
            raise UsageError(f"{at} has no 'role' of {', '.join(ROLES)}")
        more = [key for key in message if key not in ("role", "content") and message[key]]
        if more:
            raise UsageError(f"{at} has {more[0]!r}, which cannot be sent; leave it out")
        found.append((message["role"], _content(at, message.get("content"))))
    return tuple(found)


def _content(at: str, value: Any) -> Content:
    if isinstance(value, str) and value.strip():
        return value
    parts = value if isinstance(value, list) else []
    if not parts or not all(isinstance(part, dict) and part.get("type") for part in parts):
        raise UsageError(
            f"{at} has no 'content'; write a text, or a list of parts, each with a 'type'"
        )
    return tuple(parts)


def _text(where: str, field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where}: field {field!r} is {_kind(value)}; write a text")
    if not value.strip():
        raise UsageError(f"{where}: field {field!r} is empty; write some text")
    return value


def _id(where: str, value: Any) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
        return str(value)
    raise UsageError(f"{where}: field 'id' is {_kind(value)}; write a text or a number")


def _limit(where: str, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 9:
        value = int(value)
    if type(value) is not int or not 1 <= value <= MOST_TOKENS:
        raise UsageError(
            f"{where}: field 'max_tokens' is {value!r}, not a whole number from 1 to {MOST_TOKENS}"
        )
    return value


def _words(where: str, field: str, value: Any) -> tuple[str, ...]:
    """A list of texts, or one text with ``;`` between them, as a table's cell has it."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(";")]
    if not isinstance(value, Sequence) or not all(isinstance(w, str) and w for w in value):
        raise UsageError(f'{where}: field {field!r} is not a list of texts like ["a", "b"]')
    return tuple(value)


def _extra(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(
            f"{where}: field 'extra_body' is {_kind(value)}; write an object like "
            '{"top_p": 0.9}'
        )
    return value


def _kind(value: Any) -> str:
    """A JSON value by its kind, for a sentence."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    if value is None:
        return "null"
    return names.get(type(value), "a number" if isinstance(value, int | float) else "no text")
