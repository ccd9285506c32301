"""Exposition: Prometheus text as series and their values, as much of it as is worth keeping. Pure.

The parser is prometheus-client's, imported with the first text. Rule: what the common names are
made of is kept first; of the rest no buckets, and not more than ``MOST_SERIES`` in all, so that a
server with ten thousand series does not fill the disk. What was left out is counted.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from tailrace.results.server_names import is_known

MOST_SERIES = 600
LONGEST_SERIES = 300
"""Characters of a name with its labels."""

_SAMPLE = re.compile(r"^[A-Za-z_:][\w:]*(?:\{[^\n]*\})?[ \t]+[-+]?(?:\d|\.\d|NaN|Inf)", re.M)


class Series(NamedTuple):
    """One text's series."""

    values: dict[str, float]
    left_out: int


def looks_like_metrics(content_type: str, text: str) -> bool:
    """Whether an answer is metrics, and not some page that answers 200 to anything."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("", "text/plain", "application/openmetrics-text"):
        return False
    return _SAMPLE.search(text) is not None


def series_of(text: str) -> Series:
    """Every sample that is a number; raises ValueError where the text is no exposition."""
    from prometheus_client.parser import text_string_to_metric_families

    known: dict[str, float] = {}
    others: dict[str, float] = {}
    left_out = 0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = _key(sample.name, sample.labels)
            if not math.isfinite(sample.value) or len(key) > LONGEST_SERIES:
                left_out += 1
            elif is_known(sample.name):
                known[key] = sample.value
            elif sample.name.endswith("_bucket"):
                left_out += 1
            else:
                others[key] = sample.value
    if not known and not others:
        raise ValueError("no series in it")
    kept = [*known.items(), *others.items()][:MOST_SERIES]
    return Series(dict(kept), left_out + len(known) + len(others) - len(kept))


def _key(name: str, labels: dict[str, str]) -> str:
    """``name{a="1",b="2"}``, labels sorted; quotes and backslashes in values are escaped."""
    if not labels:
        return name
    inside = ",".join(f'{label}="{_escaped(labels[label])}"' for label in sorted(labels))
    return f"{name}{{{inside}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
