"""Rating: what follows a run that asked for it: the sheet for people, then the scores of a judge.

Rule: it begins when nothing is timed any more, and nothing that was measured depends on it:
whatever goes wrong here is one sentence and a code, and the run's files are as they were. A judge
with a ``serve`` command gets its server again, just as in its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from tailrace.engine.judge import Judge
from tailrace.engine.loader import Loaded
from tailrace.engine.loaders import loader_for
from tailrace.errors import EXIT_OK, EXIT_SIGNAL, EXIT_UNREACHABLE, TailraceError
from tailrace.results.rubric_files import FOLDER
from tailrace.rubric import Asked, ask_judge, make_stub
from tailrace.scenarios.model_entry import ModelEntry

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Referee:
    """The judge: a model that has a URL, its own or that of the server to be started."""

    entry: ModelEntry
    headers: tuple[tuple[str, str], ...] = ()
    """Its own, of the models file."""
    api_key: str | None = None
    max_tokens: int = 512


@dataclass(frozen=True, slots=True)
class Rating:
    """What is to be done with the answers of a run."""

    rubric: Path | None
    """None is the default rubric."""
    samples: int
    """Answers of each prompt and model."""
    referee: Referee | None = None


def rate(run: Path, rating: Rating, say: Say, warn: Say) -> int:
    """Write the sheet and ask the judge; an exit code, what went wrong told to ``warn``."""
    try:
        stub = make_stub(run, rating.samples, rating.rubric)
        say(f"{stub.path}: {stub.added} rows to score on {', '.join(stub.facets)}")
    except TailraceError as exc:
        warn(f"the answers are not rated, everything measured is kept: {exc}")
        return exc.exit_code
    if rating.referee is None:
        return EXIT_OK
    entry = rating.referee.entry
    judge = f"--judge-model {entry.model} --judge-url {entry.url or 'URL'}"
    again = f"`tailrace rubric judge {run} {judge}` asks again"
    try:
        asked = _judged(run, rating, rating.referee, say)
    except TailraceError as exc:
        warn(f"judging failed, everything measured is kept: {exc}; {again}")
        return exc.exit_code
    except KeyboardInterrupt:
        warn(f"judging was interrupted, everything measured is kept; {again}")
        return EXIT_SIGNAL
    say(f"{asked.path}: {asked.scored} scores, {asked.unscored} unscored")
    if asked.failed:
        why = next(iter(asked.lines[0].unscored.values()))
        warn(f"judging failed, everything measured is kept: no request succeeded: {why}; {again}")
        return EXIT_UNREACHABLE
    return EXIT_OK


def _judged(run: Path, rating: Rating, referee: Referee, say: Say) -> Asked:
    """Have the judge there for as long as it is asked."""
    with _there(run, referee, say) as loaded:

        def make() -> Judge:
            return Judge(
                loaded.base_url,
                loaded.model,
                api_key=None if loaded.headers else referee.api_key,
                max_tokens=referee.max_tokens,
                headers=(*referee.headers, *loaded.headers),
            )

        return ask_judge(run, make, rating.samples, rating.rubric, 1, say)


@contextmanager
def _there(run: Path, referee: Referee, say: Say) -> Iterator[Loaded]:
    """Start the judge's server where it has one, and end it; its log is RUN/rubric/server.log."""
    entry = referee.entry
    loader = loader_for(entry, "", run / FOLDER, referee.headers, say)
    if loader.about or entry.server:
        say(f"judge {entry.alias}: load: {loader.about or entry.model}")
    try:
        yield anyio.run(loader.load)
    finally:
        anyio.run(loader.unload)
