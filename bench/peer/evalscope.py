"""evalscope perf: its command, and the JSON that it writes.

Rule: its gaps are its inter-token latencies, pooled over all chunks.
Why: its time per output token is a mean of a request, which smooths what is looked for.
"""

from __future__ import annotations

import json
from pathlib import Path

from peer.shape import Job, Peer, Said, figures


def command(job: Job, tokenizer: Path, folder: Path) -> list[str]:
    """A closed loop on random prompts."""
    return [
        *("evalscope", "perf", "--model", "sim", "--api", "openai", "--stream"),
        *("--url", f"{job.url}/chat/completions", "--no-test-connection"),
        *("--tokenizer-path", str(tokenizer), "--dataset", "random"),
        *("--min-prompt-length", str(job.prompt_tokens)),
        *("--max-prompt-length", str(job.prompt_tokens)),
        *("--min-tokens", str(job.tokens), "--max-tokens", str(job.tokens)),
        *("--parallel", str(job.streams), "--number", str(job.requests)),
        *("--outputs-dir", str(folder / "out"), "--no-timestamp"),
    ]


def read(folder: Path) -> Said:
    """Its percentiles and its summary; milliseconds."""
    (path,) = (folder / "out").rglob("benchmark_percentile.json")
    rows = {row["Percentiles"]: row for row in json.loads(path.read_bytes())}
    pairs = [(rows["50%"][name], rows["99%"][name]) for name in ("TTFT (ms)", "ITL (ms)")]
    summary = json.loads((path.parent / "benchmark_summary.json").read_bytes())
    return Said(summary["Success Requests"], figures(1e6, *pairs))


EVALSCOPE = Peer("evalscope", "evalscope[perf]>=1.14", command, read)
