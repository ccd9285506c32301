"""``tailrace compare``: runs against a base or a stored baseline, with a verdict a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tailrace.errors import EXIT_DIFFERS, EXIT_OK, UsageError

if TYPE_CHECKING:
    from tailrace.results.compare import Comparison
    from tailrace.results.compare_level import Settings

FOLDER = ".tailrace/baselines"
_NAME = "main"
IN_FOLDER = click.option(
    "--baselines",
    "folder",
    default=FOLDER,
    show_default=True,
    envvar="TAILRACE_BASELINES",
    show_envvar=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where baselines lie.",
)


@click.command()
@click.argument("runs", metavar="A B...", nargs=-1)
@click.option(
    "--baseline",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="Compare with this stored baseline instead of A.  [NAME: main]",
)
@IN_FOLDER
@click.option(
    "--metrics",
    metavar="LIST",
    help="Comma-separated: ttft, icl, tpot, e2e, ttft_response, e2e_response (or one percentile, "
    "as ttft:p99, of p50, p90, p95, p99), tokens_per_s, requests_per_s, error_rate.  "
    "[default: all but the response times]",
)
@click.option("--margin", default="5%", show_default=True, help="Change that does not matter.")
@click.option(
    "--error-margin",
    default="1%",
    show_default=True,
    help="The same of the error rate, in % of all requests.",
)
@click.option("--confidence", default="95%", show_default=True, help="Of intervals and verdicts.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draws.")
@click.option("--allow-different", is_flag=True, help="Also compare what was asked differently.")
@click.option("--allow-invalid", is_flag=True, help="Also compare INVALID runs.")
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["text", "markdown", "json", "junit"]),
    default="text",
    show_default=True,
)
@click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.pass_context
def compare(
    ctx: click.Context,
    /,
    runs: tuple[str, ...],
    baseline: str | None,
    folder: Path,
    form: str,
    out: Path | None,
    allow_different: bool,
    allow_invalid: bool,
    **values: Any,
) -> None:
    """What changed from run A to B, figure by figure, with intervals and a verdict on each.

    A is the base of all that follow; each is RUN, or RUN:MODEL. Exit code 10: something is worse
    by more than the margin, with confidence; 0: nothing is.

    \b
    tailrace compare runs/before runs/after
    tailrace compare --baseline main runs/after --format junit --out compare.xml
    """
    settings = _settings(values)
    base, others = _sides(runs, baseline, folder)
    from tailrace.opened import measured
    from tailrace.results.compare import compare as compared

    found = compared(
        *(measured(base), [measured(each) for each in others], settings),
        allow_different=allow_different,
        allow_invalid=allow_invalid,
    )
    _print(found, form, out)
    ctx.exit(EXIT_DIFFERS if found.worse else EXIT_OK)


def _sides(runs: tuple[str, ...], name: str | None, folder: Path) -> tuple[str, tuple[str, ...]]:
    """The base and the others, as texts that ``measured`` reads."""
    from tailrace.results.baseline_files import baseline_path, is_baseline, require_baseline

    if name is None:
        if len(runs) < 2:
            raise UsageError("compare takes two runs or more, or one and --baseline")
        return runs[0], runs[1:]
    # click takes a RUN that follows a bare --baseline for its NAME.
    if name and not runs and Path(name.split(":")[0], "run.json").exists():
        name, runs = "", (name,)
    if not runs:
        raise UsageError("compare --baseline takes a run to compare: compare --baseline NAME RUN")
    name = name or _NAME
    if Path(name, "run.json").exists() and not is_baseline(baseline_path(folder, _safe(name))):
        name, runs = _NAME, (name, *runs)
    return str(require_baseline(folder, name)), runs


def _safe(name: str) -> str:
    from tailrace.results.files import safe_name

    return safe_name(name)


def _settings(values: dict[str, Any]) -> Settings:
    from tailrace.results.compare_level import Settings

    confidence = share(values["confidence"], "--confidence")
    if not 0.5 <= confidence <= 0.999:
        raise UsageError("--confidence must be from 50% to 99.9%")
    wanted = {"metrics": metrics(values["metrics"])} if values["metrics"] is not None else {}
    return Settings(
        margin=share(values["margin"], "--margin"),
        error_margin=share(values["error_margin"], "--error-margin"),
        confidence=confidence,
        seed=values["seed"],
        **wanted,
    )


def share(text: str, option: str) -> float:
    """A part of one, from ``5%`` or ``0.05``; raises UsageError naming the option."""
    number = text.strip().removesuffix("%")
    try:
        value = float(number) / (100 if number != text.strip() else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise UsageError(f"{option} {text!r} must be from 0% to under 100%, like 5% or 0.05")
    return value


def metrics(text: str) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Metric and its percentiles, as ``--metrics`` names them, one entry a metric."""
    from tailrace.results.compare_figures import LATENCIES
    from tailrace.results.compare_level import METRICS, PERCENTS

    known = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0}
    found: dict[str, set[float]] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        metric, colon, percentile = part.partition(":")
        if metric not in METRICS:
            raise UsageError(f"--metrics: {metric!r} is none of {', '.join(METRICS)}")
        if colon and (metric not in LATENCIES or percentile not in known):
            raise UsageError(
                f"--metrics: {part!r}: only {', '.join(LATENCIES)} take a percentile, "
                f"one of {', '.join(known)}"
            )
        of = (known[percentile],) if colon else PERCENTS if metric in LATENCIES else ()
        found.setdefault(metric, set()).update(of)
    if not found:
        raise UsageError(f"--metrics names none of {', '.join(METRICS)}")
    return tuple((metric, tuple(sorted(percents))) for metric, percents in found.items())


def _print(found: Comparison, form: str, out: Path | None) -> None:
    text = _text(found, form, None if out is None else 100)
    if out is None:
        click.echo(text, nl=False)
        return
    from tailrace.results.atomic import write_atomic

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(out, text.encode("utf-8"))
    except OSError as exc:
        raise UsageError(f"--out {str(out)!r} cannot be written: {exc.strerror}") from None
    from tailrace.results.render.compare import counted, sentence

    for pair in found.pairs:
        click.echo(f"{pair.other} against {pair.base}: {counted(pair.cells)}")
    for cell in found.worse:
        click.echo(f"worse  {cell.model} at {cell.load}: {sentence(cell)}")


def _text(found: Comparison, form: str, width: int | None) -> str:
    from tailrace.results.render import compare as render

    if form == "json":
        import orjson

        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(render.compare_json(found), option=options).decode()
    if form == "junit":
        return render.compare_junit(found)
    sections = render.compare_sections(found)
    if form == "markdown":
        from tailrace.results.render.markdown import titled_md

        return "\n\n".join(map(titled_md, sections)) + "\n"
    from shutil import get_terminal_size

    from tailrace.results.render.sheet_text import section_lines

    columns = width or get_terminal_size().columns
    blocks = ["\n".join(section_lines(section, columns)) for section in sections]
    return "\n\n".join(blocks) + "\n"
