"""OpenMetrics: a run, going on or over, in the text that Prometheus reads. Pure.

Both texts are written by prometheus-client, from families that are made here: OpenMetrics 1.0, and
the older Prometheus text for who does not ask for it. Rule: base units, no timestamps, and a number
of series that does not grow with the run: of more than ``MOST_LEVELS`` levels the last ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from tailrace.results.audit import SEVERITY, Status
from tailrace.results.export.level_figures import BUCKETS_S, LevelFigures, of_result
from tailrace.results.facts import RunFacts
from tailrace.results.verdict import Verdict

if TYPE_CHECKING:
    from prometheus_client import Metric

OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_LEVELS = 50
PHASES = ("warmup", "measure", "drain")
_OF_LEVEL = ("run", "model", "level", "load")

HISTOGRAMS = {
    "ttft": (
        "tailrace_time_to_first_token_seconds",
        "Sent to the first output of the answer, of measured requests.",
    ),
    "icl": (
        "tailrace_inter_chunk_latency_seconds",
        "Gaps between chunks with output, of measured requests.",
    ),
    "e2e": (
        "tailrace_end_to_end_latency_seconds",
        "Sent to the last output of the answer, of measured requests.",
    ),
    "start_lag": (
        "tailrace_start_lag_seconds",
        "How late this client itself sent measured requests.",
    ),
}


class Now(NamedTuple):
    """The level under way, as only the run itself knows it."""

    model: str
    level: int
    """From 1."""
    phase: str
    """One of PHASES."""
    elapsed_s: float
    """Since the phase began."""
    planned_s: float | None
    """Length of the phase, where time ends it."""
    in_flight: int | None
    audit: dict[str, str]
    """What the client's own audit finds so far."""


class Exposed(NamedTuple):
    """All that is told of a run."""

    run: str
    version: str
    levels: Sequence[LevelFigures]
    now: Now | None = None
    """Of the last of the levels; None between levels, and of a run that is over."""
    valid: bool | None = None
    """None while nobody can say."""
    models: Mapping[str, bool] = {}
    """Whether its turn ended well, of each model whose turn is over."""


def of_run(facts: RunFacts, results: Iterable[dict[str, Any]], verdict: Verdict) -> Exposed:
    """A run that is over."""
    documents = list(results)
    return Exposed(
        run=facts.name,
        version=str(facts.tool.get("version", "")),
        levels=[of_result(each["model"], stage) for each in documents for stage in each["stages"]],
        valid=verdict.valid,
        models={each["model"]: each["status"] == "ok" for each in documents},
    )


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header asks for OpenMetrics."""
    for part in accept.lower().split(","):
        kind, *parameters = (each.strip() for each in part.split(";"))
        if kind == "application/openmetrics-text":
            return not any(each in ("q=0", "q=0.0") for each in parameters)
    return False


def text_of(exposed: Exposed, openmetrics: bool) -> bytes:
    """The whole text, in one format or the other."""
    from prometheus_client import exposition
    from prometheus_client.openmetrics import exposition as open_exposition
    from prometheus_client.registry import Collector

    class Families(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from families(exposed)

    write = open_exposition.generate_latest if openmetrics else exposition.generate_latest
    text: bytes = write(Families())
    return text


def families(exposed: Exposed) -> Iterator[Metric]:
    """Every family that has a sample."""
    shown = exposed._replace(levels=exposed.levels[-MOST_LEVELS:])
    for family in (
        _info(shown),
        *_counters(shown),
        *_histograms(shown),
        *_gauges(shown),
        *_of_now(shown),
        _left_out(exposed),
    ):
        if family.samples:
            yield family


def _info(exposed: Exposed) -> Metric:
    from prometheus_client.core import InfoMetricFamily

    told = {"run": exposed.run, "version": exposed.version}
    return InfoMetricFamily("tailrace_run", "The run and the version of tailrace.", value=told)


def _place(exposed: Exposed, level: LevelFigures) -> dict[str, str]:
    return dict(
        zip(_OF_LEVEL, (exposed.run, level.model, str(level.level), level.load), strict=True)
    )


def _counters(exposed: Exposed) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily

    requests = CounterMetricFamily(
        "tailrace_requests",
        "Requests that have ended, by phase and outcome.",
        labels=(*_OF_LEVEL, "phase", "outcome"),
    )
    errors = CounterMetricFamily(
        "tailrace_request_errors",
        "Measured requests that failed, by class.",
        labels=(*_OF_LEVEL, "error_class"),
    )
    tokens = CounterMetricFamily(
        "tailrace_output_tokens",
        "Output tokens of measured answers that ended ok.",
        labels=_OF_LEVEL,
    )
    for level in exposed.levels:
        place = [*_place(exposed, level).values()]
        for (phase, outcome), count in level.outcomes.items():
            requests.add_metric([*place, phase, outcome], count)
        for name, count in level.errors.items():
            errors.add_metric([*place, name], count)
        if level.output_tokens is not None:
            tokens.add_metric(place, level.output_tokens)
    yield from (requests, errors, tokens)


def _histograms(exposed: Exposed) -> Iterator[Metric]:
    from prometheus_client.core import HistogramMetricFamily

    for key, (name, about) in HISTOGRAMS.items():
        family = HistogramMetricFamily(name, about, labels=_OF_LEVEL, unit="seconds")
        for level in exposed.levels:
            found = level.histograms.get(key)
            if found is None:
                continue
            pairs = zip(map(str, BUCKETS_S), found.cumulative, strict=True)
            buckets = [*pairs, ("+Inf", found.n)]
            family.add_metric([*_place(exposed, level).values()], buckets, found.sum_s)
        yield family


class _Gauges:
    """Gauge families by name, each made with its first sample."""

    def __init__(self) -> None:
        self.families: dict[str, Any] = {}

    def add(
        self, name: str, about: str, labels: Mapping[str, str], value: float | None, unit: str = ""
    ) -> None:
        """One sample; None is none."""
        from prometheus_client.core import GaugeMetricFamily

        if value is None:
            return
        if name not in self.families:
            self.families[name] = GaugeMetricFamily(name, about, labels=tuple(labels), unit=unit)
        self.families[name].add_metric(list(labels.values()), value)


def _gauges(exposed: Exposed) -> Iterable[Metric]:
    gauges = _Gauges()
    run = {"run": exposed.run}
    gauges.add("tailrace_run_valid", "1: the run is VALID, 0: it is not.", run, exposed.valid)
    for model, ended_well in exposed.models.items():
        about = "1: the model's turn ended well, 0: it failed or was left out."
        gauges.add("tailrace_model_ok", about, run | {"model": model}, ended_well)
    for level in exposed.levels:
        place = _place(exposed, level)
        gauges.add("tailrace_users", "Users asked for.", place, level.users)
        for name, status in level.audit.items():
            _add_finding(gauges, place, name, status)
        for name, status in level.slos.items():
            met = {"pass": 1, "fail": 0}.get(status)
            about = "1: the objective is met, 0: it is missed; absent where nobody can tell."
            gauges.add("tailrace_slo_met", about, place | {"slo": name}, met)
        for name, what in (("requests", "Answers that ended ok"), ("tokens", "Output tokens")):
            about = f"{what} a second, in the whole measure window."
            rate = level.rates.get(f"{name}_per_s")
            gauges.add(f"tailrace_measured_{name}_per_second", about, place, rate)
    if exposed.now is not None:
        for name, status in exposed.now.audit.items():
            _add_finding(gauges, _place(exposed, exposed.levels[-1]), name, status)
    return gauges.families.values()


def _add_finding(gauges: _Gauges, place: Mapping[str, str], name: str, status: str) -> None:
    about = "The audit's finding: 0 ok, 1 warn, 2 bad, which makes a run INVALID."
    severity = SEVERITY[cast("Status", status)]
    gauges.add("tailrace_audit", about, {**place, "finding": name}, severity)


def _of_now(exposed: Exposed) -> Iterable[Metric]:
    """The clock of the phase, and what is in flight."""
    now, gauges = exposed.now, _Gauges()
    if now is None:
        return ()
    place = _place(exposed, exposed.levels[-1])
    about = "Requests that were sent and have not ended."
    gauges.add("tailrace_requests_in_flight", about, place, now.in_flight)
    for phase in PHASES:
        about = "1 for the phase that the level is in."
        gauges.add("tailrace_phase", about, place | {"phase": phase}, phase == now.phase)
    name, about = "tailrace_phase_elapsed_seconds", "Since the phase began."
    gauges.add(name, about, place, now.elapsed_s, "seconds")
    name, about = "tailrace_phase_planned_seconds", "Length of the phase, where time ends it."
    gauges.add(name, about, place, now.planned_s, "seconds")
    return gauges.families.values()


def _left_out(exposed: Exposed) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        "tailrace_levels_left_out", f"Levels before the last {MOST_LEVELS}.", labels=("run",)
    )
    family.add_metric([exposed.run], max(0, len(exposed.levels) - MOST_LEVELS))
    return family
