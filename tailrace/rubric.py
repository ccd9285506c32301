"""Rubric: which answers of a run are to be scored, a sheet for people, and the asking of a judge.

The glue between the command line, a run folder and a judge. Nothing here is timed, and no load is
made: it works on a run that has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import anyio
import msgspec

from tailrace.engine.judge import Judge, Question, score_all
from tailrace.errors import ResultError, UsageError
from tailrace.results import rubric_sheet
from tailrace.results.facts import RunFacts
from tailrace.results.files import RunFolder
from tailrace.results.rubric import chosen, sample_of
from tailrace.results.rubric_files import RubricFolder
from tailrace.results.rubric_judge import Judged, settled
from tailrace.results.rubric_sheet import Sample, Sheet, is_stale
from tailrace.scenarios.items import Item, Message
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.prompts import messages
from tailrace.scenarios.rubric import (
    Facets,
    asks,
    facets_for,
    fingerprint,
    rubric_from,
    rubric_json,
    union,
)
from tailrace.scenarios.sources import source_of


@dataclass(frozen=True, slots=True)
class Stub:
    """What became of the sheet."""

    path: Path
    facets: tuple[str, ...]
    kept: int
    added: int
    stale: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of the judging."""

    path: Path
    lines: tuple[Judged, ...]
    already: int
    """Answers that were judged before and not asked about again."""

    @property
    def scored(self) -> int:
        """Scores that came of it: one a facet of an answer."""
        return sum(len(line.scores) for line in self.lines)

    @property
    def unscored(self) -> int:
        """Facets that were asked about and got no score."""
        return sum(len(line.unscored) for line in self.lines)

    @property
    def failed(self) -> bool:
        """Whether there were requests and none succeeded."""
        return bool(self.lines) and all(line.error is not None for line in self.lines)


def default_rubric() -> str:
    """The text of the rubric file that ships."""
    return files("tailrace.scenarios").joinpath("rubric.toml").read_text(encoding="utf-8")


def read_rubric(path: Path) -> Facets:
    """The facets of a rubric file; raises UsageError naming file, line and field."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"the rubric {str(path)!r} cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        raise UsageError(f"{str(path)!r} line {line} is not UTF-8; save it as UTF-8") from None
    return rubric_from(text, repr(str(path)))


class Work:
    """A run to be scored: its facts, its rubric files, its prompts, and what its facets ask."""

    def __init__(self, run: Path, rubric: Path | None) -> None:
        self.facts: RunFacts = RunFolder(run).read_facts()
        self.folder = RubricFolder(run)
        self.rubric: Facets = self._facets(rubric)
        self._scenario = _scenario(self.facts)
        source = source_of(self._scenario)
        items = (source.item(number) for number in range(source.distinct or 0))
        self._items: dict[str, Item] = {item.id: item for item in items}

    def _facets(self, given: Path | None) -> Facets:
        """Those of the file that is given, else of the one that this run has, else the default."""
        if given is not None:
            return read_rubric(given)
        if self.folder.facets_path.exists():
            return read_rubric(self.folder.facets_path)
        return rubric_from(default_rubric(), "rubric.toml")

    def keep_facets(self) -> None:
        """Leave the rubric beside the scores, for the commands that come."""
        self.folder.write_facets(rubric_json(self.rubric))

    def facets(self, prompt: str) -> tuple[str, ...]:
        """What a prompt's answers are scored on."""
        item = self._items.get(prompt)
        return facets_for(() if item is None else item.facets, self.rubric, prompt)

    def conversation(self, prompt: str) -> tuple[Message, ...]:
        """What was asked, without the nonce; raises UsageError where it is no longer known."""
        item = self._items.get(prompt)
        if item is None:
            raise UsageError(
                f"the text of prompt {prompt!r} is no longer known, so a judge cannot be asked "
                "about its answers; restore the run's prompts file"
            )
        return messages(self._scenario, item)

    def answers(self, per_prompt: int) -> tuple[list[Sample], list[Sample]]:
        """(the first ``per_prompt`` of each prompt and model, all that have a text)."""
        taken: list[Sample] = []
        every: list[Sample] = []
        places = {prompt: place for place, prompt in enumerate(self._items)}
        for model in self.facts.models:
            rows = [row for row in self.folder.rows(model) if row.text is not None]
            of = [sample_of(model.model, row, self.facets(row.prompt)) for row in rows]
            by_id = {sample.request: sample for sample in of}
            every += of
            some = [by_id[row.id] for row in chosen(rows, per_prompt)]
            taken += sorted(some, key=lambda sample: places.get(sample.prompt, len(places)))
        if not taken:
            raise UsageError(
                f"{str(self.folder.run)!r} keeps no answer of a measured request; run it again "
                "with --keep-text"
            )
        return taken, every


def _scenario(facts: RunFacts) -> Scenario:
    try:
        return msgspec.convert(facts.scenario | {"nonce": False}, Scenario, strict=False)
    except msgspec.ValidationError as exc:
        raise ResultError(f"run.json does not hold a scenario: {exc}") from None


def make_stub(run: Path, per_prompt: int, rubric: Path | None) -> Stub:
    """Write the sheet, or add to it what it lacks; raises UsageError when there is nothing to."""
    work = Work(run, rubric)
    folder, sheet = work.folder, work.folder.sheet()
    samples, every = work.answers(per_prompt)
    columns = union([sample.facets for sample in samples])
    if sheet is None:
        folder.write_sheet(rubric_sheet.written(samples, columns))
        work.keep_facets()
        return Stub(folder.sheet_path, columns, 0, len(samples), 0)
    _require_columns(columns, sheet, folder)
    texts = _texts(every)
    there = {row.key for row in sheet.rows}
    new = [sample for sample in samples if sample.key not in there]
    folder.write_sheet(rubric_sheet.updated(sheet, new, texts))
    work.keep_facets()
    stale = sum(is_stale(row, texts) for row in sheet.rows)
    return Stub(folder.sheet_path, sheet.facets, len(sheet.rows), len(new), stale)


def ask_judge(
    run: Path,
    judge: Callable[[], Judge],
    per_prompt: int,
    rubric: Path | None,
    concurrency: int,
    say: Callable[[str], None],
) -> Asked:
    """Ask about every chosen answer, and every one in the sheet, that was not judged yet."""
    work = Work(run, rubric)
    samples = _to_judge(work, per_prompt)
    work.folder.mend()
    if work.facts.ended is None:
        say("the run did not end; if it is still going on, the judge disturbs what it measures")
    lines: list[Judged] = []
    already = 0

    async def main() -> None:
        nonlocal already
        asker = judge()
        try:
            questions = _questions(work, samples, settled(work.folder.judged()), asker.model)
            already = len(samples) - len(questions)

            def keep(judged: Judged) -> None:
                work.folder.append(judged)
                lines.append(judged)
                say(_told(judged, len(lines), len(questions)))

            await score_all(asker, questions, concurrency, keep)
        finally:
            await asker.aclose()

    anyio.run(main)
    work.keep_facets()
    return Asked(work.folder.judge_path, tuple(lines), already)


def _texts(samples: Sequence[Sample]) -> Mapping[tuple[str, str], str]:
    """(model, request id) -> digest of its answer."""
    return {(sample.model, sample.request): sample.digest for sample in samples}


def _require_columns(facets: Sequence[str], sheet: Sheet, folder: RubricFolder) -> None:
    missing = [name for name in facets if name not in sheet.facets]
    if missing:
        raise UsageError(
            f"{str(folder.sheet_path)!r} has no column for facet {missing[0]!r} (it has "
            f"{', '.join(sheet.facets)}); add the column before 'note' to every row, or move the "
            "file away"
        )


def _to_judge(work: Work, per_prompt: int) -> list[Sample]:
    """The chosen answers, and those of the sheet, so that people and judge can be compared."""
    samples, every = work.answers(per_prompt)
    sheet = work.folder.sheet()
    if sheet is None:
        return samples
    there = {sample.key for sample in samples}
    wanted = {row.key for row in sheet.rows} - there
    return samples + [sample for sample in every if sample.key in wanted]


def _questions(
    work: Work,
    samples: Sequence[Sample],
    done: set[tuple[tuple[str, str, str], str, str]],
    judge: str,
) -> list[Question]:
    """One question for each sample that this judge was not asked about in these words."""
    found = []
    for sample in samples:
        facets = asks(sample.facets, work.rubric)
        rubric = fingerprint(facets)
        if (sample.key, judge, rubric) not in done:
            conversation = work.conversation(sample.prompt)
            head = (sample.model, sample.request, sample.prompt, sample.digest)
            found.append(Question(*head, conversation, sample.text, facets, rubric))
    return found


def _told(judged: Judged, number: int, of: int) -> str:
    scores = ", ".join(f"{facet} {score}" for facet, score in judged.scores.items())
    reasons = "; ".join(dict.fromkeys(judged.unscored.values()))
    unscored = f"unscored {', '.join(judged.unscored)} ({reasons})" if judged.unscored else ""
    told = "; ".join(part for part in (scores, unscored) if part)
    return f"{number}/{of} {judged.model} {judged.request}: {told}"
