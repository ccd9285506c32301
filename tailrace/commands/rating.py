"""Options of ``tailrace run`` that have its answers rated when it is over: a sheet, and a judge.

What they do is in rating.py. Whatever can be wrong with them is said before the run begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tailrace.commands.option import Command, option
from tailrace.commands.said import say_error
from tailrace.errors import UsageError
from tailrace.scenarios.dialects import EMBEDDINGS

if TYPE_CHECKING:
    from tailrace.rating import Rating, Referee
    from tailrace.runner import Finished
    from tailrace.scenarios.model import Scenario
    from tailrace.scenarios.model_entry import ModelEntry

DEFAULT = "default"
"""The rubric that ships; a file of that name is ``./default``."""

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--rubric",
        metavar="FILE|default",
        help="After the run, write RUN/rubric/annotations.csv for people to score the answers on "
        "this rubric; implies --keep-text.",
    ),
    option(
        "--rubric-samples",
        type=click.IntRange(1),
        default=3,
        show_default=True,
        help="Answers of each prompt and model that are rated.",
    ),
    option(
        "--judge",
        metavar="MODEL",
        help="After the run, have this model score the answers: an alias of the models file, whose "
        "server is started again, or a model id at --judge-url; implies --rubric default.",
    ),
    option("--judge-url", help="Base URL of the judge's API.  [default: --url]"),
    option(
        "--judge-max-tokens",
        type=click.IntRange(1),
        default=512,
        show_default=True,
        help="Longest reply of the judge, in tokens.",
    ),
    option(
        "--judge-key-file",
        metavar="FILE",
        help="File with the judge's API key; else TAILRACE_JUDGE_API_KEY is used.",
    ),
)

_KEPT = ("rubric", "rubric_samples", "judge", "judge_url", "judge_max_tokens", "models_file")
"""What a resumed run takes from run.json."""

Headers = tuple[tuple[str, str], ...]


def settled(values: dict[str, Any]) -> dict[str, Any]:
    """The options' values with what a rating implies: the answers are kept."""
    if values["judge"] is not None and values["rubric"] is None:
        values = values | {"rubric": DEFAULT}
    return values if values["rubric"] is None else values | {"keep_text": True}


def rating(
    values: Mapping[str, Any], scenario: Scenario, model_headers: Mapping[str, Headers]
) -> Rating | None:
    """What the options ask for; None for nothing. Raises UsageError for what cannot be done."""
    if values["judge"] is None:
        for name in ("judge_url", "judge_key_file"):
            if values[name] is not None:
                raise UsageError(f"--{name.replace('_', '-')} is for a --judge; name its model")
    if values["rubric"] is None:
        return None
    from tailrace.rating import Rating
    from tailrace.rubric import read_rubric

    if scenario.dialect == EMBEDDINGS:
        raise UsageError(
            f"--rubric is for answers in words; leave it out with --dialect {EMBEDDINGS}"
        )
    rubric = None if values["rubric"] == DEFAULT else Path(values["rubric"])
    if rubric is not None:
        read_rubric(rubric)
    referee = _referee(values, scenario, model_headers) if values["judge"] is not None else None
    return Rating(rubric, values["rubric_samples"], referee)


def again(
    values: Mapping[str, Any],
    kept: Mapping[str, Any],
    scenario: Scenario,
    model_headers: Mapping[str, Headers],
) -> Rating | None:
    """What a run that is resumed was asked for; only the judge's key comes from outside."""
    if kept.get("rubric") is None:
        return None
    known = {name: kept[name] for name in _KEPT if name in kept}
    return rating({**values, **known}, scenario, model_headers)


def _referee(
    values: Mapping[str, Any], scenario: Scenario, model_headers: Mapping[str, Headers]
) -> Referee:
    from dataclasses import replace

    from tailrace.commands.rubric import judge_key
    from tailrace.rating import Referee
    from tailrace.scenarios import parse
    from tailrace.scenarios.model_entry import FOUNDRY, ModelEntry

    _require_known_prompts(scenario)
    name, path, given = values["judge"], values["models_file"], values["judge_url"]
    if not name.strip():
        raise UsageError("--judge must not be empty; give an alias of the models file or a model")
    entry, headers = _entry(name, path, scenario, model_headers)
    own = entry is not None and bool(entry.is_started or entry.url or entry.server)
    if not own and given is None and scenario.foundry:
        entry, own = replace(entry or ModelEntry(name, name), server=FOUNDRY), True
        entry = replace(entry, url=scenario.base_url or None)
    if own and given is not None:
        raise UsageError(
            f"--judge {name!r} has a server of its own in the models file; leave --judge-url out"
        )
    if entry is None or not own:
        url = parse.base_url(given, "--judge-url") if given is not None else scenario.base_url
        if not url:
            where = f"is no alias of {path}" if entry is None and path else "has no URL"
            raise UsageError(f"--judge {name!r} {where}; give its --judge-url or an alias")
        entry = replace(entry or ModelEntry(name, name), url=url)
    key = judge_key(values["judge_key_file"])
    return Referee(entry, headers, key, values["judge_max_tokens"])


def _entry(
    name: str, path: str | None, scenario: Scenario, model_headers: Mapping[str, Headers]
) -> tuple[ModelEntry | None, Headers]:
    """The judge in the run's queue, else in the models file that the queue was picked from."""
    for entry in scenario.entries:
        if entry.alias == name:
            return entry, tuple(model_headers.get(name, ()))
    if path is None:
        return None, ()
    from tailrace.commands.models import read_models

    models = read_models(path)
    found = next((entry for entry in models.entries if entry.alias == name), None)
    return found, tuple(models.headers.get(name, ()))


def _require_known_prompts(scenario: Scenario) -> None:
    """A judge is shown what was asked, so that must be known after the run."""
    from tailrace.scenarios.sources import source_of

    if scenario.sessions is not None or not source_of(scenario).distinct:
        raise UsageError(
            "--judge must be shown what was asked, which is not kept of sessions and made-up "
            "prompts; give --prompt or --prompts"
        )


def rated(finished: Finished, asked: Rating | None, quiet: bool) -> tuple[Finished, int]:
    """The run with its scores in the report, and the exit code of the rating alone."""
    from tailrace.errors import EXIT_OK

    if asked is None:
        return finished, EXIT_OK

    if finished.facts.ended == "interrupted":
        say_error(
            f"not rated, since the run was interrupted; `tailrace run --resume {finished.path}`"
        )
        return finished, EXIT_OK
    from dataclasses import replace

    from tailrace.rating import rate
    from tailrace.results.files import RunFolder
    from tailrace.results.render.text import safe_text

    def say(text: str) -> None:
        if not quiet:
            click.echo(safe_text(text, 300), err=True)

    code = rate(finished.path, asked, say, say_error)
    facts, results, verdict = RunFolder(finished.path).rebuild()
    return replace(finished, facts=facts, results=results, verdict=verdict), code
