"""The calibration as plain text: what each load did to the figures, and the ceilings. Pure.

Rule: as the final table: no box characters, no number is cut, and it reads the same anywhere.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import chain

from tailrace.results.accuracy import Accuracy
from tailrace.results.calibration import CalibratedLevel, Calibration, Ceiling, bound_ms
from tailrace.results.render import about
from tailrace.results.render.figures import FOOTNOTES, NOT_AVAILABLE, UNCERTIFIED, number
from tailrace.results.render.grid import Strip, cells_of, group_line, pack, strip, title_line

CROWDED = (
    "something else had the CPU: neither client nor endpoint could fill one, so the errors are "
    "this moment's and not this machine's; calibrate again when it is idle"
)
_CEILINGS = (("tokens/s", "tokens_per_s"), ("streams", "streams"), ("requests/s", "requests_per_s"))
_LIMITS = {
    "client": "the client's CPU was full",
    "endpoint": "only the endpoint's CPU was full",
    "neither": "neither CPU was full",
}
_METRICS = (("TTFT", "ttft"), ("gap", "gap"), ("E2E", "e2e"))


def calibration_lines(calibration: Calibration, width: int) -> Iterator[str]:
    """From top to bottom, no wider than ``width`` where the words allow it."""
    host = [calibration.host.get(key) for key in ("cpu", "cpus", "system")]
    cpu, cpus, system = (about.value_text(value or "?") for value in host)
    engine = ", ".join(f"{k}={about.value_text(v)}" for k, v in calibration.engine.items())
    tool = about.value_text(calibration.tool.get("version", ""))
    yield f"tailrace {tool}  {calibration.form} calibration, {calibration.created_at}"
    yield f"{cpu}, {cpus} CPUs, {system}, {engine}"
    yield ""
    yield from _levels(calibration, width)
    yield ""
    yield from _ceilings(calibration, width)
    yield ""
    yield from _legend(calibration, width)


def _legend(calibration: Calibration, width: int) -> Iterator[str]:
    floor = calibration.floor_ns
    bounds = ", ".join(
        f"{title} {_mark(calibration, name)}{bound_ms(floor[name])} ms" for title, name in _METRICS
    )
    yield from _folded("floor", f"{bounds}: a smaller difference is not the server's", width)
    about_errors = "reported minus true, by request id; p99 is of its absolute value"
    yield from _folded("error", about_errors, width)
    if not all(a.certified for level in calibration.levels for a in _each(level)):
        yield from _folded(UNCERTIFIED, FOOTNOTES[UNCERTIFIED], width)
    if calibration.crowded:
        yield from _folded("warning", CROWDED, width)


def _mark(calibration: Calibration, name: str) -> str:
    return (
        "" if any(getattr(level, name).certified for level in calibration.levels) else UNCERTIFIED
    )


def _folded(lead: str, text: str, width: int, room: int = 11) -> list[str]:
    """The text beside its lead; what does not fit goes on below it."""
    lines = textwrap.wrap(text, max(width - room - 2, 20), break_on_hyphens=False)
    return [f"{'' if index else lead:<{room}}  {line}" for index, line in enumerate(lines)]


def _levels(calibration: Calibration, width: int) -> Iterator[str]:
    strips = _strips(calibration.levels)
    for index, block in enumerate(pack(strips, width)):
        if index:
            yield ""
        yield group_line(block)
        yield title_line(block)
        for row in range(len(calibration.levels)):
            yield "".join(cell for cell, _ in cells_of(block, row)).rstrip()


def _strips(levels: list[CalibratedLevel]) -> list[Strip]:
    metrics = (
        (
            strip(f"{title} error ms", "n", [str(getattr(level, name).n) for level in levels]),
            strip(
                f"{title} error ms", "median", [_median(getattr(level, name)) for level in levels]
            ),
            strip(f"{title} error ms", "p99", [_p99(getattr(level, name)) for level in levels]),
        )
        for title, name in _METRICS
    )
    return [
        strip("", "streams", [str(level.streams) for level in levels]),
        strip("load", "tok/s", [number(level.tokens_per_s) for level in levels]),
        strip("CPU %", "client", [_percent(level.client_cpu) for level in levels]),
        strip("CPU %", "endpoint", [_percent(level.endpoint_cpu) for level in levels]),
        strip("lag ms", "p99", [_lag(level) for level in levels]),
        *chain.from_iterable(metrics),
    ]


def _each(level: CalibratedLevel) -> tuple[Accuracy, ...]:
    return level.ttft, level.gap, level.e2e


def _median(of: Accuracy) -> str:
    """In whole microseconds, as ms."""
    return f"{of.median_ns / 1e6:+.3f}"


def _p99(of: Accuracy) -> str:
    return f"{'' if of.certified else UNCERTIFIED}{bound_ms(of.p99_abs_ns)}"


def _lag(level: CalibratedLevel) -> str:
    return NOT_AVAILABLE if level.lag_p99_ns is None else number(level.lag_p99_ns / 1e6)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _ceilings(calibration: Calibration, width: int) -> Iterator[str]:
    found: list[tuple[str, Ceiling]] = [
        (title, getattr(calibration.ceilings, name)) for title, name in _CEILINGS
    ]
    digits = max(len(_whole(ceiling.value)) for _, ceiling in found)
    for title, ceiling in found:
        value, limit = _whole(ceiling.value), _LIMITS[ceiling.limit]
        yield f"{title:<11}  {value:>{digits}}  {ceiling.how}: {limit}"
        obtained = (
            f"{_whole(ceiling.reached)} at {ceiling.load}; CPU: client "
            f"{_percent(ceiling.client_cpu)} %, endpoint {_percent(ceiling.endpoint_cpu)} %"
        )
        yield from _folded("", obtained, width, 13 + digits)


def _whole(value: float) -> str:
    return f"{value:.0f}"
