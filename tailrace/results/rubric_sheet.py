"""The annotation sheet: ``rubric/annotations.csv``, which people fill in with scores. Pure.

Rule: what people wrote is theirs. A row that exists is kept byte for byte, whatever program saved
it (commas, semicolons or tabs; any line ends), and new rows go below. Only the last cell, `state`,
is ours: a row whose answer is no longer the text that was scored says ``stale`` there, and counts
for nothing.

No cell can become a formula: text that begins like one gets an apostrophe in front, text that
begins with an apostrophe another one, and reading takes one away. Digests have a word in front, so
that no spreadsheet takes one for a number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from tailrace.errors import ResultError
from tailrace.results.render.summary_csv import BOM, guarded
from tailrace.results.render.text import safe_text

BEFORE = ("model", "prompt", "request", "text")
AFTER = ("note", "annotator", "text_sha256", "state")
STALE = "stale"
DOES_NOT_APPLY = "n/a"
TEXT_CHARS = 1_500
_DELIMITERS = ",;\t"
_LARGEST_FIELD = 10_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer that is to be scored."""

    model: str
    request: str
    prompt: str
    text: str
    facets: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Of the whole text."""
        return digest(self.text)

    @property
    def key(self) -> tuple[str, str, str]:
        """Model, request, digest."""
        return self.model, self.request, self.digest


@dataclass(frozen=True, slots=True)
class Annotation:
    """One row as people filled it in."""

    line: int
    model: str
    prompt: str
    request: str
    text_sha256: str
    annotator: str
    note: str
    scores: Mapping[str, int]
    state: str
    raw: str = field(repr=False, default="")
    """The row's own characters, line end included."""
    cells: tuple[str, ...] = field(repr=False, default=())

    @property
    def key(self) -> tuple[str, str, str]:
        """Model, request, digest."""
        return self.model, self.request, self.text_sha256


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole annotation file."""

    facets: tuple[str, ...]
    delimiter: str
    header: str
    """The header row's own characters, byte order mark and line end included."""
    body: tuple[Annotation | str, ...]
    """Row by row; an empty one is its own characters."""

    @property
    def rows(self) -> tuple[Annotation, ...]:
        """The rows that are about an answer."""
        return tuple(row for row in self.body if not isinstance(row, str))


def digest(text: str) -> str:
    """``sha256:`` and 32 hexadecimal digits."""
    return "sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def written(samples: Sequence[Sample], facets: Sequence[str]) -> str:
    """A new sheet; write it as UTF-8 with newlines left alone."""
    return BOM + _line((*BEFORE, *facets, *AFTER), ",") + _lines(samples, facets, ",")


def updated(sheet: Sheet, samples: Sequence[Sample], texts: Mapping[tuple[str, str], str]) -> str:
    """The same sheet with rows for samples that had none; ``texts``: (model, request) -> digest."""
    kept = "".join(
        row if isinstance(row, str) else _restated(row, sheet.delimiter, texts)
        for row in sheet.body
    )
    there = {row.key for row in sheet.rows}
    new = [sample for sample in samples if sample.key not in there]
    text = sheet.header + kept
    if new and not text.endswith(("\n", "\r")):
        text += "\r\n"
    return text + _lines(new, sheet.facets, sheet.delimiter)


def is_stale(row: Annotation, texts: Mapping[tuple[str, str], str]) -> bool:
    """Whether the answer is known and is no longer the text that the row was about."""
    now = texts.get((row.model, row.request))
    return now is not None and now != row.text_sha256


def _restated(row: Annotation, delimiter: str, texts: Mapping[tuple[str, str], str]) -> str:
    """The row as it is, but for a state that has changed."""
    state = STALE if is_stale(row, texts) else ""
    if state == row.state:
        return row.raw
    end = row.raw[len(row.raw.rstrip("\r\n")) :] or "\r\n"
    return _line((*row.cells[:-1], state), delimiter).removesuffix("\r\n") + end


def _lines(samples: Sequence[Sample], facets: Sequence[str], delimiter: str) -> str:
    return "".join(_line(_cells(sample, facets), delimiter) for sample in samples)


def _cells(sample: Sample, facets: Sequence[str]) -> Iterator[str]:
    yield from map(_guarded, (sample.model, sample.prompt, sample.request))
    yield _guarded(_shown(sample.text))
    yield from ("" if facet in sample.facets else DOES_NOT_APPLY for facet in facets)
    yield from ("", "", sample.digest, "")


def _line(cells: Iterable[str], delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(
        cells
    )
    return out.getvalue()


def _shown(text: str) -> str:
    """The answer as a cell shows it: its lines, without what acts, cut."""
    lines = "\n".join(safe_text(line) for line in text.splitlines()).strip("\n")
    return lines if len(lines) <= TEXT_CHARS else lines[:TEXT_CHARS].rstrip() + " …"


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith("'") else guarded(text)


def _unguarded(cell: str) -> str:
    return cell.removeprefix("'")


def read(data: bytes, path: str) -> Sheet:
    """A sheet from its bytes; raises ResultError with the file, the line, the field and the fix."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = data[: exc.start].count(b"\n") + 1
        raise ResultError(
            f"{path} line {line} is not UTF-8; save it as 'CSV UTF-8' from the spreadsheet"
        ) from None
    records = _records(text, path)
    try:
        _, header, names = next(records)
    except StopIteration:
        raise ResultError(f"{path} line 1: it is empty; run `tailrace rubric stub` anew") from None
    facets = _facets(names, path)
    body = (
        _annotation(cells, facets, raw, line, path) if any(cells) else raw
        for line, raw, cells in records
    )
    sheet = Sheet(facets, _delimiter(header), header, tuple(body))
    _no_twins(sheet.rows, path)
    return sheet


def _delimiter(header: str) -> str:
    """The one that splits the header most often; its names hold none of them."""
    first = header.removeprefix(BOM)
    return max(_DELIMITERS, key=first.count)


def _records(text: str, path: str) -> Iterator[tuple[int, str, list[str]]]:
    """(first line, own characters, cells) of each record; a quoted cell may hold line ends."""
    lines = io.StringIO(text.removeprefix(BOM), newline="").readlines()
    if not lines:
        return
    limit = csv.field_size_limit(_LARGEST_FIELD)
    reader = csv.reader(lines, delimiter=_delimiter(lines[0]), strict=True)
    begin, mark = 0, BOM if text.startswith(BOM) else ""
    try:
        for cells in reader:
            raw = "".join(lines[begin : reader.line_num])
            yield begin + 1, mark + raw, cells
            begin, mark = reader.line_num, ""
    except csv.Error as exc:
        raise ResultError(
            f"{path} line {begin + 1} is no row of a CSV file: {exc}; check its quotation marks"
        ) from None
    finally:
        csv.field_size_limit(limit)


def _facets(names: Sequence[str], path: str) -> tuple[str, ...]:
    """The columns between ours; they must stand where they stood."""
    for name in (*BEFORE, *AFTER):
        if names.count(name) != 1:
            there = "is missing" if name not in names else "stands there twice"
            raise ResultError(
                f"{path} line 1: the column {name!r} {there}; keep the header as "
                "`tailrace rubric stub` wrote it"
            )
    facets = tuple(names[len(BEFORE) : -len(AFTER)])
    if tuple(names) != (*BEFORE, *facets, *AFTER):
        raise ResultError(
            f"{path} line 1: the columns must be {', '.join(BEFORE)}, the facets, "
            f"{', '.join(AFTER)}, in this order"
        )
    if not facets or not all(facets) or len(set(facets)) != len(facets):
        raise ResultError(
            f"{path} line 1: between 'text' and 'note' each column must have a facet's name of "
            "its own"
        )
    return facets


def _annotation(
    cells: list[str], facets: Sequence[str], raw: str, line: int, path: str
) -> Annotation:
    width = len(BEFORE) + len(facets) + len(AFTER)
    if len(cells) != width:
        raise ResultError(f"{path} line {line}: {len(cells)} cells instead of {width}")
    names = (*BEFORE, *facets, *AFTER)
    of = dict(zip(names, cells, strict=True))
    for name in ("model", "request", "text_sha256"):
        if not of[name].strip():
            raise ResultError(f"{path} line {line}, field {name!r}: empty; it says which answer")
    if of["state"] not in ("", STALE):
        raise ResultError(
            f"{path} line {line}, field 'state': {of['state'][:40]!r}; leave it empty, notes go "
            "into 'note'"
        )
    scores = {facet: _score(of[facet], facet, line, path) for facet in facets}
    return Annotation(
        line,
        _unguarded(of["model"]),
        _unguarded(of["prompt"]),
        _unguarded(of["request"]),
        of["text_sha256"],
        _unguarded(of["annotator"].strip()),
        of["note"],
        {facet: score for facet, score in scores.items() if score is not None},
        of["state"],
        raw,
        tuple(cells),
    )


def _score(cell: str, facet: str, line: int, path: str) -> int | None:
    text = cell.strip()
    if text.lower() in ("", DOES_NOT_APPLY):
        return None
    if text in ("1", "2", "3", "4", "5"):
        return int(text)
    raise ResultError(
        f"{path} line {line}, field {facet!r}: {text[:40]!r} is not a whole number from 1 to 5; "
        "leave the cell empty where there is no score"
    )


def _no_twins(rows: Sequence[Annotation], path: str) -> None:
    """One annotator scores an answer once; further annotators copy the row."""
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        if not row.scores:
            continue
        key = (*row.key, row.annotator)
        if key in seen:
            who = f"annotator {row.annotator!r}" if row.annotator else "nobody named"
            raise ResultError(
                f"{path} line {row.line}, field 'annotator': {who} scored request "
                f"{row.request!r} on line {seen[key]} already; name who scored, or drop one row"
            )
        seen[key] = row.line
