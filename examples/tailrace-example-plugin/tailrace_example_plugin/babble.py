"""An adapter: babble, the smallest language model there is.

Its weights are any text; it learns which word follows which, and goes on from the prompt's last
word. It needs no server, no GPU and no other package.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from time import sleep

TEXT = """
the water runs over the weir and under the gate and the lake behind the weir is still
the gate lets the water go when the lake is full and the rain runs down the hill to the lake
"""


class Babble:
    """See docs/adapters.md of tailrace for the two methods."""

    def load(self, weights_path: str | None, pause_s: float = 0.0) -> None:
        """Learn from a text; ``pause_s`` is how long it thinks about each word."""
        text = TEXT if weights_path is None else Path(weights_path).read_text(encoding="utf-8")
        words = text.split()
        if len(words) < 2:
            raise ValueError(f"{weights_path} has no two words to learn from")
        self.first = words[0]
        self.pause_s = pause_s
        self.following: dict[str, list[str]] = defaultdict(list)
        for word, after in pairwise(words):
            self.following[word].append(after)

    def generate(self, prompt: str, max_tokens: int = 16, seed: int = 0) -> Iterator[str]:
        """One word at a time; the same seed and prompt give the same words."""
        dice = Random(f"{seed} {prompt}")
        word = (prompt.split() or [self.first])[-1]
        for _ in range(max_tokens):
            sleep(self.pause_s)
            word = dice.choice(self.following.get(word) or [self.first])
            yield word + " "
