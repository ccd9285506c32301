"""RunFolder: the files of one run. All of the house's result I/O is here.

    runs/<time>-<name>/
      run.json  summary.csv  report.md  report.html
      <model>/requests.jsonl  result.json  latency.hlog  outputs.json (deterministic runs)
              server.jsonl (where the server was looked at; raw as well)

``requests.jsonl`` is appended as requests end, each line handed to the kernel at once, so a
killed run loses none that had ended; ``run.json`` holds what no request line can say. What people
and judges say of the answers, if anything, is in ``rubric/`` (see rubric_files.py). Everything
else, and the verdict in ``run.json``, is rebuilt from these, byte for byte, by ``rebuild``.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from tailrace.errors import ResultError, UsageError
from tailrace.results.atomic import FOLDER_MODE, atomic, own_folder, write_atomic
from tailrace.results.facts import ModelFacts, RunFacts, facts_from_dict
from tailrace.results.hlog import IntervalLog
from tailrace.results.hlog import header as hlog_header
from tailrace.results.journal import JOURNAL, Journal, JournalReader
from tailrace.results.node_budgets import Calibrations, calibrations_of
from tailrace.results.outputs import Outputs
from tailrace.results.parts import join_parts, remove_parts
from tailrace.results.reading import decoded
from tailrace.results.schema import Row
from tailrace.results.slo import slos_of
from tailrace.results.tally import Tally, tally_of
from tailrace.results.verdict import Verdict, judge

if TYPE_CHECKING:
    from tailrace.results.rubric import Rubric
    from tailrace.results.server_client import ClientSide

_PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_RESERVED = re.compile(
    r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|rubric|(run\.json|summary\.csv|report\.(md|html))(\.part)?"
)
_NAME_CHARS = 80


class RunFolder:
    """The folder of one run; ``create`` a new one or open an existing path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, parent: Path, stamp: str, name: str) -> RunFolder:
        """Make ``<parent>/<stamp>-<name>``, with a number behind it if that is taken.

        Raises UsageError when nothing can be written there.
        """
        base = f"{stamp}-{safe_name(name)}"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            for number in range(1, 1000):
                path = parent / (base if number == 1 else f"{base}-{number}")
                with contextlib.suppress(FileExistsError):
                    path.mkdir(FOLDER_MODE)
                    return cls(path)
        except OSError as exc:
            raise UsageError(
                f"the result folder {str(parent)!r} cannot be written: {exc.strerror}; "
                "choose another with --out"
            ) from None
        raise UsageError(f"the result folder {str(parent)!r} holds a thousand runs named {base!r}")

    def open_journal(self, folder: str, part: int | None = None) -> Journal:
        """The journal of one model, in its own folder; ``part`` where several write one each."""
        path = self.path / folder
        own_folder(path)
        return Journal(path / (JOURNAL if part is None else f"requests.{part}.jsonl"))

    def write_facts(self, facts: RunFacts, verdict: Verdict | None = None) -> None:
        """Replace ``run.json``."""
        document = facts.to_dict() | {"verdict": verdict.to_dict() if verdict else None}
        write_atomic(self.path / "run.json", orjson.dumps(document, option=_PRETTY))

    def read_facts(self) -> RunFacts:
        """What ``run.json`` says; raises ResultError when this is no run folder."""
        path = self.path / "run.json"
        try:
            data = path.read_bytes()
        except OSError as exc:
            raise ResultError(
                f"{str(self.path)!r} is not a tailrace run: run.json: {exc.strerror}"
            ) from None
        document = decoded(data, path)
        if not isinstance(document, dict):
            raise ResultError(f"{str(path)!r} is not a run's facts but a {type(document).__name__}")
        facts = facts_from_dict(document, repr(str(path)))
        for model in facts.models:  # it also begins the names of files elsewhere
            if model.folder != safe_name(model.folder):
                raise ResultError(f"{str(path)!r}: {model.folder!r} cannot be a model's folder")
        return facts

    def rebuild(self) -> tuple[RunFacts, list[dict[str, Any]], Verdict]:
        """Make every derived file anew from ``run.json`` and the journals.

        Raises ResultError where one cannot be read, or written.
        """
        try:
            return self._rebuild()
        except OSError as exc:
            raise ResultError(
                f"the results in {str(self.path)!r} cannot be made: {exc.strerror}; what was "
                f"measured is there: mend that, then run `tailrace report {self.path}`"
            ) from None

    def _rebuild(self) -> tuple[RunFacts, list[dict[str, Any]], Verdict]:
        # Imported when the load is over, as is what renders: no first request waits for it.
        from tailrace.results.rubric_files import RubricFolder

        facts = self.read_facts()
        self.join(facts)
        calibrations = calibrations_of(facts, repr(str(self.path / "run.json")))
        rubric = RubricFolder(self.path).rubric(facts)
        results = [
            self._rebuild_model(facts, model, calibrations, rubric) for model in facts.models
        ]
        verdict = judge(facts, results)
        self.write_facts(facts, verdict)
        if facts.scenario.get("search") and results:
            self._write_limit(facts, results[0])
        self._write_reports(facts, results, verdict)
        return facts, results, verdict

    def _write_limit(self, facts: RunFacts, result: dict[str, Any]) -> None:
        from tailrace.results.limit import limit_of

        found = {"model": facts.models[0].model} | limit_of(facts.scenario, result["stages"])
        write_atomic(self.path / "limit.json", orjson.dumps(found, option=_PRETTY))

    def _write_reports(
        self, facts: RunFacts, results: list[dict[str, Any]], verdict: Verdict
    ) -> None:
        from tailrace.results.render.markdown import report_md
        from tailrace.results.render.summary_csv import summary_csv

        csv = summary_csv(facts, results)
        write_atomic(self.path / "summary.csv", csv.encode("utf-8"))
        markdown = report_md(facts, results, verdict)
        write_atomic(self.path / "report.md", markdown.encode("utf-8"))
        write_html(self.path / "report.html", facts, results, verdict)

    def join(self, facts: RunFacts) -> None:
        """Make one journal of each model's parts, where several workers wrote them."""
        folders = [self.path / safe_name(model.folder) for model in facts.models]
        joined = [
            join_parts(folder, model) for folder, model in zip(folders, facts.models, strict=True)
        ]
        if any(joined):
            self.write_facts(facts)
            for folder in folders:
                remove_parts(folder)

    def _rebuild_model(
        self,
        facts: RunFacts,
        model: ModelFacts,
        calibrations: Calibrations,
        rubric: Rubric | None,
    ) -> dict[str, Any]:
        from tailrace.results.extras import add_extras
        from tailrace.results.result import model_result
        from tailrace.results.server_files import read_log
        from tailrace.results.server_view import add_server, client_side

        folder = self.path / model.folder
        own_folder(folder)
        reader = JournalReader(folder / JOURNAL)
        slos = slos_of(facts.scenario)
        tallies = [tally_of(stage, slos) for stage in model.stages]
        outputs = Outputs()
        log = read_log(folder)
        client = client_side(log)
        watched = client if log.heads else None
        try:
            cold = self._read_journal(reader, tallies, outputs, folder, facts, watched)
        except ValueError as exc:  # values of the right type that no request can have
            raise ResultError(f"{str(reader.path)!r} cannot be a journal: {exc}") from None
        result = model_result(
            model, cold, tallies, model.torn_lines + reader.torn_lines, calibrations, outputs
        )
        add_server(result, log, model.stages, client)
        add_extras(result, facts, model, rubric)
        write_atomic(folder / "result.json", orjson.dumps(result, option=_PRETTY))
        hashes = outputs.document(model.model, facts.scenario)
        if hashes is not None:
            document = msgspec.to_builtins(hashes)
            write_atomic(folder / "outputs.json", orjson.dumps(document, option=_PRETTY))
        return result

    def read_results(self, facts: RunFacts) -> list[dict[str, Any]]:
        """The documents as they lie there, with what people and judges say now; nothing is written.

        Raises ResultError where one is missing.
        """
        from tailrace.results.extras import add_extras
        from tailrace.results.rubric_files import RubricFolder

        rubric = RubricFolder(self.path).rubric(facts)
        results = []
        for model in facts.models:
            path = self.path / model.folder / "result.json"
            try:
                result = orjson.loads(path.read_bytes())
                add_extras(result, facts, model, rubric)
            except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
                raise ResultError(
                    f"{str(path)!r} is not there or not whole; run `tailrace report {self.path}`"
                ) from None
            results.append(result)
        return results

    def _read_journal(
        self,
        reader: JournalReader,
        tallies: list[Tally],
        outputs: Outputs,
        folder: Path,
        facts: RunFacts,
        client: ClientSide | None = None,
    ) -> Row | None:
        """Tally every row and write the interval log on the way; returns the cold row.

        A resumed run may have several: the first that ended ok was the cold one.
        """
        cold: Row | None = None
        log = IntervalLog()
        with atomic(folder / "latency.hlog") as out:
            out.write(hlog_header(facts.origin_wall_ns).encode())
            for row in reader:
                outputs.add(row)
                if client is not None:
                    client.add(row)
                if 0 <= row.stage < len(tallies):
                    tally = tallies[row.stage]
                    out.writelines(line.encode() for line in log.before(row, tally))
                    tally.add(row)
                elif row.phase == "cold" and (cold is None or cold.outcome != "ok"):
                    cold = row
            out.writelines(line.encode() for line in log.close())
        return cold


def write_html(
    path: Path, facts: RunFacts, results: list[dict[str, Any]], verdict: Verdict
) -> None:
    """Replace ``report.html``, wherever it is to be."""
    from tailrace.results.plotly_script import plotly_hash, write_page
    from tailrace.results.render.html import PLOTLY_HERE, report_html

    html = report_html(facts, results, verdict, plotly_hash())
    with atomic(path) as out:
        write_page(out, html, PLOTLY_HERE)


def safe_name(text: str) -> str:
    """A model id or run name as a file name on every system; the true one is kept inside.

    Only ASCII letters, digits, dot, dash and underscore stay: no separator, no drive, no NTFS
    stream, no leading dot, no name that Windows reserves or that a file of the run has.
    """
    name = _cut(re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-"), _NAME_CHARS) or "model"
    return _cut(f"_{name}", _NAME_CHARS) if _RESERVED.fullmatch(name) else name


def _cut(name: str, length: int) -> str:
    return name[:length].rstrip(".-")


def unique_names(texts: tuple[str, ...]) -> list[str]:
    """A safe name for each text, different also where case is ignored."""
    taken: set[str] = set()
    names = []
    for text in texts:
        base = name = safe_name(text)
        number = 1
        while name.lower() in taken:
            number += 1
            suffix = f"-{number}"
            name = _cut(base, _NAME_CHARS - len(suffix)) + suffix
        taken.add(name.lower())
        names.append(name)
    return names
