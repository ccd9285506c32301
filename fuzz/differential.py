"""Our wire against httpx's: random valid answers, cut into random reads, must come out the same.

    python fuzz/differential.py --cases 200000
    python fuzz/differential.py --sockets 2000      through real sockets, and all of httpx

A case is one connection with up to three answers. Compared are status, headers, body, and the end:
kept, closed, not whole, broken off. A case that differs is printed with its seed and counted; the
exit code is then 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from fuzz.pieces import EVENT_ENDS, eventwise
from fuzz.responses import sequence
from fuzz.sockets import socket_differences
from fuzz.stock import StockTalk
from fuzz.talk import Outcome, Talk

_BROKEN = frozenset({"connection_closed", "truncated", "protocol"})
_SHOWN = 10


def differences(seed: int) -> Iterator[str]:
    """What a case's answers come out as differently; nothing where all is well."""
    dice = Random(seed)
    ours, theirs = Talk(laid=seed % 2 == 1), StockTalk()
    for number, answer in enumerate(sequence(dice)):
        reads = _cut(dice, answer.data)
        mine, stock = _plain(ours.ask(reads, answer.ended)), theirs.ask(reads, answer.ended)
        if mine != stock:
            yield (
                f"case {seed}, answer {number}, ended {answer.ended}: {answer.data!r}\n"
                + "\n".join(
                    f"  {name}: ours {one!r}, httpx {other!r}"
                    for name, one, other in zip(Outcome._fields, mine, stock, strict=True)
                    if one != other
                )
            )
            return


def _plain(outcome: Outcome) -> Outcome:
    """As httpx tells it: one kind of broken answer, and transfer-encoding in lower case."""
    headers = tuple(
        (name, value.lower() if name == b"transfer-encoding" else value)
        for name, value in outcome.headers
    )
    end = "broken" if outcome.end in _BROKEN else outcome.end
    return outcome._replace(headers=headers, end=end)


def _cut(dice: Random, data: bytes) -> list[bytes]:
    if dice.random() < 0.2:
        return [data] if data else []
    if EVENT_ENDS in data and dice.random() < 0.6:
        return eventwise(data)
    longest = dice.choice((1, 3, 20, 200))
    reads, start = [], 0
    while start < len(data):
        size = dice.randint(1, longest)
        reads.append(data[start : start + size])
        start += size
    return reads


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    parser.add_argument("--sockets", type=int, help="so many cases through real sockets instead")
    args = parser.parse_args()
    seeds = range(args.first, args.first + (args.sockets or args.cases))
    told = (
        socket_differences(seeds) if args.sockets else chain.from_iterable(map(differences, seeds))
    )
    began, found = time.perf_counter(), 0
    for found, sentence in enumerate(told, 1):
        if found <= _SHOWN:
            print(sentence)
    spent_s = time.perf_counter() - began
    print(f"{len(seeds):,} cases, {len(seeds) / spent_s:,.0f} a second: {found:,} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
