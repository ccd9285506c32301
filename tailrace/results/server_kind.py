"""Which server answers, and what it says of its own limits, from what it told. Pure.

Rule: a name comes from something that only that server says (a header, a key, the prefix of its
metrics), never from a port. A proxy that names itself is named, for it is what the client talks to.
What is read of a stranger's JSON is checked for its type; anything else counts as not said.

The paths and keys are those that the servers document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

METRICS_BYTES = 200_000
"""Of a metrics page that are looked through."""

PATHS = (
    "/version",
    "/props",
    "/health",
    "/metrics",
    "/api/version",
    "/api/v0/models",
    "/get_server_info",
    "/info",
    "/openai/status",
    "/status",
    "/health/readiness",
)
"""What is asked of a server beside its list of models, each from the root of its address."""
MODELS = "models"
"""Where the answer to ``GET {base}/models`` stands among the others."""


class Told(NamedTuple):
    """One answer of the server."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """What it holds; None where it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


Answers = Mapping[str, Told]
"""By path; paths that were not answered are left out."""


@dataclass(frozen=True, slots=True)
class ServerName:
    """What is known of the server."""

    name: str = "unknown"
    version: str = ""
    told_by: str = ""
    """What gave it away."""
    slots: int | None = None
    """How many answers it says that it makes at a time."""
    slots_from: str = ""
    limits: dict[str, str] = field(default_factory=dict)
    """Other limits that it states, by the server's own name of each."""

    @property
    def known(self) -> bool:
        """Whether it was recognised."""
        return self.name != "unknown"

    @property
    def more_slots(self) -> str:
        """The server's own setting for more answers at a time."""
        return _MORE_SLOTS.get(self.name, "the server's setting for parallel requests")


_MORE_SLOTS = {
    "llama.cpp": "--parallel (-np) of llama-server",
    "vLLM": "--max-num-seqs of vLLM",
    "SGLang": "--max-running-requests of SGLang",
    "TGI": "--max-concurrent-requests and --max-batch-size of TGI",
    "Ollama": "OLLAMA_NUM_PARALLEL of Ollama",
    "LM Studio": "the model's parallel requests in LM Studio",
    "tailrace simulate": "--slots of tailrace simulate",
}


def recognised(answers: Answers) -> ServerName:
    """The server by its answers; the first rule that knows it wins, proxies before servers."""
    for rule in _RULES:
        found = rule(answers)
        if found is not None:
            return found
    server = _header(answers, "server")
    return ServerName(told_by=f"Server: {server}" if server else "")


def _litellm(answers: Answers) -> ServerName | None:
    version = _header(answers, "x-litellm-version")
    ready = _object(answers, "/health/readiness")
    version = version or _text(ready.get("litellm_version"))
    return ServerName("LiteLLM", version, "x-litellm-version") if version else None


def _simulate(answers: Answers) -> ServerName | None:
    if _owner(answers) != "simulate":
        return None
    return ServerName("tailrace simulate", "", "owned_by simulate")


def _llama_cpp(answers: Answers) -> ServerName | None:
    props = _object(answers, "/props")
    build, slots = _text(props.get("build_info")), _count(props.get("total_slots"))
    by = _first(
        ("Server: llama.cpp", _header(answers, "server").lower().startswith("llama.cpp")),
        ("owned_by llamacpp", _owner(answers) == "llamacpp"),
        ("metrics llamacpp:", "llamacpp:" in _metrics(answers)),
        ("/props total_slots", slots is not None and bool(build)),
    )
    if not by:
        return None
    limits = {}
    settings = props.get("default_generation_settings")
    context = _count(settings.get("n_ctx")) if isinstance(settings, dict) else None
    if context:
        limits["n_ctx"] = f"{context} tokens"
    return ServerName("llama.cpp", build, by, slots, "/props total_slots", limits)


def _sglang(answers: Answers) -> ServerName | None:
    info = _object(answers, "/get_server_info")
    slots = _count(info.get("max_running_requests"))
    by = _first(
        ("owned_by sglang", _owner(answers) == "sglang"),
        ("metrics sglang:", "sglang:" in _metrics(answers)),
        ("/get_server_info", "max_running_requests" in info),
    )
    if not by:
        return None
    version, limits = _text(info.get("version")), _context(answers)
    return ServerName("SGLang", version, by, slots, "/get_server_info", limits)


def _vllm(answers: Answers) -> ServerName | None:
    by = _first(
        ("owned_by vllm", _owner(answers) == "vllm"),
        ("metrics vllm:", "vllm:" in _metrics(answers)),
    )
    if not by:
        return None
    version = _text(_object(answers, "/version").get("version"))
    slots = _label(_metrics(answers), "max_num_seqs")
    return ServerName("vLLM", version, by, slots, "/metrics max_num_seqs", _context(answers))


def _tgi(answers: Answers) -> ServerName | None:
    info = _object(answers, "/info")
    by = _first(
        ("/info max_concurrent_requests", {"model_id", "max_concurrent_requests"} <= set(info)),
        ("metrics tgi_", "\ntgi_" in "\n" + _metrics(answers)),
    )
    if not by:
        return None
    names = ("max_concurrent_requests", "max_total_tokens", "max_batch_total_tokens")
    limits = {name: str(info[name]) for name in names if _count(info.get(name))}
    return ServerName("TGI", _text(info.get("version")), by, None, "", limits)


def _lm_studio(answers: Answers) -> ServerName | None:
    entries = _object(answers, "/api/v0/models").get("data")
    if not isinstance(entries, list):
        return None
    if not any(isinstance(entry, dict) and "state" in entry for entry in entries):
        return None
    return ServerName("LM Studio", "", "/api/v0/models")


def _foundry_local(answers: Answers) -> ServerName | None:
    """Its services up to 0.8 have ``/openai/status``, later ones ``/status``."""
    for path in ("/status", "/openai/status"):
        status = {key.lower(): value for key, value in _object(answers, path).items()}
        if status.keys() & {"modeldirpath", "modelcachepath", "pipename"}:
            return ServerName("Foundry Local", _text(status.get("version")), path)
    return None


def _ollama(answers: Answers) -> ServerName | None:
    version = _text(_object(answers, "/api/version").get("version"))
    return ServerName("Ollama", version, "/api/version") if version else None


_RULES: tuple[Callable[[Answers], ServerName | None], ...] = (
    *(_litellm, _simulate, _llama_cpp, _sglang, _vllm, _tgi),
    *(_lm_studio, _foundry_local, _ollama),
)


def _first(*signs: tuple[str, bool]) -> str:
    return next((sign for sign, seen in signs if seen), "")


def _object(answers: Answers, path: str) -> dict[str, Any]:
    told = answers.get(path)
    found = told.json if told is not None and told.status == 200 else None
    return found if isinstance(found, dict) else {}


def _header(answers: Answers, name: str) -> str:
    return next((told.headers[name] for told in answers.values() if name in told.headers), "")


def _metrics(answers: Answers) -> str:
    told = answers.get("/metrics")
    if told is None or told.status != 200:
        return ""
    return told.body[:METRICS_BYTES].decode("utf-8", "replace")


def _label(metrics: str, name: str) -> int | None:
    """The number in a label of an info metric: ``…{max_num_seqs="256"} 1``."""
    _, found, rest = metrics.partition(f'{name}="')
    number = rest.partition('"')[0]
    return int(number) if found and number.isdecimal() else None


def _entries(answers: Answers) -> list[dict[str, Any]]:
    entries = _object(answers, MODELS).get("data")
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def _owner(answers: Answers) -> str:
    return next((_text(entry.get("owned_by")) for entry in _entries(answers)), "")


def _context(answers: Answers) -> dict[str, str]:
    found = next((_count(entry.get("max_model_len")) for entry in _entries(answers)), None)
    return {"max_model_len": f"{found} tokens"} if found else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
