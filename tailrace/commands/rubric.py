"""``tailrace rubric``: scores for the answers of a run, from people and from a judge model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from tailrace.commands.credentials import hidden_key
from tailrace.errors import EXIT_OK, EXIT_UNREACHABLE
from tailrace.scenarios.files import read_text

_RUN = click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
_SAMPLES = click.option(
    "--samples",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Answers of each prompt and model.",
)
_RUBRIC = click.option(
    "--rubric",
    "rubric_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Facets to score (TOML or JSON), where a prompt does not name its own.  [default: those "
    "that the run was scored on before, else `tailrace rubric default`]",
)


@click.group()
def rubric() -> None:
    """Have the answers of a run scored, by people and by a judge model.

    The run must have kept its answers (--keep-text). `tailrace report RUN` then shows the scores.
    """


@rubric.command()
def default() -> None:
    """Print the rubric file that is taken when none is given, to start your own from."""
    from tailrace.rubric import default_rubric

    click.echo(default_rubric(), nl=False)


@rubric.command()
@_RUN
@_SAMPLES
@_RUBRIC
def stub(run_folder: Path, samples: int, rubric_file: Path | None) -> None:
    """Write RUN/rubric/annotations.csv, a sheet for people to fill in.

    One row an answer, one column a facet, from 1 (worst) to 5 (best). Run again, it adds what is
    new and keeps every row that is there.
    """
    from tailrace.rubric import make_stub

    made = make_stub(run_folder, samples, rubric_file)
    kept = f", {made.kept} kept" if made.kept else ""
    stale = f", {made.stale} of them stale: their answers have changed" if made.stale else ""
    click.echo(f"{made.path}: {made.added} rows added{kept}{stale}")
    click.echo(f"facets: {', '.join(made.facets)}; fill in 1 to 5, then `tailrace report`")


@rubric.command()
@_RUN
@click.option("--judge-url", required=True, help="Base URL of the judge's API.")
@click.option("--judge-model", required=True, help="Model id of the judge.")
@_SAMPLES
@_RUBRIC
@click.option("--concurrency", "-c", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option("--timeout", default="120s", show_default=True, metavar="TIME")
@click.option("--max-tokens", type=click.IntRange(1), default=512, show_default=True)
@click.option(
    "--judge-key-file",
    metavar="FILE",
    help="File with the judge's API key; else TAILRACE_JUDGE_API_KEY is used.",
)
@click.option("--quiet", "-q", is_flag=True, help="Nothing on the way, only the last lines.")
@click.pass_context
def judge(
    ctx: click.Context, /, run_folder: Path, judge_url: str, judge_model: str, **values: Any
) -> None:
    """Ask a judge model about the answers; writes RUN/rubric/judge.jsonl.

    What it was asked before is not asked again. A reply that gives no valid score leaves the answer
    unscored, with the reason; nothing is ever put in its place.
    """
    from tailrace.engine.judge import Judge
    from tailrace.rubric import ask_judge
    from tailrace.scenarios import parse

    url = parse.base_url(judge_url, "--judge-url")
    key = judge_key(values["judge_key_file"])
    timeout_s = parse.positive(values["timeout"], "--timeout")

    def make() -> Judge:
        return Judge(
            url, judge_model, api_key=key, timeout_s=timeout_s, max_tokens=values["max_tokens"]
        )

    def say(text: str) -> None:
        if not values["quiet"]:
            click.echo(_safe(text), err=True)

    asked = ask_judge(
        run_folder, make, values["samples"], values["rubric_file"], values["concurrency"], say
    )
    already = f", {asked.already} judged before" if asked.already else ""
    click.echo(f"{asked.path}: {len(asked.lines)} answers asked about{already}")
    told = f"{asked.scored} scores, {asked.unscored} unscored"
    click.echo(f"{told}; `tailrace report {run_folder}` shows them")
    ctx.exit(EXIT_UNREACHABLE if asked.failed else EXIT_OK)


def judge_key(path: str | None) -> str | None:
    """The judge's key; never from the command line itself, and never the key of the run.

    Raises UsageError for a file that cannot be read, and for what no header can carry.
    """
    if path is None:
        return hidden_key(os.environ.get("TAILRACE_JUDGE_API_KEY", ""), "the judge's")
    return hidden_key(read_text(path, "--judge-key-file"), "the judge's")


def _safe(text: str) -> str:
    from tailrace.results.render.text import safe_text

    return safe_text(text, 300)
