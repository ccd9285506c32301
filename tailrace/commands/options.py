"""Options of ``tailrace run``, and how flags, environment and a file become a Scenario.

Precedence: a flag beats an environment variable beats the scenario file beats the default.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tailrace.commands import (
    adapters,
    asking,
    cloud,
    costs,
    credentials,
    data,
    dialect,
    fleet,
    foundry,
    levels,
    models,
    own_metrics,
    rating,
    rounds,
    server_side,
    sessions,
    slos,
    traces,
    variants,
)
from tailrace.commands.file import read_scenario
from tailrace.commands.option import BLANKS, COMMAS, Command, option
from tailrace.errors import UsageError
from tailrace.scenarios import parse
from tailrace.scenarios.files import read_text
from tailrace.scenarios.model import DEFAULT_PROMPT, Scenario

if TYPE_CHECKING:
    from tailrace.engine.fleet_choice import FleetChoice
    from tailrace.rating import Rating


class Wanted(NamedTuple):
    """What the command line asks for: the scenario, and what is not part of it."""

    scenario: Scenario
    out: Path
    name: str | None
    secret_headers: tuple[tuple[str, str], ...]
    model_headers: Mapping[str, tuple[tuple[str, str], ...]]
    """Of single models, by name."""
    options: dict[str, Any]
    """What was given, but for secrets."""
    rating: Rating | None = None
    """What is to be done with the answers when it is over."""
    metrics: own_metrics.OwnMetrics = own_metrics.OwnMetrics()
    """How it is shown to Prometheus."""
    fleet: FleetChoice | None = None
    """The cluster that its workers are to be on."""


_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--config",
        envvar="TAILRACE_CONFIG",
        is_eager=True,
        expose_value=False,
        callback=read_scenario,
        metavar="FILE",
        show_envvar=True,
        help="Scenario file (TOML, YAML or JSON), the same as SCENARIO.",
    ),
    option(
        "--url",
        multiple=True,
        env=["OPENAI_BASE_URL", "FOUNDRY_LOCAL_ENDPOINT"],
        separator=BLANKS,
        help="Base URL of the API, with or without /v1; its query is kept. Repeat it to spread the "
        "users over several.",
    ),
    option(
        "--model",
        "-m",
        "models",
        multiple=True,
        env=["BENCH_MODELS"],
        separator=COMMAS,
        help="Model id as the server names it; repeat for several, taken one after another. auto "
        "is the first that the server has loaded, ALL every one that it lists.",
    ),
    option(
        "--concurrency",
        "-c",
        metavar="N[,N…]",
        help="Users always in flight; several levels are swept in turn.  [default: 1]",
    ),
    option(
        "--rate",
        "-r",
        metavar="RATE[,RATE…]",
        help="Requests started per second, whatever the answers do (open loop): 50, "
        "5..50 over 60s, 10..50 in 5 steps over 50s; phases are split by ';', levels by ','.",
    ),
    option(
        "--arrival",
        type=click.Choice(["constant", "poisson", "gamma"]),
        default="poisson",
        show_default=True,
        help="How the arrivals of --rate are spread.",
    ),
    option("--burstiness", metavar="SHAPE", help="Shape of gamma arrivals; lower is burstier."),
    option("--replay", metavar="FILE", help="Open loop: start at these seconds, one a line."),
    *traces.OPTIONS,
    *sessions.OPTIONS,
    option(
        "--max-in-flight",
        type=click.IntRange(1),
        help="Most requests of an open loop in flight at once.",
    ),
    option(
        "--when-full",
        type=click.Choice(["queue", "drop", "abort"]),
        default="queue",
        show_default=True,
        help="What becomes of a request that is due while --max-in-flight are.",
    ),
    option(
        "--think-time",
        metavar="TIME|exp:TIME",
        help="Pause of each user after an answer; exp: draws it exponentially.",
    ),
    option(
        "--duration",
        "-d",
        metavar="TIME",
        help="How long each level is measured, like 30s or 2m.  [default: 30s]",
    ),
    option(
        "--requests",
        "-n",
        type=click.IntRange(1),
        help="Measure this many requests at each level instead.",
    ),
    option(
        "--warmup",
        default="5s",
        show_default=True,
        metavar="TIME",
        help="Load before each level's measuring; hands over without a break.",
    ),
    *rounds.OPTIONS,
    *foundry.OPTIONS,
    *dialect.OPTIONS,
    option(
        "--max-tokens",
        env=["BENCH_MAX_TOKENS"],
        type=click.IntRange(1),
        default=64,
        show_default=True,
        help="Longest answer asked for, in tokens.",
    ),
    option(
        "--prompt",
        "-p",
        "prompts",
        multiple=True,
        env=["BENCH_PROMPT"],
        separator=None,
        help="Prompt text, or @FILE; several are taken in turn.",
    ),
    *data.OPTIONS,
    option("--system", help="System message."),
    option(
        "--temperature",
        env=["BENCH_TEMPERATURE"],
        type=click.FloatRange(0),
        default=0.0,
        show_default=True,
        help="How freely the model samples; 0 takes the likeliest token.",
    ),
    option(
        "--seed",
        type=int,
        help="Seed of everything random here, and sent to the server.  [default: 0, not sent]",
    ),
    option(
        "--nonce/--no-nonce",
        default=True,
        show_default=True,
        help="Begin each prompt with a word of its own, against prefix caches.",
    ),
    option("--salt", help="Fix the nonces' salt, to send the very prompts of an earlier run."),
    option(
        "--stream-usage/--no-stream-usage",
        default=True,
        show_default=True,
        help="Ask for the server's own token counts (stream_options.include_usage).",
    ),
    option("--extra-body", metavar="JSON", help="JSON object merged into each request body."),
    option(
        "--header",
        "headers",
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Extra header; ${NAME} in it is a variable, as a secret must be.",
    ),
    option(
        "--api-key-file",
        metavar="FILE",
        help="File with the API key (- for standard input); else OPENAI_API_KEY or API_KEY.",
    ),
    option(
        "--connect-timeout",
        default="10s",
        show_default=True,
        metavar="TIME",
        help="Longest wait for a connection.",
    ),
    option(
        "--idle-timeout",
        default="60s",
        show_default=True,
        metavar="TIME",
        help="Longest silence of one answer before it counts as timed out; 10m with --no-stream.",
    ),
    option("--timeout", metavar="TIME", help="Limit of a whole answer.  [default: none]"),
    option(
        "--drain",
        default="30s",
        show_default=True,
        metavar="TIME",
        help="After a level, how long answers under way may take before they are censored.",
    ),
    *cloud.OPTIONS,
    *asking.OPTIONS,
    *costs.OPTIONS,
    *variants.OPTIONS,
    *rating.OPTIONS,
    *server_side.OPTIONS,
    *own_metrics.OPTIONS,
    *slos.OPTIONS,
    option(
        "--transport",
        type=click.Choice(["fast", "httpx"]),
        default="fast",
        show_default=True,
        help="fast is tailrace's own; httpx the stock client, for HTTP/2.",
    ),
    option(
        "--stamps",
        type=click.Choice(["auto", "user"]),
        default="auto",
        show_default=True,
        help="auto takes the kernel's receive stamps (Linux, plain TCP); user the loop's reads.",
    ),
    option(
        "--loop",
        type=click.Choice(["auto", "uvloop", "asyncio"]),
        default="auto",
        show_default=True,
        help="Event loop; auto takes uvloop (winloop on Windows) where it is installed.",
    ),
    option(
        "--workers",
        "-w",
        default="1",
        show_default=True,
        metavar="N|auto",
        help="Processes that share the load; auto is one a core but one.",
    ),
    *fleet.OPTIONS,
    option("--ca-file", metavar="FILE", help="Certificates to trust (PEM)."),
    option("--insecure", is_flag=True, help="Do not check TLS certificates; kept in the result."),
    option(
        "--out",
        "-o",
        default="runs",
        show_default=True,
        metavar="DIR",
        help="Where result folders are made.",
    ),
    option("--name", help="Name of the run.  [default: the first model]"),
)


def run_options(command: Command) -> Command:
    """All options that describe a run."""
    for decorate in reversed((*_OPTIONS, *models.OPTIONS, *adapters.OPTIONS)):
        command = decorate(command)
    return click.argument(
        "scenario",
        required=False,
        is_eager=True,
        expose_value=False,
        callback=read_scenario,
        metavar="[SCENARIO]",
    )(command)


_AS_IS = (
    *("dialect", "system", "max_tokens", "temperature", "stream_usage"),
    *("transport", "stamps", "loop", "insecure", "foundry", "foundry_keep"),
)
"""Options whose values are the scenario's, as click has checked them."""


def wanted(values: dict[str, Any]) -> Wanted:
    """The command's values as a scenario; raises UsageError with the option that is wrong."""
    urls = values["url"]
    values = rating.settled(asking.settled(dialect.of_dialect(cloud.settled(values))))
    queue = models.queue(values)
    headers, secret = secret_headers(values)
    scenario = Scenario(
        **queue.asking(),
        prompts=tuple(_prompt(text) for text in data.typed_prompts(values, DEFAULT_PROMPT)),
        seed=values["seed"] or 0,
        send_seed=values["seed"] is not None,
        salt=secrets.token_hex(4) if values["salt"] is None else values["salt"],
        costs=costs.costs(values),
        label=variants.label(values),
        extra_body=credentials.extra_body(values["extra_body"]),
        header_names=tuple(name for name, _ in headers),
        connect_timeout_s=parse.positive(values["connect_timeout"], "--connect-timeout"),
        idle_timeout_s=parse.positive(values["idle_timeout"], "--idle-timeout"),
        total_timeout_s=_limit_s(values["timeout"]),
        drain_s=parse.seconds(values["drain"], "--drain"),
        workers=levels.workers(values["workers"]),
        server_side=server_side.server_side(values),
        ca_file=_ca_file(values["ca_file"]),
        reach=values["reach"],
        **{name: values[name] for name in _AS_IS},
        **asking.asking(values),
        **slos.objectives(values),
        **levels.load_fields(values),
    )
    cloud.require_usable(scenario)
    scenario = data.with_data(scenario, values)
    scenario = asking.each_once(scenario, values)
    kept = models.kept_options(values | {"url": urls}, secret)
    of_models = cloud.for_models(queue.entries, queue.headers, secret)
    out, rated = Path(values["out"]), rating.rating(values, scenario, of_models)
    metrics = own_metrics.own_metrics(values)
    on = fleet.fleet(values)
    return Wanted(scenario, out, values["name"], secret, of_models, kept, rated, metrics, on)


Headers = tuple[tuple[str, str], ...]


def secret_headers(values: dict[str, Any]) -> tuple[Headers, Headers]:
    """The headers that were given, and those with the key's."""
    headers = credentials.given_headers(values["headers"])
    key = credentials.api_key(values["api_key_file"])
    own = cloud.auth_header(values, key) if key else None
    return headers, headers if own is None else (*headers, own)


def _limit_s(text: str | None) -> float | None:
    return parse.positive(text, "--timeout") if text else None


def _prompt(text: str) -> str:
    """A prompt as typed, or the text of ``@FILE``; never empty."""
    prompt = read_text(text[1:], "--prompt file") if text.startswith("@") else text
    if not prompt.strip():
        raise UsageError("--prompt must not be empty; give some text or @FILE")
    return prompt


def _ca_file(path: str | None) -> str | None:
    if path is not None and not Path(path).is_file():
        raise UsageError(f"--ca-file {path!r} is not a file")
    return path
