"""inference-perf: its configuration, and the JSON that it writes.

Rule: of its data sets only one makes prompts itself for the chat endpoint: shared prefixes, and
that only with a (here empty) multimodal part. A worker may hold all streams.
Why: the others speak to /v1/completions or are downloaded; and its default of 100 streams a worker
would be a limit of the configuration, not of the program.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from peer.shape import Job, Peer, Said, figures


def command(job: Job, tokenizer: Path, folder: Path) -> list[str]:
    """Write the configuration (JSON is YAML) and name it."""
    config = folder / "config.yml"
    config.write_text(json.dumps(configuration(job, tokenizer, folder)), encoding="utf-8")
    return ["inference-perf", "--config_file", str(config)]


def configuration(job: Job, tokenizer: Path, folder: Path) -> dict[str, Any]:
    """One concurrent stage."""
    prompts = {
        "num_unique_system_prompts": 1,
        "num_users_per_system_prompt": job.requests,
        "system_prompt_len": job.prompt_tokens // 2,
        "question_len": job.prompt_tokens - job.prompt_tokens // 2,
        "output_len": job.tokens,
    }
    stage = {"num_requests": job.requests, "concurrency_level": job.streams}
    lifecycle = {"summary": True, "per_stage": False, "per_request": False}
    return {
        "api": {"type": "chat", "streaming": True},
        "data": {"type": "shared_prefix", "multimodal": {}, "shared_prefix": prompts},
        "load": {
            "type": "concurrent",
            "stages": [stage],
            "worker_max_concurrency": job.streams,
        },
        "server": {
            "type": "vllm",
            "model_name": "sim",
            "base_url": job.origin,
            "ignore_eos": True,
        },
        "tokenizer": {"pretrained_model_name_or_path": str(tokenizer)},
        "storage": {"local_storage": {"path": str(folder / "out")}},
        "report": {"request_lifecycle": lifecycle},
    }


def read(folder: Path) -> Said:
    """Its summary; seconds."""
    path = folder / "out" / "summary_lifecycle_metrics.json"
    found = json.loads(path.read_bytes())["successes"]
    pairs = []
    for name in ("time_to_first_token", "inter_token_latency"):
        values = found["latency"][name]
        pairs.append((values["median"], values["p99"]))
    return Said(found["count"], figures(1e9, *pairs))


INFERENCE_PERF = Peer("inference-perf", "inference-perf>=0.7", command, read, python=(3, 12))
