"""Laws of what a run left behind: a file is read, or refused with one sentence that names it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from fuzz.written import refused_or_read, scratch, sentence_or
from tailrace.results.baseline_files import read_note, unpacked
from tailrace.results.calibration import calibration_from_dict
from tailrace.results.convert_files import read_foreign
from tailrace.results.facts import Books, ModelFacts, RunFacts, StageFacts
from tailrace.results.files import RunFolder
from tailrace.results.foreign import aiperf
from tailrace.results.journal import JOURNAL, JournalReader
from tailrace.results.node_budgets import calibrations_of
from tailrace.results.outputs import outputs_from_json
from tailrace.results.reading import read_bytes, read_json
from tailrace.results.repair import SET_ASIDE, mend_journals
from tailrace.results.rubric_judge import parse_judged
from tailrace.results.rubric_sheet import read as read_sheet
from tailrace.results.schema import Row
from tailrace.results.server_files import read_log
from tailrace.results.server_log import SERVER_LOG


def facts(data: bytes) -> None:
    """``run.json``: what is read is written the same again."""

    def read(path: str) -> None:
        folder = RunFolder(Path(path).parent)
        found = folder.read_facts()
        folder.write_facts(found)
        assert msgspec.to_builtins(folder.read_facts()) == msgspec.to_builtins(found)

    refused_or_read(read, data, "run.json")


def journal(data: bytes) -> None:
    """``requests.jsonl``: its whole lines are rows, a torn tail is counted, and a repair keeps all.

    Whatever lies behind the last line end is dropped, and nothing else is.
    """
    path = scratch() / "m" / JOURNAL
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    path.with_name(SET_ASIDE).unlink(missing_ok=True)
    torn = int(not data.endswith(b"\n") and bool(data))

    def mend() -> None:
        reader = JournalReader(path)
        rows = list(reader)
        assert (len(rows), reader.torn_lines) == (data.count(b"\n"), torn)
        run = _run()
        mend_journals(RunFolder(scratch()), run)
        assert run.models[0].dropped_lines == torn
        again = JournalReader(path)
        kept, aside = list(again), list(JournalReader(path.with_name(SET_ASIDE)))
        assert again.torn_lines == 0
        assert kept == [row for row in rows if _stays(row)]
        wanted = {row.id: row for row in reversed(rows) if not _stays(row)}
        assert {row.id for row in aside} == set(wanted)

    sentence_or(mend)


def result(data: bytes) -> None:
    """Everything that ``report`` makes of a model's journal."""
    path = scratch() / "m" / JOURNAL
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    run = _run()
    folder = RunFolder(scratch())
    sentence_or(lambda: folder._rebuild_model(run, run.models[0], calibrations_of(run, "it"), None))


def _stays(row: Row) -> bool:
    return row.phase == "cold" or row.stage < 1


def _run() -> RunFacts:
    """A run of one level."""
    one = StageFacts(
        index=0, users=1, warmup_s=0.0, duration_s=1.0, requests=None, began_ns=0,
        measure_from_ns=0, measure_until_ns=10**9, ended_ns=10**9, books=Books(),
    )  # fmt: skip
    return RunFacts(
        name="fuzz", started_at="2026-01-01T00:00:00.000Z", origin_wall_ns=0, origin_perf_ns=0,
        tool={}, host={}, engine={}, scenario={}, models=[ModelFacts("m", "m", stages=[one])],
    )  # fmt: skip


def baseline(data: bytes) -> None:
    """A baseline's figures."""
    refused_or_read(lambda path: unpacked(data, path), data, "figures.npz")


def note(data: bytes) -> None:
    """A baseline's note."""
    refused_or_read(lambda path: read_note(Path(path).parent), data, "baseline.json")


def foreign(data: bytes) -> None:
    """A result of another tool, whichever it says it is."""
    refused_or_read(lambda path: read_foreign(Path(path)), data, ".json")
    for tool in ("guidellm", "aiperf", "vllm"):
        refused_or_read(lambda path, tool=tool: read_foreign(Path(path), tool), data, ".json")


def records(data: bytes) -> None:
    """The records of an aiperf run, one a line."""
    (scratch() / aiperf.SUMMARY).write_bytes(b'{"input_config": {}, "request_latency": {}}')
    refused_or_read(lambda path: read_foreign(Path(path), "aiperf"), data, aiperf.RECORDS)


def server(data: bytes) -> None:
    """``server.jsonl``."""
    refused_or_read(lambda path: read_log(Path(path).parent), data, SERVER_LOG)


def outputs(data: bytes) -> None:
    """``outputs.json``."""
    refused_or_read(lambda path: outputs_from_json(data, path), data, "outputs.json")


def calibration(data: bytes) -> None:
    """The calibration of a machine."""

    def read(path: str) -> None:
        calibration_from_dict(read_json(Path(path)), path)

    refused_or_read(read, data, "calibration.json")


def sheet(data: bytes) -> None:
    """``annotations.csv``, which people fill in."""
    refused_or_read(lambda path: read_sheet(read_bytes(Path(path)), path), data, "annotations.csv")


def judge(data: bytes) -> None:
    """A line of ``judge.jsonl``."""
    refused_or_read(lambda path: parse_judged(data, path), data, "judge.jsonl")
