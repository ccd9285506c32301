"""Server log: ``<model>/server.jsonl``, what was seen of a server meanwhile, look by look. Pure.

It is raw truth, like the journal of requests, and written by a process of its own. A line is a
``head``, at the beginning of each sitting, or a ``look``. A look holds the series that changed
since the one before; the first one behind a head holds all. Points in time are ns since the run's
origin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tailrace.errors import ResultError
from tailrace.results.server_names import Common, common_of

SERVER_LOG = "server.jsonl"


class Head(msgspec.Struct, tag_field="kind", tag="head", omit_defaults=True):
    """What is looked at, and how."""

    at_ns: int
    url: str | None = None
    """Of the metrics; None where only a process is watched."""
    interval_s: float = 0.0
    clock: str = "perf_counter"
    """What aligns its times with the requests': the clock that both processes read, or ``wall
    clock`` where each has its own."""
    pid: int | None = None
    pid_by: str = ""
    """How the process was found."""
    gpus: list[dict[str, Any]] = []
    """Name and memory of each."""
    notes: list[str] = []
    """What cannot be looked at, and why."""


class Look(msgspec.Struct, tag_field="kind", tag="look", omit_defaults=True):
    """One look."""

    at_ns: int
    """When it began."""
    took_ns: int = 0
    """The scrape, from asking to the last byte."""
    bytes: int = 0
    cpu_ns: int = 0
    """CPU time of the looking process so far."""
    miss: str = ""
    """Why there are no series."""
    series: dict[str, float] = {}
    gone: list[str] = []
    """Series of the look before that are there no more."""
    left_out: int = 0
    """Series beyond what is kept."""
    process: dict[str, float] | None = None
    """``rss_bytes``, ``cpu_s`` since it began, ``threads``, ``processes``; children included."""
    gpus: list[dict[str, float | None]] | None = None
    """``memory_bytes``, ``utilisation``, ``power_w``, ``temperature_c`` of each; None is not
    told."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Head | Look)


def to_line(entry: Head | Look) -> bytes:
    """As the file has it, newline included."""
    return _ENCODER.encode(entry) + b"\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """A look with what it told, in common names; ``common`` is None where it was missed."""

    look: Look
    common: Common | None

    @property
    def at_ns(self) -> int:
        """When it stood so: half way through the scrape."""
        return self.look.at_ns + self.look.took_ns // 2

    def value(self, name: str) -> float | None:
        """Of a gauge or counter."""
        return None if self.common is None else self.common.values.get(name)


@dataclass(slots=True)
class ServerLog:
    """The whole file."""

    heads: list[Head] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    """By time."""
    torn_lines: int = 0
    """Lines that a killed run left half written."""

    @property
    def told(self) -> list[Seen]:
        """Looks that were not missed."""
        return [seen for seen in self.seen if seen.common is not None]

    @property
    def software(self) -> str | None:
        """Whose metrics they are, by name."""
        named = (seen.common.software for seen in self.seen if seen.common is not None)
        return next((software for software in named if software), None)

    def between(self, from_ns: int, until_ns: int) -> Sequence[Seen]:
        """Looks that began within [from, until)."""
        return [seen for seen in self.seen if from_ns <= seen.look.at_ns < until_ns]


def parse_log(lines: Iterable[bytes], where: str) -> ServerLog:
    """The log of these lines; raises ResultError naming ``where`` and the line that is none."""
    log = ServerLog()
    series: dict[str, float] = {}
    for number, line in enumerate(lines, 1):
        try:
            entry = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            if isinstance(exc, msgspec.ValidationError):
                place = f"{where} line {number}"
                raise ResultError(f"{place} is not a line of a server log: {exc}") from None
            log.torn_lines += 1  # half a line, and perhaps the newline that a later sitting put
            continue
        if isinstance(entry, Head):
            log.heads.append(entry)
            series = {}
            continue
        series = {key: value for key, value in series.items() if key not in entry.gone}
        series |= entry.series
        told = not entry.miss and bool(series)
        log.seen.append(Seen(_bare(entry), common_of(series) if told else None))
    log.seen.sort(key=lambda seen: seen.look.at_ns)
    return log


def _bare(look: Look) -> Look:
    """Without the series, of which the common names are kept: a long run has many."""
    look.series, look.gone = {}, []
    return look


def changes(before: dict[str, float], now: dict[str, float]) -> tuple[dict[str, float], list[str]]:
    """What a line has to hold of a look: the series that are new or other, and those gone."""
    changed = {key: value for key, value in now.items() if before.get(key) != value}
    return changed, [key for key in before if key not in now]
