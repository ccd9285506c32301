"""The command line: parse, call, print. What a command does is elsewhere.

Standard output holds the result, standard error everything on the way. Exit codes: 0 pass, 2
usage, 3 target unreachable, a model, judge or check failed, 10 an objective missed, a comparison
worse, or outputs differ, 11 invalid measurement, 12 aborted, 130 ended by a signal.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tailrace import __version__
from tailrace.commands import own_metrics
from tailrace.commands.baseline import baseline
from tailrace.commands.charts import charts
from tailrace.commands.check import check
from tailrace.commands.compare import compare
from tailrace.commands.convert import convert
from tailrace.commands.export import export
from tailrace.commands.file import located_errors, settled
from tailrace.commands.foundry import foundry
from tailrace.commands.limits import limit_options, settled_for_search, with_search
from tailrace.commands.options import run_options, wanted
from tailrace.commands.outputs import outputs
from tailrace.commands.query import query
from tailrace.commands.rubric import rubric
from tailrace.commands.said import say_error, say_json, say_who_reaches
from tailrace.commands.scenarios import COMMANDS
from tailrace.commands.streams import leave_closed_streams, print_anything
from tailrace.commands.variants import select, variants
from tailrace.commands.watch import watch
from tailrace.errors import (
    EXIT_INVALID,
    EXIT_OK,
    EXIT_PIPE,
    EXIT_SIGNAL,
    EXIT_SLO_MISSED,
    TailraceError,
    UsageError,
)
from tailrace.hidden import guard_tracebacks
from tailrace.lean import one_blas_thread, start_lean

if TYPE_CHECKING:
    from tailrace.results.facts import RunFacts
    from tailrace.results.verdict import Verdict

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="tailrace")
def cli() -> None:
    """Load-test streaming LLM endpoints with numbers that can be believed."""


@cli.command()
@run_options
@click.option(
    "--show-config", is_flag=True, help="Print every option's value and source; send nothing."
)
@click.option("--quiet", "-q", is_flag=True, help="Nothing on the way, only the final table.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on standard output.")
@click.pass_context
def run(
    ctx: click.Context, /, show_config: bool, quiet: bool, as_json: bool, **values: Any
) -> None:
    """Hold users on a model, level by level, and write a result folder.

    SCENARIO is a file whose keys are these options' long names (TOML, YAML or JSON; `tailrace init`
    writes one), or catalog:NAME for one of `tailrace catalog`. Flags beat it.

    \b
    tailrace run --url http://127.0.0.1:8080/v1 --model M --concurrency 1,2,4,8 --duration 30s
    tailrace run catalog:chat --url http://127.0.0.1:8080/v1 --model auto
    """
    if values["resume"] is not None:
        ctx.exit(_resume(ctx, values, quiet or as_json, as_json))
    if show_config:
        from tailrace.commands import show

        show.show(ctx, values, as_json)
        return
    with located_errors(ctx):
        want = wanted(settled(ctx, values))
    ctx.exit(_run(want, quiet or as_json, as_json))


@cli.command("find-limit")
@limit_options
@run_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on the way, only the final table.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on standard output.")
@click.pass_context
def find_limit(ctx: click.Context, /, quiet: bool, as_json: bool, **values: Any) -> None:
    """Find the most users, or the highest rate, that meet the objectives of --slo.

    \b
    tailrace find-limit --url http://127.0.0.1:8080/v1 --model M --users 1..256 \\
        --slo 'ttft:p95<500ms, error_rate<1%'
    """
    with located_errors(ctx):
        found, search = settled_for_search(settled(ctx, values))
        want = with_search(wanted(found), search)
    ctx.exit(_run(want, quiet or as_json, as_json))


def _run(want: Any, quiet: bool, as_json: bool) -> int:
    with one_blas_thread():
        from tailrace import display
        from tailrace.runner import run_scenario

    want = _named(want)
    finished = run_scenario(
        *(want.scenario, want.out, want.name, want.secret_headers, display.choose(quiet)),
        model_headers=want.model_headers,
        options=want.options,
        metrics_at=want.metrics.address,
        fleet=want.fleet,
    )
    return _end(finished, want.scenario, quiet, as_json, want.rating, want.metrics)


def _resume(ctx: click.Context, values: dict[str, Any], quiet: bool, as_json: bool) -> int:
    from tailrace import display
    from tailrace.commands import cloud, fleet, models, rating
    from tailrace.commands.options import secret_headers
    from tailrace.results.files import RunFolder
    from tailrace.results.resume import require_resumable
    from tailrace.resumer import resume, scenario_of

    run = values["resume"]
    folder = RunFolder(Path(run))
    facts = folder.read_facts()
    require_resumable(facts, repr(run))
    scenario = scenario_of(facts, repr(run))
    models.require_same(ctx, facts.options, run)
    values = cloud.again(values, facts.options, scenario)
    _, secret = secret_headers(values)
    of_models = models.headers_again(values, facts.options, scenario, secret, run)
    of_models = cloud.for_models(scenario.entries, of_models, secret)
    asked = rating.again(values, facts.options, scenario, of_models)
    metrics = own_metrics.own_metrics(values)
    shown = display.choose(quiet)
    place = fleet.again(ctx, values)
    finished = resume(folder, facts, secret, of_models, shown, metrics.address, *place)
    return _end(finished, scenario, quiet, as_json, asked, metrics)


def _end(
    finished: Any, scenario: Any, quiet: bool, as_json: bool, rating: Any, metrics: Any
) -> int:
    """Have it rated, print what came of it; returns the run's exit code, else the rating's."""
    from tailrace.commands.rating import rated

    finished, rating_code = rated(finished, rating, quiet)
    hint = ""
    if not quiet:
        from tailrace.runner import calibrate_hint

        hint = calibrate_hint(finished.facts, scenario)
    _print(finished.path, finished.facts, finished.results, finished.verdict, as_json, hint)
    for model in finished.facts.models:
        if model.status == "failed" and quiet:  # otherwise it has been said
            say_error(f"{model.model}: {model.error}")
    own_metrics.write_metrics(finished, metrics.file)
    code: int = finished.exit_code
    return code or rating_code


def _named(want: Any) -> Any:
    """With the models that auto and ALL stand for."""
    from dataclasses import replace

    from tailrace.engine.model_names import names_for

    names = names_for(want.scenario, want.secret_headers)
    return want._replace(scenario=replace(want.scenario, models=names))


def _print(
    path: Path,
    facts: RunFacts,
    results: list[dict[str, Any]],
    verdict: Verdict,
    as_json: bool,
    hint: str = "",
) -> None:
    if as_json:
        document = {
            "run": str(path),
            "ended": facts.ended,
            "verdict": verdict.to_dict(),
            "models": results,
        }
        say_json(document)
        return
    from rich.console import Console

    from tailrace.results.render.terminal import final
    from tailrace.results.rubric_files import RubricFolder

    paths = [str(path / name) for name in ("report.html", "report.md", "summary.csv")]
    sheet = RubricFolder(path).sheet_path
    more = (path / "limit.json", sheet)
    paths += [str(one) for one in more if one.exists()]
    Console(highlight=False).print(final(facts, results, verdict, paths, hint))


@cli.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on standard output.")
@click.pass_context
def report(ctx: click.Context, /, run_folder: Path, as_json: bool) -> None:
    """Rebuild every derived file of RUN from run.json and the journals, and print the table."""
    from tailrace.results.files import RunFolder

    facts, results, verdict = RunFolder(run_folder).rebuild()
    _print(run_folder, facts, results, verdict, as_json)
    ctx.exit(EXIT_INVALID if verdict.reasons else _code(results))


def _code(results: list[dict[str, Any]]) -> int:
    from tailrace.results.slo_judge import missed

    return EXIT_SLO_MISSED if missed(results) else EXIT_OK


@cli.command()
@click.option("--quick", is_flag=True, help="20 seconds instead of 90; fewer loads and samples.")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write it.  [default: the user's cache, where `run` finds it]",
)
@click.option("--transport", type=click.Choice(["fast", "httpx"]), default="fast")
@click.option("--stamps", type=click.Choice(["auto", "user"]), default="auto")
@click.option("--loop", type=click.Choice(["auto", "uvloop", "asyncio"]), default="auto")
@click.option("--fleet", metavar="ray|ray://HOST:PORT|HOST:PORT", help="Each node of a cluster.")
@click.option("--json", "as_json", is_flag=True, help="The document on standard output.")
def calibrate(
    quick: bool, out: Path | None, fleet: str | None, as_json: bool, **engine: Any
) -> None:
    """Measure this client's own errors and ceilings on this machine.

    A scripted endpoint whose true times are known is put under load in a process of its own. What
    is found is kept, and each `run` on this machine with the same loop, transport and stamps then
    says how far off its figures may be.
    """
    if fleet is not None:
        from tailrace.commands.calibrate_fleet import calibrate_fleet

        click.get_current_context().exit(calibrate_fleet(fleet, quick, out, as_json, engine))
    from tailrace import calibrate as calibration

    def say(text: str) -> None:
        click.echo(text, err=True)

    found, path = calibration.calibrate(calibration.plan_of(quick, **engine), out, say)
    if as_json:
        import orjson

        click.echo(orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2))
        return
    from rich.console import Console

    from tailrace.results.render.calibration import calibration_lines

    console = Console(highlight=False, markup=False, emoji=False)
    for line in calibration_lines(found, console.width):
        console.print(line)
    console.print(f"\nwritten to   {path}", soft_wrap=True)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8089, show_default=True)
@click.option("--ttft", default="200ms", show_default=True, metavar="TIME")
@click.option("--gap", default="20ms", show_default=True, metavar="TIME")
@click.option("--tokens", type=int, default=64, show_default=True, help="Natural length.")
@click.option("--tokens-per-chunk", type=int, default=1, show_default=True)
@click.option("--jitter", type=float, default=0.0, show_default=True, help="0 to 1, of each wait.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--slots", type=int, default=0, show_default=True, help="0 for no limit.")
@click.option("--model", "models", multiple=True, default=("sim",), show_default=True)
@click.option("--role-early", is_flag=True, help="Role chunk with the headers.")
@click.option("--metrics", is_flag=True, help="Serve Prometheus text at /metrics.")
@click.option("--fault", metavar="NAME", help="A fault of the catalogue; 'list' shows them.")
@click.option("--fault-every", type=int, default=1, show_default=True)
@click.option("--fault-from", type=int, default=1, show_default=True, help="First request.")
@click.option("--fault-after", type=int, default=3, show_default=True, help="Chunks before it.")
@click.option("--loop", type=click.Choice(["auto", "uvloop", "asyncio"]), default="auto")
def simulate(host: str, port: int, loop: str, ttft: str, gap: str, **values: Any) -> None:
    """Serve a scripted endpoint with known delays; its true times are at /truth."""
    from tailrace.scenarios.parse import seconds
    from tailrace.simulate import CATALOGUE, Script
    from tailrace.simulate import run as serve

    if values["fault"] == "list":
        width = max(map(len, CATALOGUE))
        for name, fault in CATALOGUE.items():
            click.echo(f"{name:{width}} {fault.about}")
        return
    try:
        script = Script(
            ttft_ns=round(seconds(ttft, "--ttft") * 1e9),
            gap_ns=round(seconds(gap, "--gap") * 1e9),
            **values,
        )
    except ValueError as exc:
        raise UsageError(str(exc)) from None
    say_who_reaches(host)
    try:
        serve(script, host, port, loop)
    except OSError as exc:
        raise UsageError(f"{host}:{port} cannot be listened on: {exc.strerror}") from None


@cli.command()
@click.option("--simulated", is_flag=True, help="A scripted endpoint instead of a real model.")
@click.option("--concurrency", "-c", default="1,2,4,8", show_default=True, metavar="N[,N…]")
@click.option("--duration", "-d", default="12s", show_default=True, metavar="TIME")
@click.option("--out", "-o", default="runs", show_default=True, metavar="DIR")
@click.option("--quiet", "-q", is_flag=True)
@click.pass_context
def demo(
    ctx: click.Context, /, simulated: bool, concurrency: str, duration: str, out: str, quiet: bool
) -> None:
    """Load-test a real embedded model (llama.cpp, Gemma 3 270M) on this machine."""
    arguments = ["--concurrency", concurrency, "--duration", duration, "--warmup", "3s"]
    arguments += ["--max-tokens", "32", "--out", out, *(["--quiet"] if quiet else [])]
    with _demo_server(simulated) as (url, model):
        arguments += ["--url", url, "--model", model, "--name", f"demo-{model}"]
        run.main(arguments, prog_name="tailrace demo", standalone_mode=False)


@contextlib.contextmanager
def _demo_server(simulated: bool) -> Iterator[tuple[str, str]]:
    """A server for the demo, as (base URL, model)."""
    if simulated:
        from tailrace.simulate import Script, background

        with background(Script(slots=4, jitter=0.3)) as url:
            yield url, "sim"
        return
    from tailrace import demo as llama

    model = llama.gemma_path()
    click.echo("Starting llama.cpp with Gemma 3 270M, 4 slots", err=True)
    with llama.llama_server(model, 4, alias=llama.GEMMA_ALIAS) as url:
        yield url, llama.GEMMA_ALIAS


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell, for its start-up file."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "tailrace", "_TAILRACE_COMPLETE").source())


_OTHERS = (
    *(baseline, charts, check, compare, convert, export, foundry, outputs, query, rubric),
    *(select, variants, watch),
)

for command in (*_OTHERS, *COMMANDS):
    cli.add_command(command)


def main() -> None:
    """Entry point; every expected failure is one sentence and a code."""
    start_lean()
    print_anything()
    guard_tracebacks()
    try:
        code = cli.main(prog_name="tailrace", standalone_mode=False)
    except TailraceError as exc:
        say_error(exc)
        code = exc.exit_code
    except click.ClickException as exc:
        exc.show()
        code = exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = EXIT_SIGNAL
    except (BrokenPipeError, SystemExit):  # who read the output has seen enough; rich exits then
        code = EXIT_PIPE
    leave_closed_streams()
    sys.exit(code)
