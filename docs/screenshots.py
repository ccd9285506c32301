"""Makes the pictures of report.html in docs/images: a run against the scripted endpoint, looked at
by a real Chromium at the width of a desk and of a phone.

    pip install -e '.[test]'; python docs/screenshots.py

It needs a Chromium, and takes half a minute.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tailrace.results.browser import browser
from tailrace.results.export.charts import DRAWN
from tailrace.simulate import Script, background

IMAGES = Path(__file__).parent / "images"
SCRIPT = Script(
    *(80_000_000, 8_000_000, 32), jitter=0.3, slots=8, fault="reset", fault_every=37, metrics=True
)
LOAD = ("-m", "sim", "-c", "1,2,4,8,16,32", "--duration", "5s", "--warmup", "1s", "-q")
LOOKS = (("report-desk", 1240, 2350), ("report-phone", 390, 1500))
"""Name, width, and how much of the page from its top."""


def make_report(folder: str) -> Path:
    """A run with a queue and some resets; its report."""
    with background(SCRIPT) as url:
        command = [sys.executable, "-m", "tailrace", "run", "--url", url, *LOAD, "--out", folder]
        subprocess.run(command, check=False)
    (found,) = Path(folder).glob("*/report.html")
    return found


def main() -> None:
    """Write the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        report = make_report(folder)
        for name, width, height in LOOKS:
            page = started.new_page(viewport={"width": width, "height": height})
            page.goto(report.as_uri())
            page.wait_for_selector(DRAWN, state="attached")
            page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
