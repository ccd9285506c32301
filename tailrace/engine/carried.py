"""Carried: the files that a scenario names, for workers on machines that do not have them.

Rule: the scenario stays as it was typed, in ``run.json`` too; only what a worker is told names the
copies that were sent with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath

from tailrace.scenarios.data import Data
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.prompt_files import SAMPLE
from tailrace.scenarios.sizes import Sizes

Place = Callable[[str], str]


def carried(scenario: Scenario) -> tuple[Scenario, dict[str, bytes]]:
    """The scenario as a worker elsewhere is told it, and its files by the paths named there.

    Raises OSError for a file that cannot be read; they were all read before the run began.
    """
    files: dict[str, bytes] = {}
    places: dict[str, str] = {}

    def place(path: str) -> str:
        if not path or path.startswith(SAMPLE):
            return path
        if path not in places:
            places[path] = f"files/{len(places)}-{PurePath(path).name}"
            files[places[path]] = Path(path).read_bytes()
        return places[path]

    reach, sessions = scenario.reach, scenario.sessions
    told = replace(
        scenario,
        data=_data(scenario.data, place),
        levels=tuple(_level(level, place) for level in scenario.levels),
        sessions=sessions and replace(sessions, file=sessions.file and place(sessions.file)),
        ca_file=scenario.ca_file and place(scenario.ca_file),
        reach=replace(
            reach,
            client_cert=reach.client_cert and place(reach.client_cert),
            client_key=reach.client_key and place(reach.client_key),
        ),
    )
    return told, files


def _data(data: Data, place: Place) -> Data:
    return replace(
        data,
        prompts=data.prompts and replace(data.prompts, path=place(data.prompts.path)),
        tokenizer=data.tokenizer and place(data.tokenizer),
        images=tuple(place(path) for path in data.images),
        input_tokens=_sizes(data.input_tokens, place),
        output_tokens=_sizes(data.output_tokens, place),
    )


def _sizes(sizes: Sizes | None, place: Place) -> Sizes | None:
    return sizes and replace(sizes, path=place(sizes.path))


def _level(level: Level, place: Place) -> Level:
    arrivals = level.arrivals
    if arrivals is None or arrivals.trace is None:
        return level
    trace = replace(arrivals.trace, path=place(arrivals.trace.path))
    return replace(level, arrivals=replace(arrivals, trace=trace))
