"""Display: how a running load looks to whoever watches it.

On a terminal a live panel, redrawn twice a second; elsewhere (cron, ssh without a tty, CI) plain
lines. Everything goes to standard error, so that standard output holds only the result.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tailrace.results.render.live import Snapshot, log_line, panel
from tailrace.results.render.text import safe_text

if TYPE_CHECKING:
    from rich.live import Live

_HISTORY = 240


class Display(Protocol):
    """An observer that is also shown snapshots."""

    interval_s: float
    """How often it wants a snapshot."""

    def say(self, text: str) -> None:
        """A line worth keeping."""
        ...

    def show(self, snapshot: Snapshot | None) -> None:
        """The load now; None between levels."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class Quiet:
    """Says nothing."""

    interval_s = 60.0

    def say(self, text: str) -> None:
        """Nothing."""

    def show(self, snapshot: Snapshot | None) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Lines:
    """Plain lines, one every few seconds."""

    interval_s = 5.0

    def say(self, text: str) -> None:
        """One line."""
        print(safe_text(text), file=sys.stderr, flush=True)

    def show(self, snapshot: Snapshot | None) -> None:
        """One line."""
        if snapshot is not None:
            self.say(log_line(snapshot))

    def close(self) -> None:
        """Nothing to undo."""


class Panel:
    """The live panel; lines that are said scroll above it."""

    interval_s = 0.5

    def __init__(self) -> None:
        self._live: Live | None = None
        self._history: deque[Snapshot] = deque(maxlen=_HISTORY)

    def say(self, text: str) -> None:
        """A line above the panel."""
        if self._live is None:
            print(safe_text(text), file=sys.stderr, flush=True)
        else:
            self._live.console.print(safe_text(text), markup=False, highlight=False)

    def show(self, snapshot: Snapshot | None) -> None:
        """Redraw."""
        if snapshot is None:
            return
        if self._history and self._history[-1].place != snapshot.place:
            self._history.clear()
        self._history.append(snapshot)
        if self._live is None:
            self._live = self._start()
        self._live.update(panel(snapshot, self._history), refresh=True)

    def _start(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
        live.start()
        return live

    def close(self) -> None:
        """Take the panel away."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class Sturdy:
    """A display that goes quiet when nobody is there any more: ssh was cut, a pipe was closed."""

    def __init__(self, shown: Display) -> None:
        self._shown = shown
        self.interval_s = shown.interval_s

    def say(self, text: str) -> None:
        """See Display.say."""
        self._try(lambda: self._shown.say(text))

    def show(self, snapshot: Snapshot | None) -> None:
        """See Display.show."""
        self._try(lambda: self._shown.show(snapshot))

    def close(self) -> None:
        """See Display.close."""
        self._try(self._shown.close)

    def _try(self, what: Callable[[], None]) -> None:
        try:
            what()
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._shown = Quiet()


def choose(quiet: bool) -> Display:
    """Panel on a terminal, lines elsewhere, nothing when asked to be quiet."""
    if quiet:
        return Quiet()
    return Sturdy(Panel() if sys.stderr.isatty() else Lines())
