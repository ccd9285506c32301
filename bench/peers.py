"""Side by side: tailrace, bare clients and other load generators on one job.

Rule: the same scripted endpoint, on a core of its own, and all other cores for the client; one
client at a time; the whole tree of its processes counts, from start to end. Each peer is installed
by pip into an environment of its own, reads its tokenizer from a folder, and is run by its own
command line with its defaults. Nothing is left out: who did not install or run keeps a row.
Why: what a tool costs and how far off it is can be told only on delays that are known, and only
if everybody gets the same ones.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from harness import (
    NAMES,
    ask_truth,
    client_command,
    client_said,
    endpoint,
    reset_truth,
    tailrace_said,
)
from outcome import Outcome, judge, min_received, report
from peer import ABSENT, PEERS, Job, Peer, Said
from run import machine
from tokenizer import write_tokenizer
from tree import QUIET_CORES, run_tree, wait_for_quiet
from venvs import VenvError, ready, version_of

from tailrace.simulate import Script, chunks

ROOT = Path(__file__).resolve().parents[1]
TTFT_NS, GAP_NS = 200_000_000, 20_000_000
JOBS = {256: 2_000, 64: 512}
"""Streams: requests."""
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "DO_NOT_TRACK")
UNREADABLE = (OSError, ValueError, LookupError, TypeError)
CODES = {"tailrace": (0, 11)}
"""Exit codes of a run that was made; 11 is a verdict of INVALID, as on a noisy machine."""

Reader = Callable[[Path, str], Said]


def own(name: str, job: Job, folder: Path) -> tuple[list[str], Reader]:
    """One of the bench's own clients: its command and how it is read."""
    command = client_command(name, job.url, job.streams, job.requests, job.tokens)
    if name == "tailrace":
        return [*command, "--out", str(folder / "out")], lambda place, _: _said(
            job, tailrace_said(place / "out")
        )
    return command, lambda _, out: _said(job, client_said(out))


def _said(job: Job, found: dict[str, float]) -> Said:
    return Said(int(found.pop("chunks")) // job.tokens, found)


def environment(peer: Peer | None) -> dict[str, str]:
    """Of the child: our package for our clients, no hub and no package of ours for peers."""
    values = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if peer is None:
        return values | {"PYTHONPATH": str(ROOT)}
    values |= dict.fromkeys(OFFLINE, "1")
    for name in peer.unset:
        values.pop(name, None)
    return values


def measure(
    outcome: Outcome,
    job: Job,
    command: list[str],
    read: Reader,
    folder: Path,
    variables: Mapping[str, str],
    limit_s: float,
) -> None:
    """Run it and fill in the outcome; what goes wrong is its reason."""
    reset_truth(job.url)
    cost = run_tree(command, folder, variables, limit_s)
    truth = ask_truth(job.url)
    first_ns = min_received(truth)
    outcome.cpu_s, outcome.wall_s, outcome.killed = cost.cpu_s, cost.wall_s, cost.killed
    outcome.others_s = cost.others_s
    outcome.peak_pss, outcome.peak_rss = cost.looks.peak_pss, cost.looks.peak_rss
    outcome.processes, outcome.pids = cost.looks.most, len(cost.looks.pids)
    if first_ns:
        outcome.first_s = (first_ns - cost.began_ns) / 1e9
        outcome.start_cpu_s = min(cost.cpu_s, cost.looks.cpu_at(first_ns))
    if cost.code not in CODES.get(outcome.client, (0,)):
        late = cost.wall_s >= limit_s
        what = f"not done within {limit_s:.0f} s" if late else f"ended with {cost.code}"
        outcome.reason = f"{what}; it said last: {last_line(cost.out)}"
        return
    try:
        judge(outcome, job, read(folder, cost.out), truth)
    except UNREADABLE as error:
        outcome.reason = f"its results cannot be read: {error!r}; it said: {last_line(cost.out)}"


def last_line(out: str) -> str:
    """What a client said last, fit for a table."""
    lines = [line.strip() for line in out.splitlines() if line.strip(" -=_|│╰╯─")]
    return (lines or ["nothing"])[-1].replace("|", "/")[:200]


def run_one(
    name: str, job: Job, tokenizer: Path, programs: Mapping[str, Path | str], limit_s: float
) -> Outcome:
    """One client by its name; `programs` has the folder of a peer's, or why there is none."""
    outcome = Outcome(name)
    peer = next((peer for peer in PEERS if peer.name == name), None)
    place = programs.get(name, "")
    if isinstance(place, str) and place:
        outcome.reason = place
        return outcome
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-", ignore_cleanup_errors=True) as home:
        folder = Path(home)
        if peer is None:
            command, read = own(name, job, folder)
        else:
            outcome.version = version_of(peer, Path(place))
            program, *rest = peer.command(job, tokenizer, folder)
            command = [str(Path(place) / program), *rest]
            read = _reader(peer)
        measure(outcome, job, command, read, folder, environment(peer), limit_s)
    return outcome


def least_disturbed(run: Callable[[], Outcome], tries: int, wait_s: float) -> list[Outcome]:
    """Run until others kept away, `tries` times at most; the one they struck least comes first.

    It is chosen by what others took, never by what the client did.
    """
    found: list[Outcome] = []
    while len(found) < tries:
        wait_for_quiet(wait_s)
        found.append(run())
        if found[-1].reason or found[-1].others_cores < QUIET_CORES:
            break
    return sorted(found, key=lambda outcome: (bool(outcome.reason), outcome.others_cores))


def _reader(peer: Peer) -> Reader:
    return lambda folder, _: peer.read(folder)


def install(names: Sequence[str], cache: Path) -> dict[str, Path | str]:
    """The folder of each peer's programs, or why it has none."""
    found: dict[str, Path | str] = dict(ABSENT)
    for peer in PEERS:
        if peer.name in names:
            try:
                found[peer.name] = ready(peer, cache)
            except VenvError as error:
                found[peer.name] = f"not installed: {error}"
    return found


@contextlib.contextmanager
def stage(script: Script) -> Iterator[tuple[str, Path]]:
    """The endpoint's URL and a tokenizer's folder."""
    with endpoint(script) as url, tempfile.TemporaryDirectory(prefix="tailrace-bench-") as home:
        yield url, write_tokenizer(Path(home) / "tokenizer", chunks.WORDS)


def load() -> str:
    """How busy the machine is, where it says."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def chosen(given: argparse.Namespace, streams: int) -> list[str]:
    """The clients of a job; stock httpx is slow, and takes part only when named or small."""
    if given.clients:
        return list(given.clients)
    own_names = [name for name in ("tailrace", *NAMES) if name != "httpx" or streams <= 64]
    return [*dict.fromkeys(own_names), *(peer.name for peer in PEERS), *ABSENT]


def options() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    found.add_argument("--streams", type=int, nargs="+", default=list(JOBS))
    found.add_argument("--requests", type=int, help="of each job; default by its streams")
    found.add_argument("--tokens", type=int, default=64)
    found.add_argument("--jitter", type=float, default=0.2, help="of each delay, 0 for none")
    names = [*NAMES, *(peer.name for peer in PEERS), *ABSENT]
    found.add_argument("--clients", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    found.add_argument("--limit", type=float, default=600, help="seconds that a client may take")
    found.add_argument(
        "--tries", type=int, default=1, help="run a client again while others disturb it"
    )
    found.add_argument(
        "--wait", type=float, default=0, help="seconds to wait before a run for others to be quiet"
    )
    found.add_argument(
        "--cache", type=Path, default=ROOT / ".venv-peers", help="where peers are installed"
    )
    found.add_argument("--json", type=Path, help="write everything measured to this file")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    given = options().parse_args(arguments)
    names = {name for streams in given.streams for name in chosen(given, streams)}
    programs = install(sorted(names), given.cache)
    script = Script(ttft_ns=TTFT_NS, gap_ns=GAP_NS, tokens=given.tokens, jitter=given.jitter)
    print(f"# Side by side\n\n{machine()}; load average before: {load()}\n", flush=True)
    jobs = []
    with stage(script) as (url, tokenizer):
        for streams in given.streams:
            requests = given.requests or JOBS.get(streams, 8 * streams)
            job = Job(url, streams, requests, given.tokens)
            runs = []
            for name in chosen(given, streams):
                print(f"{streams} streams: {name} ...", file=sys.stderr, flush=True)
                run = partial(run_one, name, job, tokenizer, programs, given.limit)
                wait_s = 0 if isinstance(programs.get(name), str) else given.wait
                runs.append(least_disturbed(run, given.tries, wait_s))
            print(report(job, [best for best, *_ in runs]), end="\n\n", flush=True)
            values = {"streams": streams, "requests": requests, "tokens": given.tokens}
            jobs.append(values | {"clients": [[run.values() for run in each] for each in runs]})
            if given.json:
                found = {"machine": machine(), "jobs": jobs}
                given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
