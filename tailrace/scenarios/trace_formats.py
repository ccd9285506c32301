"""Trace formats: the lines of a file as rows of a trace, one at a time. Pure.

    mooncake   JSON lines {timestamp (ms), input_length, output_length, hash_ids}
    azure      CSV TIMESTAMP,ContextTokens,GeneratedTokens
    burstgpt   CSV Timestamp,Model,Request tokens,Response tokens,...
    tailrace   the requests.jsonl of an earlier run

Rule: a line that cannot be read is an error that names file, line, field and what would do; a line
that can, and is no request to be sent again (one that failed in BurstGPT, a cold request of ours),
is a Skip with its reason, which is counted and said. Nothing is guessed and nothing is left out in
silence.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import orjson

from tailrace.errors import UsageError
from tailrace.scenarios.parse import MOST_TOKENS
from tailrace.scenarios.traces import FormatName, Skip, TraceRow

BLOCK_TOKENS = 512
"""Tokens in a block of a Mooncake trace."""
MOST_S = 1e11
"""Latest time of a row, in seconds: a few thousand years, so Unix times in seconds fit."""

Line = tuple[int, str]
"""Its number, from 1, and its text."""
Reader = Callable[[Iterable[Line], str], Iterator[TraceRow | Skip]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def detect(first: str, where: str) -> FormatName:
    """Which format a file is of that begins with this line."""
    names = {name.strip().lower() for name in first.split(",")}
    if {"timestamp", "contexttokens", "generatedtokens"} <= names:
        return "azure"
    if {"timestamp", "request tokens", "response tokens"} <= names:
        return "burstgpt"
    try:
        value = orjson.loads(first)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict) and "input_length" in value:
        return "mooncake"
    if isinstance(value, dict) and "intended_ns" in value:
        return "tailrace"
    raise UsageError(
        f"{where} line 1 is of no trace format that is known (Mooncake JSON lines, Azure CSV, "
        "BurstGPT CSV, tailrace requests.jsonl); name the format with --trace-format"
    )


def mooncake(lines: Iterable[Line], where: str) -> Iterator[TraceRow | Skip]:
    """JSON lines; the hash ids say which blocks of 512 tokens two prompts have in common."""
    for number, at, value in _json_lines(lines, where):
        input_tokens = _tokens(value, "input_length", at)
        output_tokens = _tokens(value, "output_length", at)
        at_ns = round(_number(value, "timestamp", at, "milliseconds", MOST_S * 1e3) * 1e6)
        if skip := _nothing(number, input_tokens, output_tokens):
            yield skip
            continue
        blocks = _blocks(value.get("hash_ids"), input_tokens, at)
        yield TraceRow(at_ns, number, input_tokens, output_tokens, blocks)


def azure(lines: Iterable[Line], where: str) -> Iterator[TraceRow | Skip]:
    """The CSV of the Azure LLM inference traces, 2023 and 2024."""
    return _table(lines, where, ("TIMESTAMP", "ContextTokens", "GeneratedTokens"), _moment_ns)


def burstgpt(lines: Iterable[Line], where: str) -> Iterator[TraceRow | Skip]:
    """The CSV of BurstGPT; its rows with 0 response tokens are requests that failed."""
    return _table(lines, where, ("Timestamp", "Request tokens", "Response tokens"), _seconds_ns)


def tailrace(lines: Iterable[Line], where: str) -> Iterator[TraceRow | Skip]:
    """A journal: every measured request at its intended time, those that failed as well.

    One that failed has no counts; its prompt, or what it says of its input, is asked again.
    """
    for number, at, value in _json_lines(lines, where):
        if value.get("phase") not in ("cold", "warmup", "measure"):
            _wrong(at, "phase", value.get("phase"), "cold, warmup or measure")
        if value["phase"] != "measure":
            yield Skip(number, f"not measured but {value['phase']}")
            continue
        if value.get("retried"):
            yield Skip(number, "an attempt that was followed by another")
            continue
        at_ns = value.get("intended_ns")
        if type(at_ns) is not int or abs(at_ns) > 2**62:
            _wrong(at, "intended_ns", at_ns, "a whole number of nanoseconds")
        input_tokens = _tokens_or_none(value, "input_tokens", at)
        output_tokens = _tokens_or_none(value, "output_tokens", at)
        prompt = value.get("prompt", "")
        if type(prompt) is not str:
            _wrong(at, "prompt", prompt, "a text")
        if input_tokens is None and not prompt:
            yield Skip(number, "neither its input tokens nor its prompt is known")
            continue
        yield TraceRow(at_ns, number, input_tokens, output_tokens or None, (), prompt)


READERS: dict[FormatName, Reader] = {
    "mooncake": mooncake,
    "azure": azure,
    "burstgpt": burstgpt,
    "tailrace": tailrace,
}


def _nothing(number: int, input_tokens: int, output_tokens: int) -> Skip | None:
    if not output_tokens:
        return Skip(number, "failed: 0 output tokens")
    return None if input_tokens else Skip(number, "0 input tokens")


def _table(
    lines: Iterable[Line],
    where: str,
    wanted: tuple[str, str, str],
    ns_of: Callable[[str, str], int],
) -> Iterator[TraceRow | Skip]:
    """The rows of a CSV with these columns: time, which ``ns_of`` reads, and both token counts."""
    time, asked, answered = (f"field {name}" for name in wanted)
    for number, (when, before, after) in _csv(lines, where, wanted):
        at = f"{where} line {number}"
        at_ns = ns_of(when, f"{at}: {time}")
        input_tokens = _whole(before, f"{at}: {asked}")
        output_tokens = _whole(after, f"{at}: {answered}")
        yield _nothing(number, input_tokens, output_tokens) or TraceRow(
            at_ns, number, input_tokens, output_tokens
        )


def _csv(
    lines: Iterable[Line], where: str, wanted: tuple[str, ...]
) -> Iterator[tuple[int, list[str]]]:
    """The wanted columns of each row, by the names in the first line, and the row's line."""
    number = 0

    def texts() -> Iterator[str]:
        nonlocal number
        for line in lines:
            number = line[0]
            yield line[1]

    rows = csv.reader(texts(), strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        for name in wanted:
            if name.lower() not in header:
                raise UsageError(
                    f"{where} line 1: there is no column {name!r}; the header must name "
                    f"{', '.join(wanted)}"
                )
        places = [header.index(name.lower()) for name in wanted]
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise UsageError(
                    f"{where} line {number}: {len(row)} fields where the header names "
                    f"{len(header)}; mend the line or leave it out"
                )
            yield number, [row[place].strip() for place in places]
    except csv.Error as exc:
        raise UsageError(f"{where} line {number}: not CSV: {exc}; mend the line") from None


def _json_lines(lines: Iterable[Line], where: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The line, how an error names it, and the object on it; blank lines are passed over."""
    for number, text in lines:
        if text.strip():
            at = f"{where} line {number}"
            yield number, at, _json_object(text, at)


def _json_object(text: str, at: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise UsageError(f"{at} is not JSON: {exc}; a line holds one object") from None
    if not isinstance(value, dict):
        raise UsageError(f"{at} is no JSON object but {_shown(value)}; a line holds one object")
    return value


def _tokens(value: dict[str, Any], name: str, at: str) -> int:
    tokens = value.get(name)
    if type(tokens) is not int or not 0 <= tokens <= MOST_TOKENS:
        _wrong(at, name, tokens, f"a whole number from 0 to {MOST_TOKENS:,}", name not in value)
    return tokens


def _tokens_or_none(value: dict[str, Any], name: str, at: str) -> int | None:
    return None if value.get(name) is None else _tokens(value, name, at)


def _number(value: dict[str, Any], name: str, at: str, unit: str, most: float) -> float:
    found = value.get(name)
    if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found <= most:
        _wrong(at, name, found, f"a number of {unit}, not below 0", name not in value)
    return float(found)


def _blocks(ids: Any, input_tokens: int, at: str) -> tuple[int, ...]:
    """Hash ids, one for each block of the input; the last block may be a part, or have none."""
    if ids is None:
        return ()
    if not isinstance(ids, list) or not all(type(one) is int for one in ids):
        _wrong(at, "hash_ids", ids, "a list of whole numbers")
    whole = input_tokens // BLOCK_TOKENS
    if len(ids) not in (whole, -(-input_tokens // BLOCK_TOKENS)):
        raise UsageError(
            f"{at}: field hash_ids has {len(ids)} ids, but input_length {input_tokens} is "
            f"{input_tokens / BLOCK_TOKENS:.1f} blocks of {BLOCK_TOKENS} tokens; give an id for "
            "each block, or leave hash_ids out"
        )
    return tuple(ids)


def _moment_ns(text: str, at: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{at} {text[:40]!r} is not a time like 2023-11-16 18:15:46.6805900; write it so"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND * 1000


def _seconds_ns(text: str, at: str) -> int:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= MOST_S:
        raise UsageError(f"{at} {text[:40]!r} is not a number of seconds, not below 0; mend it")
    return round(found * 1e9)


def _whole(text: str, at: str) -> int:
    """A count, also where a spreadsheet made ``472.0`` of it."""
    digits = text.removesuffix(".0")
    tokens = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else -1
    if not 0 <= tokens <= MOST_TOKENS:
        raise UsageError(
            f"{at} {text[:40]!r} is not a whole number from 0 to {MOST_TOKENS:,}; mend it"
        )
    return tokens


def _wrong(at: str, name: str, found: Any, wanted: str, missing: bool = False) -> NoReturn:
    if missing:
        raise UsageError(f"{at}: field {name} is missing; it must be {wanted}")
    raise UsageError(f"{at}: field {name} is {_shown(found)}; it must be {wanted}")


def _shown(value: Any) -> str:
    text = orjson.dumps(value, default=str).decode(errors="replace")
    return text if len(text) <= 60 else text[:60] + "…"
