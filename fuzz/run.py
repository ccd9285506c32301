"""Drive one fuzz target with atheris: coverage decides which inputs are kept and changed further.

    python fuzz/run.py sse --seconds 60
    python fuzz/run.py sse --cases 1000000
    python fuzz/run.py --list

Inputs that reach something new lie in ``fuzz/found/TARGET``, which is not committed; one that
breaks a law is written there too, as ``crash-…``. ``python fuzz/run.py TARGET --input FILE`` shows
one again, without atheris.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
_LONGEST = {"sse": 80, "ndjson": 80, "wire": 1024, "baseline": 16_384}
"""Bytes of an input, where long ones reach nothing that short ones do not; 4,096 for the rest."""

sys.path[0] = str(HERE.parent)  # so that fuzz is a package, as it is for the tests


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", nargs="?", help="one of --list")
    parser.add_argument("--seconds", type=int, help="stop after so long [default: 60]")
    parser.add_argument("--cases", type=int, help="stop after so many inputs")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices; 0 is by clock")
    parser.add_argument("--input", type=Path, help="hold the law against this one file")
    parser.add_argument("--list", action="store_true", help="name the targets")
    args = parser.parse_args()
    if args.list or args.target is None:
        return _list()
    if args.input is not None:
        _law(args.target)(args.input.read_bytes())
        return 0
    if args.seconds is None and args.cases is None:
        args.seconds = 60
    return _fuzz(args)


def _list() -> int:
    from fuzz.targets import TARGETS

    for name, law in TARGETS.items():
        print(f"{name:20}  {(law.__doc__ or '').splitlines()[0]}")
    return 0


def _law(name: str) -> Callable[[bytes], None]:
    from fuzz.targets import TARGETS

    if name not in TARGETS:
        sys.exit(f"no target is named {name!r}; there are {', '.join(TARGETS)}")
    return TARGETS[name]


def _fuzz(args: argparse.Namespace) -> int:
    try:
        import atheris
    except ImportError:
        sys.exit("fuzz/run.py needs atheris: pip install -e '.[fuzz]' (Linux, Python up to 3.13)")
    with atheris.instrument_imports(include=["tailrace"]):
        law = _law(args.target)
    found, corpus = HERE / "found" / args.target, HERE / "corpus" / args.target
    found.mkdir(parents=True, exist_ok=True)
    corpus.mkdir(parents=True, exist_ok=True)
    longest = _LONGEST.get(args.target, 4096)
    options = [f"-max_len={longest}", "-timeout=20", f"-artifact_prefix={found}/"]
    options += ["-print_final_stats=1", "-reduce_inputs=0"]
    options += [f"-max_total_time={args.seconds}"] * (args.seconds is not None)
    options += [f"-runs={args.cases}"] * (args.cases is not None)
    options += [f"-seed={args.seed}"] * (args.seed != 0)
    options += [f"-dict={words}" for words in [HERE / f"{args.target}.dict"] if words.exists()]
    atheris.Setup([sys.argv[0], *options, str(found), str(corpus)], law)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
