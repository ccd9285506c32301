"""``tailrace charts``: the charts of a run's report as files, for papers and slides."""

from __future__ import annotations

from pathlib import Path

import click

PIXELS = click.IntRange(200, 10_000)


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["png", "svg", "pdf"]),
    default="png",
    show_default=True,
)
@click.option(
    "--output",
    "--out",
    "-o",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default="charts",
    show_default=True,
    help="Folder of the files.",
)
@click.option(
    "--chart",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only this one, as its file is named, with or without the model; may be repeated.",
)
@click.option("--model", metavar="M", help="Only this model of the run.")
@click.option("--width", type=PIXELS, default=900, show_default=True, help="Pixels, 96 an inch.")
@click.option("--height", type=PIXELS, default=420, show_default=True, help="Pixels, 96 an inch.")
@click.option(
    "--scale",
    type=click.FloatRange(0.5, 10),
    default=2.0,
    show_default=True,
    help="Of a PNG: how many times finer.",
)
def charts(
    run: Path,
    form: str,
    folder: Path,
    names: tuple[str, ...],
    model: str | None,
    width: int,
    height: int,
    scale: float,
) -> None:
    """Write each chart of the report as a file; needs the extra `charts` and a Chromium.

    \b
    tailrace charts RUN
    tailrace charts RUN --format pdf --output figures --width 600 --height 360
    tailrace charts RUN --format svg --chart ttft-load --chart gaps-time
    """
    from tailrace.results.export.charts import Form, chosen_charts, write_charts
    from tailrace.results.export.chosen import chosen

    of = chosen(run, model)
    wanted = chosen_charts(of, names)
    paths = write_charts(of, wanted, folder, Form(form, width, height, scale))
    said = "1 chart" if len(paths) == 1 else f"{len(paths)} charts"
    click.echo(f"{said} written to {folder}", err=True)
