"""The audit of whole answers: what needs chunks is not judged, and says so."""

from __future__ import annotations

from tailrace.results.audit_stage import audit_stage
from tailrace.results.schema import Row

from .builders import MS, row, stage, tally


def whole(number: int, **more: object) -> Row:
    """An answer of 20 tokens that came whole, 40 ms after it was asked for."""
    made: dict[str, object] = {
        "streamed": False,
        "headers_ns": (number + 40) * MS,
        "last_output_ns": (number + 40) * MS,
        "closed_ns": (number + 40) * MS,
        "ended_ns": (number + 40) * MS,
        "output_tokens": 20,
        "token_source": "usage",
    }
    return row(number, None, (), **(made | more))


def test_checks_of_streams_do_not_fire() -> None:
    rows = [whole(number) for number in range(200)]  # headers at 40 ms, and all in a lump
    found = {f.name: f for f in audit_stage(stage(rows), tally(*rows))}
    for name in ("shared reads", "40 ms mode", "streaming"):
        assert (found[name].value, found[name].status) == ("n/a: not streamed", "ok")
    assert (found["tokens"].value, found["tokens"].status) == ("source usage 200", "ok")
    assert "server's parallelism" not in found


def test_tokens_that_nobody_counts_are_a_warning() -> None:
    rows = [whole(0), whole(1, output_tokens=None, token_source="unknown")]
    found = {f.name: f for f in audit_stage(stage(rows), tally(*rows))}
    assert found["tokens"].status == "warn"
    assert "usage" in found["tokens"].why


def test_streams_are_judged_as_ever() -> None:
    rows = [row(number) for number in range(3)]
    found = {f.name: f for f in audit_stage(stage(rows), tally(*rows))}
    assert "not streamed" not in "".join(finding.value for finding in found.values())
