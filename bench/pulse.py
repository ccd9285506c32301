"""What the pulse costs: CPU of an event loop that does nothing else, with it and without.

Rule: all in one process, in turns, on each loop. An idle core that is woken costs more than what
it is woken for, so a timer that does nothing is measured as well, and the pulse's own work on a
loop that never sleeps.
Why: what audits the client must not be what burdens it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness import table

from tailrace.alarm import make_quiet_alarm
from tailrace.engine.clock import now_ns
from tailrace.engine.gauges import PERIOD_NS
from tailrace.engine.pulse import Pulse
from tailrace.runner import choose_loop

COLUMNS = ("CPU-ms a second", "idle", "bare timer", "pulse", "pulse, busy loop", "report, ms")


@contextmanager
def bare_timer() -> Iterator[None]:
    """The pulse's alarm, and nothing done when it rings."""
    due = now_ns()

    def ring() -> None:
        nonlocal due
        due += PERIOD_NS
        alarm.arm(due)

    alarm = make_quiet_alarm(asyncio.get_running_loop(), ring)
    ring()
    yield
    alarm.close()


def busy_cost(ticks: int = 2000) -> float:
    """CPU-ms of a second's ticks when nothing sleeps between them."""
    pulse = Pulse(asyncio.get_running_loop())
    pulse.begin()
    tick: Callable[[], None] = pulse._beat._tick  # type: ignore[union-attr]
    before = time.process_time()
    for _ in range(ticks):
        tick()
    spent = time.process_time() - before
    pulse.end()
    return spent * 1e3 / ticks * 1e9 / PERIOD_NS


async def rates(seconds: float, repeats: int) -> list[str]:
    """The medians, in the order of the columns."""
    pulse = Pulse(asyncio.get_running_loop())
    found: list[list[float]] = []
    for _ in range(repeats):
        idle = await spent(seconds)
        with bare_timer():
            bare = await spent(seconds)
        pulse.begin()
        beating = await spent(seconds)
        pulse.end()
        began = time.perf_counter()
        pulse.report()
        report = (time.perf_counter() - began) * 1e3
        found.append([idle, bare, beating, busy_cost(), report])
    return [f"{statistics.median(column):.2f}" for column in zip(*found, strict=True)]


async def spent(seconds: float) -> float:
    """CPU-ms per second while the loop sleeps."""
    before = time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - before) * 1e3 / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    rows = []
    for wanted in ("auto", "asyncio"):
        name, factory = choose_loop(wanted)  # type: ignore[arg-type]
        with asyncio.Runner(loop_factory=factory) as runner:
            rows.append([name, *runner.run(rates(args.seconds, args.repeats))])
    print(table(COLUMNS, rows))


if __name__ == "__main__":
    main()
