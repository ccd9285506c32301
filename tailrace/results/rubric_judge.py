"""Judged: what a judge made of one answer, one line of ``rubric/judge.jsonl``. Pure.

Lines are only ever added. What a later line says of a facet of a sample takes the place of what an
earlier one of the same judge said, so that a sample whose request failed can be asked again.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tailrace.errors import ResultError

Sample = tuple[str, str, str]
"""(model, request id, digest of the text)."""


class Judged(msgspec.Struct, omit_defaults=True, gc=False):
    """One sample and one judge. Every facet asked for is in ``scores`` or in ``unscored``."""

    model: str
    request: str
    prompt: str
    text_sha256: str
    judge: str
    rubric: str = ""
    """Fingerprint of what the facets asked; with another one, the judge is asked again."""
    scores: dict[str, int] = {}
    unscored: dict[str, str] = {}
    """Facet -> ``class: why`` it has no score."""
    error: str | None = None
    """Class of a request that got no usable answer; such a sample is asked again."""
    constrained: bool = False
    """Whether the server took a JSON schema for the reply."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    elapsed_ns: int = 0
    reply: str = ""
    """The judge's words, cut, where they gave no score to a facet."""

    @property
    def sample(self) -> Sample:
        """What was judged."""
        return self.model, self.request, self.text_sha256

    @property
    def facets(self) -> tuple[str, ...]:
        """Every facet asked for."""
        return (*self.scores, *self.unscored)

    def to_json(self) -> bytes:
        """The line, newline included."""
        return _ENCODER.encode(self) + b"\n"


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Judged)


def parse_judged(line: bytes, where: str) -> Judged:
    """Read one line; raises ResultError naming ``where`` and the field."""
    try:
        found = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ResultError(f"{where} is not a line of a judge: {exc}") from None
    for facet, score in found.scores.items():
        if not 1 <= score <= 5:
            raise ResultError(f"{where}, field scores.{facet}: {score} is not from 1 to 5")
    return found


def newest(lines: Iterable[Judged]) -> dict[tuple[Sample, str, str], int | str]:
    """(sample, judge, facet) -> its score, or why it has none; the last line that says it wins."""
    found: dict[tuple[Sample, str, str], int | str] = {}
    for line in lines:
        said: dict[str, int | str] = {**line.scores, **line.unscored}
        found |= {(line.sample, line.judge, facet): value for facet, value in said.items()}
    return found


def settled(lines: Iterable[Judged]) -> set[tuple[Sample, str, str]]:
    """What need not be asked again: every (sample, judge, rubric) that the judge replied to."""
    return {(line.sample, line.judge, line.rubric) for line in lines if line.error is None}
