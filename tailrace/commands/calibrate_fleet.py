"""``tailrace calibrate --fleet``: a line a node of a cluster, as each is measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailrace.commands.fleet import address
from tailrace.commands.said import say_error
from tailrace.errors import UsageError
from tailrace.results.calibration import bound_ms

if TYPE_CHECKING:
    from tailrace.engine.ray_calibrate import Told


def calibrate_fleet(
    fleet: str, quick: bool, out: Path | None, as_json: bool, engine: Mapping[str, str]
) -> int:
    """Measure every node; returns the exit code of the first that could not be measured."""
    if out is not None:
        raise UsageError("--out is for one machine: each node keeps its own in its user's cache")
    where = address(fleet)
    from tailrace.engine.ray_calibrate import calibrate_nodes  # brings ray

    code, documents = 0, []
    for told in calibrate_nodes(where, arguments_of(quick, engine)):
        code = code or told.code
        found = told.calibration
        documents.append(
            {
                "node": told.node,
                "calibration": None if found is None else found.to_dict(),
                "error": told.problem or None,
            }
        )
        if found is None:
            say_error(f"node {told.node}: not calibrated: {told.problem}")
        elif not as_json:
            click.echo(line_of(told))
    if as_json:
        import orjson

        click.echo(orjson.dumps(documents, option=orjson.OPT_INDENT_2))
    return code


def arguments_of(quick: bool, engine: Mapping[str, str]) -> list[str]:
    """The same options as were given here, for the command on the node."""
    given = [part for name, value in sorted(engine.items()) for part in (f"--{name}", value)]
    return [*(["--quick"] if quick else []), *given]


def line_of(told: Told) -> str:
    """``node-b: TTFT ± 0.05 ms, gap ± 0.02 ms, up to 41,000 tokens/s``."""
    found = told.calibration
    assert found is not None
    ttft, gap = (bound_ms(found.floor_ns[name]) for name in ("ttft", "gap"))
    most = found.ceilings.tokens_per_s.value
    crowded = "; something else had its CPU: calibrate it again when idle" if found.crowded else ""
    return f"{told.node}: TTFT ± {ttft} ms, gap ± {gap} ms, up to {most:,.0f} tokens/s{crowded}"
