"""All measurements of tailrace by tailrace's authors, one after another, as Markdown on stdout.

Rule: nothing is written but temporary files; progress goes to stderr. ``--quick`` takes under
four minutes and shows where things stand; what is quoted comes from the full form.
Why: one command, so that two people who disagree about a figure can run the same one.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

import cpu
import memory
import startup
import street
from harness import cores

LIBRARIES = ("aiohttp", "httptools", "httpx", "orjson", "uvloop")

Part = tuple[str, Callable[[Sequence[str] | None], None], str, str]
PARTS: tuple[Part, ...] = (
    ("Start-up", startup.main, "--profile", "--repeats 5"),
    ("Street", street.main, "", "--repeats 7"),
    ("Memory", memory.main, "", "--requests 20000 --at-256 768"),
    ("CPU, 256 streams", cpu.main, "--streams 256", "--streams 256 --requests 1536 --rounds 1"),
    ("CPU, 1000 streams", cpu.main, "--streams 1000", "--streams 1000 --requests 6000 --rounds 1"),
)


def machine() -> str:
    """Where and on what this was measured."""
    server, client = cores()
    bound = "not bound to cores" if server is None else f"server core {server}, client {client}"
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{platform.system()} {platform.release()}, {platform.machine()}, {bound}; "
        f"Python {platform.python_version()}, tailrace {version('tailrace')}, {libraries}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="under four minutes, one round")
    quick = options.parse_args(arguments).quick
    print(f"# tailrace, measured\n\n{machine()}\n", flush=True)
    for title, part, full, short in PARTS:
        print(f"{title} ...", file=sys.stderr, flush=True)
        print(f"## {title}\n", flush=True)
        part((short if quick else full).split())


if __name__ == "__main__":
    main()
