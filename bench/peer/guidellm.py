"""guidellm: its command, and the JSON that it writes.

Rule: its gaps are means: each request's inter-token latency is (last - first) / (tokens - 1), and
the percentiles are of those, so they are compared with the endpoint's means of a request.
Why: against the endpoint's single gaps they would look wrong where they are only smoothed.
"""

from __future__ import annotations

import json
from pathlib import Path

from peer.shape import Job, Peer, Said, figures


def command(job: Job, tokenizer: Path, folder: Path) -> list[str]:
    """A concurrent profile on synthetic prompts."""
    return [
        *("guidellm", "run", "--disable-console-interactive"),
        *("--backend", f"kind=openai_http,target={job.origin},model=sim"),
        *("--profile", f"kind=concurrent,streams=[{job.streams}]"),
        *("--constraint", f"kind=max_requests,count={job.requests}"),
        *("--tokenizer", f"kind=hf_auto,model={tokenizer}"),
        "--data",
        f"kind=synthetic_text,prompt_tokens={job.prompt_tokens},output_tokens={job.tokens}",
        *("--output", f"kind=json,path={folder / 'out.json'}"),
    ]


def read(folder: Path) -> Said:
    """Its one benchmark; milliseconds."""
    (benchmark,) = json.loads((folder / "out.json").read_bytes())["benchmarks"]
    metrics = benchmark["metrics"]
    pairs = []
    for name in ("time_to_first_token_ms", "inter_token_latency_ms"):
        percentiles = metrics[name]["successful"]["percentiles"]
        pairs.append((percentiles["p50"], percentiles["p99"]))
    ok = metrics["request_totals"]["successful"]
    return Said(ok, figures(1e6, *pairs), "mean of a request")


GUIDELLM = Peer("guidellm", "guidellm>=0.8.1", command, read)
