"""Convert: a foreign result file becomes a run folder, that report, compare and query can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from tailrace import __version__
from tailrace.errors import ResultError
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.files import RunFolder, unique_names
from tailrace.results.foreign import aiperf
from tailrace.results.foreign.guidellm import is_guidellm, read_guidellm
from tailrace.results.foreign.shape import ForeignRun, from_zero, stage_of
from tailrace.results.foreign.vllm import is_vllm, read_vllm
from tailrace.results.reading import read_json

Tool = Literal["auto", "guidellm", "aiperf", "vllm"]
_TELLS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "guidellm": is_guidellm,
    "vllm": is_vllm,
    "aiperf": aiperf.is_aiperf,
}


def convert(path: Path, tool: Tool, out: Path) -> RunFolder:
    """Read a file, or a folder of aiperf's, and write a run folder under ``out``.

    Raises ResultError that names the file, and what is missing of it.
    """
    run = read_foreign(path, tool)
    from_zero(run)
    moment = datetime.fromtimestamp(run.began_wall_ns / 1e9, UTC)
    stamp, name = f"{moment:%Y%m%d-%H%M%S}", f"{run.tool}-{run.model}"
    folder = RunFolder.create(out, stamp, name)
    (model_folder,) = unique_names((run.model,))
    journal = folder.open_journal(model_folder)
    try:
        for level in run.levels:
            for row in sorted(level.rows, key=lambda each: each.ended_ns):
                journal.append(row.to_json())
    finally:
        journal.close()
    stages = [stage_of(index, level) for index, level in enumerate(run.levels)]
    model = ModelFacts(run.model, model_folder, "ok", stages=stages)
    folder.write_facts(_facts(run, model, name, moment, path))
    return folder


def _facts(run: ForeignRun, model: ModelFacts, name: str, moment: datetime, path: Path) -> RunFacts:
    tool = {"name": run.tool, "version": run.version, "file": path.name}
    tool["converted_by"] = f"tailrace {__version__}"
    scenario = {"models": [run.model], "base_url": run.url} | run.settings
    return RunFacts(
        name=name,
        started_at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        origin_wall_ns=run.began_wall_ns,
        origin_perf_ns=0,
        tool=tool,
        host={},
        engine={},
        scenario={key: value for key, value in scenario.items() if value is not None},
        models=[model],
        ended="complete",
    )


def read_foreign(path: Path, tool: Tool = "auto") -> ForeignRun:
    """What the other tool wrote; raises ResultError where it cannot be told or read."""
    if path.is_dir() or path.name == aiperf.RECORDS:
        path = (path if path.is_dir() else path.parent) / aiperf.SUMMARY
    document, where = _document(path), repr(str(path))
    found = tool if tool != "auto" else next((n for n, t in _TELLS.items() if t(document)), None)
    try:
        if found == "guidellm":
            return read_guidellm(document, where)
        if found == "vllm":
            return read_vllm(document, where)
        if found == "aiperf":
            records = path.with_name(aiperf.RECORDS)
            return aiperf.read_aiperf(document, _records(records), repr(str(records)))
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        told = f"no {exc}" if isinstance(exc, KeyError) else str(exc)
        raise ResultError(f"{where} is not as {found} writes it: {told}") from None
    raise ResultError(
        f"{where} is no result of guidellm, aiperf or vllm bench serve that can be told; "
        "say which with --from"
    )


def _document(path: Path) -> dict[str, Any]:
    document = read_json(path)
    if not isinstance(document, dict):
        raise ResultError(f"{str(path)!r} is no result but a {type(document).__name__}")
    return document


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        file = path.open("rb")
    except OSError:
        raise ResultError(
            f"{str(path)!r} is not there, so only summaries are: {aiperf.DETAIL}"
        ) from None
    with file:
        for number, line in enumerate(file, 1):
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as exc:
                raise ResultError(f"{str(path)!r} line {number} is not JSON: {exc}") from None
