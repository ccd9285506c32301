"""Makes the pictures of the terminal in docs/images: a run against the scripted endpoint, in a
pseudo-terminal and in a pipe, drawn as a terminal would by a real Chromium.

    pip install -e '.[test]' pyte; python docs/terminal_screenshots.py

It needs Chromium on the PATH and a POSIX system, and takes a minute.
"""

from __future__ import annotations

import fcntl
import html
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pyte
from playwright.sync_api import Page, sync_playwright
from pyte.screens import Char

from tailrace.simulate import Script, background

IMAGES = Path(__file__).parent / "images"
SCRIPT = Script(*(80_000_000, 8_000_000, 32), jitter=0.3, slots=8, fault="reset", fault_every=37)
LOAD = ("-m", "sim", "-c", "1,4,16", "--duration", "12s", "--warmup", "1s")
COLUMNS, LINES = 110, 60
LIVE_AT_S = 24.0
"""In the second level, when its curves have a shape."""
COLOURS = {
    "default": "#d8dee9",
    "black": "#4c566a",
    "red": "#ff6b6b",
    "green": "#8fd18a",
    "brown": "#e6c35c",
    "blue": "#81a1c1",
    "magenta": "#c397d8",
    "cyan": "#70c0ba",
    "white": "#e5e9f0",
}
PAGE = """<style>body {{ margin: 0 }} pre {{ margin: 0; padding: 16px 20px; width: max-content;
font: 14px/1.35 'DejaVu Sans Mono', monospace; color: {colour}; background: #15181e }}</style>
<pre>{text}</pre>"""


def command(url: str, folder: str) -> list[str]:
    """The run that is shown."""
    return [sys.executable, "-m", "tailrace", "run", "--url", url, *LOAD, "--out", folder]


def on_terminal(url: str, folder: str) -> tuple[str, str]:
    """The screen while the run goes on, and when it is over."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS), LINES=str(LINES))
        os.execv(sys.executable, command(url, folder))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    until, live = time.monotonic() + LIVE_AT_S, ""
    while data := _read(fd):
        stream.feed(data)
        if not live and time.monotonic() > until:
            live = drawn(screen)
    os.waitpid(pid, 0)
    return live, drawn(screen)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except OSError:  # Linux tells so that the other side is closed
        return b""


def drawn(screen: pyte.Screen) -> str:
    """The screen's lines as HTML, empty ones at the end left out."""
    lines = ["".join(_cell(row[x]) for x in range(COLUMNS)).rstrip() for row in _rows(screen)]
    return "\n".join(lines).rstrip()


def _rows(screen: pyte.Screen) -> list[dict[int, Char]]:
    return [screen.buffer[y] for y in range(LINES)]


def _cell(cell: Char) -> str:
    text = html.escape(cell.data)
    colour = COLOURS.get(cell.fg, f"#{cell.fg}")
    if cell.fg == "default" and not cell.bold:
        return text
    weight = ";font-weight:bold" if cell.bold else ""
    return f'<span style="color:{colour}{weight}">{text}</span>'


def in_pipe(url: str, folder: str) -> str:
    """What a log of the same run holds."""
    done = subprocess.run(
        command(url, folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return html.escape(done.stdout)


def shoot(page: Page, name: str, text: str) -> None:
    """One picture, as large as its text."""
    page.set_content(
        PAGE.format(colour=COLOURS["default"], text=text.replace(str(Path.home()), "~"))
    )
    page.locator("pre").screenshot(path=IMAGES / f"{name}.png")


def main() -> None:
    """Write the pictures."""
    chromium = shutil.which("chromium") or sys.exit("no chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder, background(SCRIPT) as url:
        os.chdir(folder)
        live, over = on_terminal(url, "runs")
        log = in_pipe(url, "runs")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        for name, text in (("live", live), ("result", over), ("headless", log)):
            shoot(page, f"terminal-{name}", text)
        browser.close()


if __name__ == "__main__":
    main()
