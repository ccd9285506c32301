"""Snapshot: one moment of a running load, as a live panel or as one line of a headless log.

Rule: cheap. It is drawn in the process that measures, so the panel is a handful of plain text
lines without a layout engine, and ``rich`` is imported when the first one is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tailrace.results.audit import SEVERITY, Finding, Status
from tailrace.results.render.figures import count, ms, number
from tailrace.results.render.text import ascii_text, safe_text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

BAR_WIDTH = 30
SPARKS = "▁▂▃▄▅▆▇█"
SPARK_WIDTH = 40
_LIGHTS: dict[Status, str] = {"ok": "green", "warn": "yellow", "bad": "bold red"}
_USERS = re.compile(r" users?$")
_PLAIN = re.compile(r"[\w./:+@-]+")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Indexes count from nought; percentiles are of what the stage has measured so far."""

    model: str
    model_index: int
    models: int
    stage_index: int
    stages: int
    load: str
    """In a sentence: ``8 users``, ``50/s``."""
    phase: Literal["warmup", "measure", "drain"]
    elapsed_s: float
    """Since the phase began."""
    planned_s: float | None
    """Length of the phase, where time ends it."""
    done_requests: int
    planned_requests: int | None
    """Size of the stage, where a number of requests ends it."""
    in_flight: int | None
    """None for who only sees the run's files."""
    requests_per_s: float | None
    tokens_per_s: float | None
    ttft_p50_ns: int | None
    ttft_p99_ns: int | None
    icl_p50_ns: int | None
    icl_p99_ns: int | None
    ok: int
    failed: int
    ttft_recent_ns: int | None = None
    """p99 of the last seconds."""
    icl_recent_ns: int | None = None
    errors: tuple[tuple[str, int], ...] = ()
    """Class and how many of those that failed, the most frequent first."""
    client: tuple[Finding, ...] = ()
    """What the client's own audit finds so far; empty where nobody told."""
    plan: tuple[str, ...] = ()
    """The loads of all levels, in their order; empty where they are not known."""

    @property
    def place(self) -> tuple[int, int]:
        """Which model and level it is of."""
        return self.model_index, self.stage_index

    @property
    def done_share(self) -> float | None:
        """How much of the phase is over, between 0 and 1; None when nothing says."""
        if self.planned_requests:
            return min(self.done_requests / self.planned_requests, 1.0)
        if self.planned_s:
            return min(max(self.elapsed_s / self.planned_s, 0.0), 1.0)
        return None

    @property
    def progress(self) -> str:
        """``12.3/30 s`` or ``40/200 requests, 12 s``."""
        if self.planned_requests:
            return f"{self.done_requests}/{self.planned_requests} requests, {self.elapsed_s:.0f} s"
        return f"{self.elapsed} s"

    @property
    def elapsed(self) -> str:
        """Seconds of the phase, against the plan if there is one."""
        return f"{self.elapsed_s:.1f}" + (f"/{self.planned_s:g}" if self.planned_s else "")


@dataclass(frozen=True, slots=True)
class Panel:
    """A rich renderable of a few lines."""

    snapshot: Snapshot
    history: Sequence[Snapshot]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """One text for all lines; what is wider than the screen is cut, never folded."""
        from rich.text import Text

        plain = options.ascii_only
        text = Text(no_wrap=True, overflow="crop")
        for label, body, style in self.lines(plain):
            text.append(f"{label:<9}", "dim")
            text.append(ascii_text(body) if plain else body, style)
            text.append("\n")
        text.right_crop(1)
        yield text

    def lines(self, plain: bool = False) -> list[tuple[str, str, str]]:
        """Label, text and style of each line; ``plain`` leaves the curves out."""
        now = self.snapshot
        model = f"{safe_text(now.model)}  ({now.model_index + 1} of {now.models})"
        rate, tokens = number(now.requests_per_s), number(now.tokens_per_s)
        failed = [("failed", _errors(now, " ", "  "), "red")] if now.errors else []
        return [
            ("model", model, "bold cyan"),
            ("level", f"{now.load}  ({now.stage_index + 1} of {now.stages}){_plan(now)}", "bold"),
            (now.phase, f"{bar(now.done_share)}{now.progress}", ""),
            (
                "requests",
                f"{now.ok} ok  {now.failed} failed  {_in_flight(now.in_flight)}{rate} /s",
                "red" if now.failed else "",
            ),
            *failed,
            ("tokens", f"{tokens} /s{self._curve('tokens_per_s', plain)}", ""),
            self._latency("TTFT ms", now.ttft_p50_ns, now.ttft_p99_ns, "ttft_recent_ns", plain),
            self._latency("gap ms", now.icl_p50_ns, now.icl_p99_ns, "icl_recent_ns", plain),
            *_lights(now.client),
        ]

    def _latency(
        self, label: str, p50_ns: int | None, p99_ns: int | None, recent: str, plain: bool
    ) -> tuple[str, str, str]:
        """Percentiles of the level so far, and the curve of the p99 of the last seconds."""
        curve = self._curve(recent, plain)
        now_ns = getattr(self.snapshot, recent)
        lately = f"{curve} {_ms(now_ns)}" if curve and now_ns is not None else curve
        return label, f"p50 {_ms(p50_ns)}  p99 {_ms(p99_ns)}{lately}", ""

    def _curve(self, name: str, plain: bool) -> str:
        values = [getattr(snapshot, name) for snapshot in (*self.history, self.snapshot)]
        curve = "" if plain else sparkline(values)
        return f"  {curve}" if curve else ""


def panel(snapshot: Snapshot, history: Sequence[Snapshot] = ()) -> Panel:
    """The live display; ``history`` is the snapshots before, oldest first, for the curves."""
    return Panel(snapshot, history)


def log_line(snapshot: Snapshot) -> str:
    """One line of ``key=value`` words for a log without a screen."""
    now = snapshot
    planned = f"/{now.planned_requests}" if now.planned_requests else ""
    words: dict[str, object] = {
        "model": _word(now.model),
        "model_no": f"{now.model_index + 1}/{now.models}",
        "load": _word(_USERS.sub("", now.load)),
        "level": f"{now.stage_index + 1}/{now.stages}",
        "phase": now.phase,
        "elapsed_s": now.elapsed,
        "requests": f"{now.done_requests}{planned}",
        "ok": now.ok,
        "failed": now.failed,
        "in_flight": count(now.in_flight),
        "req/s": number(now.requests_per_s),
        "tok/s": number(now.tokens_per_s),
        "ttft_p50_ms": _ms(now.ttft_p50_ns),
        "ttft_p99_ms": _ms(now.ttft_p99_ns),
        "icl_p50_ms": _ms(now.icl_p50_ns),
        "icl_p99_ms": _ms(now.icl_p99_ns),
    }
    if now.errors:
        words["errors"] = _errors(now, ":", ",")
    if now.client:
        words["client"] = _client_word(now.client)
    return " ".join(f"{key}={value}" for key, value in words.items())


def bar(share: float | None) -> str:
    """``█████░░░░░  50 %  `` in full and empty blocks; nothing when the share is unknown."""
    if share is None:
        return ""
    full = int(share * BAR_WIDTH)
    return f"{'█' * full}{'░' * (BAR_WIDTH - full)}  {int(share * 100)} %  "


def sparkline(values: Sequence[float | None]) -> str:
    """The last values as a row of blocks, scaled from nought; nothing where none is known."""
    shown = values[-SPARK_WIDTH:]
    top = max((value for value in shown if value is not None), default=0.0)
    if top <= 0:
        return ""
    most = len(SPARKS) - 1
    return "".join(" " if v is None else SPARKS[round(v / top * most)] for v in shown).rstrip()


def _plan(now: Snapshot) -> str:
    """The level among those before and behind it: ``1 2 [4] 8``."""
    if len(now.plan) < 2:
        return ""
    place = now.stage_index
    around = range(max(0, place - 4), min(len(now.plan), place + 6))
    loads = [f"[{now.plan[n]}]" if n == place else now.plan[n] for n in around]
    before, behind = "… " * (around.start > 0), " …" * (around.stop < len(now.plan))
    return f"   {before}{' '.join(loads)}{behind}"


def _errors(now: Snapshot, to: str, between: str) -> str:
    """The most frequent classes, and how many others."""
    told = [f"{_word(name)}{to}{count}" for name, count in now.errors[:4]]
    rest = sum(count for _, count in now.errors[4:])
    return between.join([*told, *([f"others{to}{rest}"] if rest else [])])


def _lights(client: Sequence[Finding]) -> list[tuple[str, str, str]]:
    """What the audit makes of the client so far: how much is fine, and what is not."""
    if not client:
        return []
    told = [f"{each.status.upper()} {each.name}: {each.value}" for each in _troubles(client)]
    fine = f"● {len(client) - len(told)} of {len(client)} checks ok"
    worst = _troubles(client)[0].status if told else "ok"
    return [("client", "  ".join([fine, *told]), _LIGHTS[worst])]


def _client_word(client: Sequence[Finding]) -> str:
    """``ok``, or ``bad:event-loop,warn:client-CPU``."""
    troubles = [f"{each.status}:{each.name.replace(' ', '-')}" for each in _troubles(client)]
    return ",".join(troubles) or "ok"


def _troubles(client: Sequence[Finding]) -> list[Finding]:
    """Those that are not ok, the bad first."""
    found = (each for each in client if each.status != "ok")
    return sorted(found, key=lambda each: -SEVERITY[each.status])


def _in_flight(requests: int | None) -> str:
    return "" if requests is None else f"{requests} in flight  "


def _ms(value_ns: int | None) -> str:
    return number(ms(value_ns))


def _word(text: str) -> str:
    """A model id as one word; quoted like JSON where it is more than one."""
    text = safe_text(text)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
