"""The rubric files of a run: ``rubric/rubric.json``, ``annotations.csv`` and ``judge.jsonl``.

The sheet is replaced whole and atomically, and only with what keeps every row that people filled
in. Judge lines are appended one by one, each handed to the kernel at once; a line that was cut off
by a death is dropped before the next one is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tailrace.errors import ResultError
from tailrace.results import rubric_sheet
from tailrace.results.atomic import appending, own_folder, write_atomic
from tailrace.results.facts import ModelFacts, RunFacts
from tailrace.results.journal import JOURNAL, JournalReader
from tailrace.results.reading import read_bytes
from tailrace.results.rubric import Rubric
from tailrace.results.rubric_judge import Judged, parse_judged
from tailrace.results.rubric_sheet import Sheet
from tailrace.results.schema import Row

FOLDER = "rubric"


class RubricFolder:
    """``RUN/rubric``; nothing is made before something is written."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.sheet_path = run / FOLDER / "annotations.csv"
        self.judge_path = run / FOLDER / "judge.jsonl"
        self.facets_path = run / FOLDER / "rubric.json"

    def exists(self) -> bool:
        """Whether there is anything to merge."""
        return self.sheet_path.exists() or self.judge_path.exists()

    def sheet(self) -> Sheet | None:
        """The annotations; None where there are none yet. Raises ResultError for a bad file."""
        if not self.sheet_path.exists():
            return None
        return rubric_sheet.read(read_bytes(self.sheet_path), repr(str(self.sheet_path)))

    def write_sheet(self, text: str) -> None:
        """Replace the sheet."""
        try:
            own_folder(self.sheet_path.parent)
            write_atomic(self.sheet_path, text.encode("utf-8", "replace"))
        except OSError as exc:
            raise ResultError(
                f"{str(self.sheet_path)!r} cannot be written: {exc.strerror}; is it open in a "
                "spreadsheet?"
            ) from None

    def write_facets(self, text: str) -> None:
        """Replace ``rubric.json``, which says what the facets ask."""
        own_folder(self.facets_path.parent)
        write_atomic(self.facets_path, text.encode("utf-8", "replace"))

    def judged(self) -> list[Judged]:
        """Every whole line of the judges; a last one that was cut off is left out."""
        try:
            lines = self.judge_path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        path = repr(str(self.judge_path))
        return [
            parse_judged(line, f"{path} line {number}")
            for number, line in enumerate(lines, 1)
            if line.endswith(b"\n") and line.strip()
        ]

    def append(self, judged: Judged) -> None:
        """Keep one line."""
        own_folder(self.judge_path.parent)
        with appending(self.judge_path) as file:
            file.write(judged.to_json())

    def mend(self) -> None:
        """Drop a last line that was cut off; before anything is appended."""
        if not self.judge_path.exists():
            return
        data = self.judge_path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            write_atomic(self.judge_path, data[:whole])

    def rows(self, model: ModelFacts) -> Iterator[Row]:
        """A model's journal."""
        return iter(JournalReader(self.run / model.folder / JOURNAL))

    def rubric(self, facts: RunFacts) -> Rubric | None:
        """Everything that is merged into the report; None where there is nothing.

        Raises ResultError when an annotation is about a request that the run does not have.
        """
        if not self.exists():
            return None
        sheet, judged = self.sheet(), self.judged()
        annotations = sheet.rows if sheet is not None else ()
        wanted = {(row.model, row.request) for row in annotations}
        wanted |= {(line.model, line.request) for line in judged}
        requests, texts = set(), {}
        for model in facts.models:
            for row in self.rows(model):
                key = (model.model, row.id)
                requests.add(key)
                if key in wanted and row.text is not None:
                    texts[key] = rubric_sheet.digest(row.text)
        for annotation in annotations:
            if (annotation.model, annotation.request) not in requests:
                raise ResultError(
                    f"{str(self.sheet_path)!r} line {annotation.line}, field 'request': model "
                    f"{annotation.model!r} has no request {annotation.request!r} in this run; does "
                    "the sheet belong to another one?"
                )
        return Rubric(annotations, judged, texts)
