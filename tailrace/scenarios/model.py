"""Scenario: everything that says what to run. Plain frozen values; no key, no clock, no I/O."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from tailrace.scenarios.data import Data
from tailrace.scenarios.dialects import AUTO
from tailrace.scenarios.model_entry import FOUNDRY, ModelEntry
from tailrace.scenarios.rates import Arrivals
from tailrace.scenarios.reach import Reach
from tailrace.scenarios.retries import Retries
from tailrace.scenarios.server_side import ServerSide
from tailrace.scenarios.sessions import Sessions

TransportName = Literal["fast", "httpx"]
StampsName = Literal["auto", "user"]
LoopName = Literal["auto", "uvloop", "asyncio"]
PolicyName = Literal["queue", "drop", "abort"]
ThinkName = Literal["constant", "exponential"]


DEFAULT_PROMPT = "Explain in plain words why the slowest requests decide how fast a service feels."


@dataclass(frozen=True, slots=True)
class Think:
    """How long a user of a closed loop pauses after an answer."""

    mean_s: float
    process: ThinkName = "constant"


@dataclass(frozen=True, slots=True)
class Level:
    """One load level: a closed loop of ``users``, or an open loop of ``arrivals``.

    Bounded by a duration or a number of requests; an open loop also by what its phases last.
    """

    users: int | None
    warmup_s: float
    duration_s: float | None
    requests: int | None
    think: Think | None = None
    arrivals: Arrivals | None = None
    max_in_flight: int | None = None
    """Cap of an open loop; None is none."""
    when_full: PolicyName = "queue"
    """What becomes of an arrival that finds the cap reached."""
    round: int = 0
    """Which repetition of the levels it belongs to, from 1; 0 where there is only one."""

    @property
    def load(self) -> str:
        """In a table's cell: ``8`` users, ``50/s``, ``5..50/s``."""
        return str(self.users) if self.arrivals is None else self.arrivals.text

    @property
    def label(self) -> str:
        """In a sentence: ``8 users``, ``50/s``."""
        what = self.load if self.users is None else f"{self.users} user{'s' * (self.users != 1)}"
        return f"round {self.round}, {what}" if self.round else what


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to send, to whom, at which levels. Seconds are floats, ``None`` is no limit."""

    base_url: str
    models: tuple[str, ...]
    levels: tuple[Level, ...]
    prompts: tuple[str, ...] = (DEFAULT_PROMPT,)
    data: Data = field(default_factory=Data)
    """Where prompts come from beside or instead of these texts."""
    dialect: str = AUTO
    """In which words the servers are asked; a model of a models file may have its own."""
    system: str | None = None
    max_tokens: int = 64
    temperature: float = 0.0
    seed: int = 0
    send_seed: bool = False
    """Whether the seed goes into the request bodies, for the server's own sampling."""
    nonce: bool = True
    """Begin each prompt with its own hexadecimal word, so that no prefix cache can serve it."""
    salt: str = ""
    """Mixed into the nonces: with a fresh salt, a repeated run repeats no prompt of the last."""
    stream_usage: bool = True
    stream: bool = True
    """Whether answers are asked for as streams; else each comes whole, at one moment."""
    retries: Retries = field(default_factory=Retries)
    deterministic: bool = False
    """The same is asked in the same order and way as in any other such run, and answers are hashed
    so that runs can be compared."""
    keep_text: bool = False
    """Whether the rows keep what was answered."""
    slo: tuple[str, ...] = ()
    """Objectives that each level is held to; see results/slo.py."""
    abort_on: tuple[str, ...] = ()
    """Thresholds that end the run; see results/abort.py."""
    search: dict[str, Any] = field(default_factory=dict)
    """Of `tailrace find-limit`: kind, first and last point in steps, step, and most probes."""
    label: str = ""
    """Name of the variant that is measured, for `tailrace variants`."""
    costs: dict[str, Any] = field(default_factory=dict)
    """Prices and power for every model; a models file may have them for each."""
    extra_body: dict[str, Any] = field(default_factory=dict)
    header_names: tuple[str, ...] = ()
    """Names of the extra headers; their values may be secrets and are not kept."""
    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 60.0
    total_timeout_s: float | None = None
    drain_s: float = 30.0
    """After a level's end, how long requests in flight may take before they are censored."""
    transport: TransportName = "fast"
    stamps: StampsName = "auto"
    """``auto`` takes the kernel's receive stamps where they exist."""
    loop: LoopName = "auto"
    workers: int = 1
    """Processes that make the load; 0 is one a core but one."""
    insecure: bool = False
    """TLS certificates are not checked."""
    ca_file: str | None = None
    reach: Reach = field(default_factory=Reach)
    """Addresses, protocol, proxy, client certificate."""
    entries: tuple[ModelEntry, ...] = ()
    """What a models file says of each of ``models``; empty without one."""
    foundry: bool = False
    """Whether every model without a URL or server of its own lives on Foundry Local."""
    foundry_keep: bool = False
    """Whether models that were loaded there for their turn stay loaded."""
    sessions: Sessions | None = None
    """Conversations of several turns instead of single requests."""
    server_side: ServerSide = field(default_factory=ServerSide)
    """Whether the server is watched meanwhile."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; what ``run.json`` keeps."""
        return asdict(self)

    @property
    def queue(self) -> tuple[ModelEntry, ...]:
        """An entry for each model, in the order of their turns."""
        entries = self.entries or tuple(ModelEntry(model, model) for model in self.models)
        return tuple(self._placed(entry) for entry in entries)

    def _placed(self, entry: ModelEntry) -> ModelEntry:
        """With what the whole run says of Foundry Local."""
        if self.foundry and not entry.serve and (entry.server or not entry.url):
            entry = replace(entry, server=FOUNDRY, url=entry.url or self.base_url or None)
        return replace(entry, keep_loaded=entry.keep_loaded or self.foundry_keep)

    @property
    def urls(self) -> tuple[str, ...]:
        """Base URLs that are known before anything is started."""
        own = (entry.url for entry in self.entries)
        return tuple(url for url in (self.base_url, *self.reach.more_urls, *own) if url)

    @property
    def own_salt(self) -> str:
        """What makes a run's texts its own; empty where runs are to repeat them."""
        return self.salt if self.nonce else ""

    @property
    def most_users(self) -> int:
        """The most requests that the levels are sure to have in flight."""
        searched = self.search["last"] if self.search.get("kind") == "users" else 1
        return max(searched, *(level.users or level.max_in_flight or 1 for level in self.levels))
