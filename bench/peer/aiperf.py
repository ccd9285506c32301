"""aiperf: its command, and the JSON that it writes.

Rule: gaps are its inter-chunk latencies, pooled; its inter-token latency is a mean of a request.
Its environment must not say offline: it then takes a tokenizer's folder for a hub's name.
Why: like is compared with like, and no file is fetched all the same: the folder is a path.
"""

from __future__ import annotations

import json
from pathlib import Path

from peer.shape import Job, Peer, Said, figures


def command(job: Job, tokenizer: Path, folder: Path) -> list[str]:
    """A fixed concurrency on synthetic prompts, without telemetry or a screen."""
    return [
        *("aiperf", "profile", "--model", "sim", "--url", job.origin),
        *("--endpoint-type", "chat", "--streaming"),
        *("--concurrency", str(job.streams), "--request-count", str(job.requests)),
        *("--tokenizer", str(tokenizer), "--extra-inputs", "ignore_eos:true"),
        *("--isl", str(job.prompt_tokens), "--osl", str(job.tokens)),
        *("--output-artifact-dir", str(folder / "out"), "--ui", "none"),
        *("--no-server-metrics", "--no-gpu-telemetry"),
    ]


def read(folder: Path) -> Said:
    """Its summary; milliseconds."""
    found = json.loads((folder / "out" / "profile_export_aiperf.json").read_bytes())
    pairs = []
    for name in ("time_to_first_token", "inter_chunk_latency"):
        if found[name]["unit"] != "ms":
            raise ValueError(f"{name} is in {found[name]['unit']}, not ms")
        pairs.append((found[name]["p50"], found[name]["p99"]))
    return Said(int(found["request_count"]["avg"]), figures(1e6, *pairs))


AIPERF = Peer(
    "aiperf", "aiperf>=0.13", command, read, unset=("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
)
