"""hgrm: HdrHistogram's percentile distribution of each metric, for its plotter. Pure.

One file a model, level and metric; values are milliseconds. The text is that of HdrHistogram's own
Python port, from the histogram that the result holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tailrace.results.facts import RunFacts
from tailrace.results.hist import Hist


def hgrm_files(facts: RunFacts, results: Sequence[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """Each file's name and content; a metric without samples has none."""
    for model, result in zip(facts.models, results, strict=True):
        for stage in result["stages"]:
            place = f"{model.folder}-level{stage['index']}"
            for name, metric in stage["metrics"].items():
                if metric["histogram"] is not None:
                    yield f"{place}-{name}.hgrm", hgrm(metric)


def hgrm(metric: dict[str, Any]) -> bytes:
    """The text of one metric of a result, in ms."""
    return Hist.decode(metric["histogram"], metric["max_ns"]).percentile_distribution(1e6)
