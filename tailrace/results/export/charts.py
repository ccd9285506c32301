"""Chart files: the charts of a run's report as pictures, drawn by the report's own page.

Rule: the page is made, opened in a browser and asked for each picture, so that a file shows what
the report shows and no second code draws anything. A PDF is the SVG, printed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from tailrace.errors import UsageError
from tailrace.results.atomic import write_atomic
from tailrace.results.browser import browser
from tailrace.results.export.chosen import Chosen
from tailrace.results.files import write_html
from tailrace.results.render.charts import run_charts
from tailrace.results.render.table import by_model, rows

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DRAWN = "html[data-drawn]"
"""What the page has when all its charts are drawn."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a file is to be."""

    suffix: str
    """png, svg or pdf."""
    width: int
    """In pixels of a page, of which an inch has 96; so is ``height``."""
    height: int
    scale: float
    """A PNG's own pixels for one of those."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A chart that becomes a file."""

    place: int
    """In the page."""
    key: str
    """Name of its file: that of its model's folder, and its own."""


def chosen_charts(run: Chosen, names: Sequence[str]) -> list[Wanted]:
    """All charts, or those of these names: ``ttft-load`` of each model, ``llama-ttft-load`` of one.

    Raises UsageError for a name that no chart has, and where a run has none.
    """
    found: list[Wanted] = []
    known: list[str] = []
    place = 0
    made = run_charts(by_model(rows(run.facts, run.results)), run.results, run.facts)
    folders = ("", *(model.folder for model in run.facts.models))
    for folder, charts in zip(folders, made, strict=True):
        for chart in charts:
            own = chart.key.removeprefix(f"{folder}-")
            known.append(own)
            if not names or own in names or chart.key in names:
                found.append(Wanted(place, chart.key))
            place += 1
    if not place:
        raise UsageError(f"{str(run.path)!r} has no chart: no level of it was reached")
    for name in set(names) - {*known, *(each.key for each in found)}:
        told = ", ".join(dict.fromkeys(known))
        raise UsageError(f"--chart: no chart is named {name!r}; there are {told}")
    return found


def write_charts(run: Chosen, charts: Sequence[Wanted], folder: Path, form: Form) -> list[Path]:
    """Write these charts as ``<key>.<suffix>`` into a folder that is made if need be.

    Raises UsageError where the folder cannot be written or no browser is to be had, ResultError
    where the browser draws nothing.
    """
    paths = []
    with tempfile.TemporaryDirectory() as made, browser() as started:
        page = _opened(started, Path(made), run)
        for chart in charts:
            paths.append(folder / f"{chart.key}.{form.suffix}")
            _write(paths[-1], _picture(started, page, chart.place, form))
    return paths


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
    except OSError as exc:
        raise UsageError(
            f"--output {str(path.parent)!r} cannot be written: {exc.strerror}; name another folder"
        ) from None


def _opened(browser: Browser, folder: Path, run: Chosen) -> Page:
    """The report, drawn."""
    path = folder / "report.html"
    write_html(path, run.facts, run.results, run.verdict)
    page = browser.new_page(color_scheme="light")
    page.goto(path.as_uri())
    page.wait_for_selector(DRAWN, state="attached")
    return page


def _picture(browser: Browser, page: Page, place: int, form: Form) -> bytes:
    drawn = "png" if form.suffix == "png" else "svg"
    scale = form.scale if drawn == "png" else 1
    asked = {"format": drawn, "width": form.width, "height": form.height, "scale": scale}
    url = page.evaluate("([place, form]) => window.picture(place, form)", [place, asked])
    with urlopen(url) as data:  # a data: URL
        picture: bytes = data.read()
    return picture if form.suffix != "pdf" else _printed(browser, picture.decode(), form)


def _printed(browser: Browser, svg: str, form: Form) -> bytes:
    """On one page of just its size."""
    page = browser.new_page(java_script_enabled=False)
    try:
        page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{svg}")
        width, height = f"{form.width}px", f"{form.height}px"
        return page.pdf(width=width, height=height, print_background=True, page_ranges="1")
    finally:
        page.close()
