"""Data: where the items of a run come from when not from ``--prompt``, as plain values. Pure.

It is a part of the scenario, so it goes to every worker and into ``run.json``: a description, from
which each worker makes the same items for itself (data_source.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from tailrace.scenarios.sizes import Sizes

Order = Literal["turn", "shuffled"]


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A file of prompts, and what it held when the run was asked for."""

    path: str
    """As typed; ``sample:chat`` is one of the package's own."""
    column: str | None = None
    """The field that holds the prompt, where it is not called ``prompt``."""
    sha256: str = ""
    prompts: int = 0
    skipped: int = 0
    """Conversations without a question and its answer."""


@dataclass(frozen=True, slots=True)
class MadeImages:
    """Images of a given size in each request, made by rule."""

    count: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class MixPart:
    """One model of a mix; weights need not add up to anything."""

    model: str
    weight: float


@dataclass(frozen=True, slots=True)
class Data:
    """Nothing of it set: the prompts are the scenario's own texts, in turn."""

    prompts: PromptFile | None = None
    order: Order = "turn"
    input_tokens: Sizes | None = None
    """Prompts are made, with so many tokens."""
    output_tokens: Sizes | None = None
    """``max_tokens`` of each request."""
    tokenizer: str | None = None
    """A ``tokenizer.json``, by which lengths are exact."""
    align: bool = False
    """Before the levels, lengths are set right by the server's own counts."""
    prefix_tokens: int = 0
    prefix_pool: int = 1
    images: tuple[str, ...] = ()
    """Image files that each request carries."""
    made_images: MadeImages | None = None
    mix: tuple[MixPart, ...] = ()


class Alignment(NamedTuple):
    """How a server counts made prompts: tokens = pieces * tokens_per_piece + overhead."""

    tokens_per_piece: float
    overhead_tokens: float
    """Of the chat template, a system message and images."""

    def pieces(self, tokens: int) -> int:
        """How many pieces make a prompt of so many tokens; at least one."""
        return max(1, round((tokens - self.overhead_tokens) / self.tokens_per_piece))


UNALIGNED = Alignment(1.0, 0.0)
"""A piece is one token: by construction with a tokenizer, else by experience."""
