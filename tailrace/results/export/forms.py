"""Forms: what a run can be exported as, by name, and how each is written.

A form of one file is a stream of bytes, so it can go to standard output; one of several files
needs a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from tailrace.errors import UsageError
from tailrace.results.atomic import atomic, write_atomic
from tailrace.results.export.chosen import Chosen


def _json(run: Chosen) -> Iterator[bytes]:
    yield orjson.dumps(run.document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _csv(run: Chosen) -> Iterator[bytes]:
    from tailrace.results.render.summary_csv import summary_csv

    yield summary_csv(run.facts, run.results).encode()


def _requests_csv(run: Chosen) -> Iterator[bytes]:
    from tailrace.results.export.requests_csv import requests_csv

    return requests_csv(run.requests())


def _markdown(run: Chosen) -> Iterator[bytes]:
    from tailrace.results.render.highlights import highlights
    from tailrace.results.render.markdown import prose

    told = (prose(each) for each in highlights(run.facts, run.results, run.verdict))
    yield ("\n\n".join(told) + "\n").encode()


def _otel(run: Chosen) -> Iterator[bytes]:
    from tailrace.results.export.otlp import otlp_lines

    return otlp_lines(run.facts, run.rows())


def _openmetrics(run: Chosen) -> Iterator[bytes]:
    from tailrace.results.export.openmetrics import of_run, text_of

    yield text_of(of_run(run.facts, run.results, run.verdict), openmetrics=True)


def _prometheus(run: Chosen) -> Iterator[bytes]:
    from tailrace.results.export.openmetrics import of_run, text_of

    yield text_of(of_run(run.facts, run.results, run.verdict), openmetrics=False)


def _hgrm(run: Chosen, folder: Path) -> list[Path]:
    from tailrace.results.export.hgrm import hgrm_files

    paths = []
    for name, content in hgrm_files(run.facts, run.results):
        paths.append(folder / name)
        write_atomic(paths[-1], content)
    return paths


def _parquet(run: Chosen, folder: Path) -> list[Path]:
    from tailrace.results.export.parquet import write_parquet

    return write_parquet(run.requests(), folder)


OF_ONE_FILE: dict[str, Callable[[Chosen], Iterable[bytes]]] = {
    "json": _json,
    "csv": _csv,
    "requests-csv": _requests_csv,
    "markdown": _markdown,
    "otel": _otel,
    "openmetrics": _openmetrics,
    "prometheus": _prometheus,
}
OF_FOLDERS: dict[str, Callable[[Chosen, Path], list[Path]]] = {
    "hgrm": _hgrm,
    "parquet": _parquet,
}
FORMS = (*OF_ONE_FILE, *OF_FOLDERS)


def write_form(run: Chosen, form: str, out: Path) -> list[Path]:
    """Write one form to a file, or into a folder that is made; returns what was written.

    Raises UsageError where nothing can be written there.
    """
    if form in OF_ONE_FILE:
        return write_file(OF_ONE_FILE[form](run), out)
    with _writable(out):
        out.mkdir(parents=True, exist_ok=True)
        return OF_FOLDERS[form](run, out)


def write_file(pieces: Iterable[bytes], out: Path) -> list[Path]:
    """Write the pieces of a form of one file; raises UsageError where nothing can be written."""
    with _writable(out), atomic(out) as file:
        file.writelines(pieces)
    return [out]


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise UsageError(f"--out {str(out)!r} cannot be written: {exc.strerror}") from None
