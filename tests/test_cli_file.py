"""Scenario files, variables and flags on the command line: who beats whom, and what is said."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from tailrace.simulate import Script, background

from .command import tailrace
from .test_cli_bad_input import USAGE, assert_sentence
from .test_cli_run import load, only_run

URL, M = "http://127.0.0.1:9", "m"


def config(
    tmp_path: Path, *arguments: str, env: dict[str, str] | None = None
) -> dict[str, tuple[str, str]]:
    """What ``--show-config`` says: value and source, by option."""
    done = tailrace("run", *arguments, "--show-config", "--json", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "runs").exists()
    settings = orjson.loads(done.stdout)["settings"]
    return {row["option"]: (row["value"], row["source"]) for row in settings}


def ran(done: subprocess.CompletedProcess[str]) -> None:
    """It ran to its end; whether so short a run is valid is up to how busy the machine is."""
    assert done.returncode in (0, 11), done.stderr


FILE = """url = "http://file/v1"
model = ["file-1", "file-2"]
max-tokens = 11
temperature = 0.25
nonce = false
duration = "7s"
"""
FLAGS = ["--max-tokens", "33", "--temperature", "0.75", "--nonce", "--duration", "9s", "-m", "flag"]
VARIABLES = {
    "TAILRACE_MAX_TOKENS": "22",
    "TAILRACE_TEMPERATURE": "0.5",
    "TAILRACE_NONCE": "true",
    "TAILRACE_DURATION": "8s",
    "TAILRACE_MODEL": "env",
}
DEFAULTS = ("64", "0.0", "on", "30s", "none")


@pytest.mark.parametrize("flags", [False, True])
@pytest.mark.parametrize("variables", [False, True])
@pytest.mark.parametrize("file", [False, True])
def test_precedence(tmp_path: Path, flags: bool, variables: bool, file: bool) -> None:
    """Every combination of the three sources, for an option of each type."""
    (tmp_path / "s.toml").write_text(FILE, encoding="utf-8")
    found = config(
        tmp_path,
        *(["s.toml"] if file else []),
        *(FLAGS if flags else []),
        env=VARIABLES if variables else {},
    )
    names = ("--max-tokens", "--temperature", "--nonce", "--duration", "--model")
    if flags:
        expected = [(value, "flag") for value in ("33", "0.75", "on", "9s", "flag")]
    elif variables:
        values = ("22", "0.5", "on", "8s", "env")
        expected = list(zip(values, VARIABLES, strict=True))
    elif file:
        values, lines = ("11", "0.25", "off", "7s", "file-1, file-2"), (3, 4, 5, 6, 2)
        expected = [(v, f"s.toml line {line}") for v, line in zip(values, lines, strict=True)]
    else:
        expected = [(value, "default") for value in DEFAULTS]
    assert [found[name] for name in names] == expected


VARIABLE_TABLE = [
    ("BENCH_MODELS", "a, b:1,c/d", "--model", "a, b:1, c/d"),
    ("BENCH_MODELS", "auto", "--model", "auto"),
    ("BENCH_ROUNDS", "3", "--rounds", "3"),
    ("BENCH_PROMPT", "Say it, then\nsay it again", "--prompt", "Say it, then\nsay it again"),
    ("BENCH_MAX_TOKENS", "5", "--max-tokens", "5"),
    ("BENCH_TEMPERATURE", "1", "--temperature", "1.0"),
    ("BENCH_STREAM", "false", "--stream", "off"),
    ("BENCH_STREAM", "1", "--stream", "on"),
    ("RETRY_ON_FAIL", "3", "--retries", "3"),
    ("RETRY_ON_FAIL", "true", "--retries", "1"),
    ("RETRY_ON_FAIL", "False", "--retries", "0"),
    ("RETRY_BACKOFF", "2", "--retry-backoff", "2"),
    ("FOUNDRY_LOCAL_ENDPOINT", "http://127.0.0.1:5273", "--url", "http://127.0.0.1:5273"),
    ("OPENAI_BASE_URL", "http://x/v1", "--url", "http://x/v1"),
    ("OPENAI_API_KEY", "sk-1", "API key", "(hidden)"),
    ("API_KEY", "sk-2", "API key", "(hidden)"),
    ("TAILRACE_HEADER", "X-One: 1\nX-Two: 2", "--header", "X-One: (hidden), X-Two: (hidden)"),
]


@pytest.mark.parametrize(("variable", "text", "option", "value"), VARIABLE_TABLE)
def test_what_a_variable_sets(
    tmp_path: Path, variable: str, text: str, option: str, value: str
) -> None:
    assert config(tmp_path, env={variable: text})[option] == (value, variable)


def test_our_own_variable_beats_the_others(tmp_path: Path) -> None:
    env = {"BENCH_MAX_TOKENS": "5", "TAILRACE_MAX_TOKENS": "6", "API_KEY": "a"}
    found = config(tmp_path, env=env | {"OPENAI_API_KEY": "b"})
    assert found["--max-tokens"] == ("6", "TAILRACE_MAX_TOKENS")
    assert found["API key"] == ("(hidden)", "OPENAI_API_KEY")


def test_show_config_tells_every_variable_and_no_secret(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "sk-hush", "BENCH_ROUNDS": "2"}
    done = tailrace(
        *("run", "--show-config", "--rounds", "4", "--header", "X-Token: hush"),
        *("--extra-body", '{"api_key": "hush", "top_p": 0.5}'),
        cwd=tmp_path,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    assert "hush" not in done.stdout
    assert "top_p=0.5" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["BENCH_ROUNDS", "--rounds", "set,", "not", "used"] in lines
    assert ["OPENAI_API_KEY", "the", "API", "key", "used"] in lines
    for name in ("BENCH_MODELS", "BENCH_PROMPT", "FOUNDRY_LOCAL_ENDPOINT", "API_KEY"):
        assert any(line[:1] == [name] for line in lines)


@pytest.mark.parametrize(
    ("text", "flags", "levels"),
    [
        ("concurrency = [1, 2]", ["--rate", "5"], ["5/s"]),
        ("rate = 5\nmax-in-flight = 3", ["-c", "2"], ["2"]),
        ('concurrency = 2\nthink-time = "1s"', ["--rate", "5"], ["5/s"]),
        ('duration = "9s"', ["-n", "4"], ["1"]),
        ("[[levels]]\nconcurrency = 3\n[[levels]]\nrate = 4", [], ["3", "4/s"]),
        ("[[levels]]\nconcurrency = 3", ["-c", "7"], ["7"]),
        ('think-time = "1s"\n[[levels]]\nconcurrency = 3\n[[levels]]\nrate = 4', [], ["3", "4/s"]),
        ("phases = [{ rate = 5, duration = 1 }, { rate = 9, duration = 1 }]", [], ["5..9/s"]),
    ],
)
def test_the_stronger_load_takes_the_weaker_ones_place(
    sim_url: str, tmp_path: Path, text: str, flags: list[str], levels: list[str]
) -> None:
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    bounds = [] if "-n" in flags or "phases" in text else ["-n", "4"]
    done = tailrace(
        *("run", "s.toml", "--url", sim_url, "-m", "sim", "--warmup", "0s", "-q"),
        *(*bounds, *flags),
        cwd=tmp_path,
    )
    ran(done)
    (model,) = load(only_run(tmp_path) / "run.json")["models"]
    assert [stage["load"] for stage in model["stages"]] == levels


def stages(tmp_path: Path) -> list[dict[str, Any]]:
    scenario: dict[str, Any] = load(only_run(tmp_path) / "run.json")["scenario"]
    found: list[dict[str, Any]] = scenario["levels"]
    return found


LEVELS = """
url: {url}
model: sim
warmup: 0s
requests: 3
arrival: constant
levels:
  - concurrency: 2
  - rate: 50
    duration: 200ms
    max-in-flight: 9
  - phases:
      - {{rate: 20, duration: 100ms}}
      - {{from: 20, to: 40, duration: 200ms}}
    arrival: gamma
    burstiness: 0.5
"""


def test_levels_of_a_file_each_with_its_own_bounds(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(LEVELS.format(url=sim_url), encoding="utf-8")
    done = tailrace("run", "s.yaml", "-q", cwd=tmp_path)
    ran(done)
    closed, flat, phased = stages(tmp_path)
    assert (closed["users"], closed["requests"], closed["duration_s"]) == (2, 3, None)
    assert (flat["requests"], flat["duration_s"], flat["max_in_flight"]) == (None, 0.2, 9)
    assert flat["arrivals"]["process"] == "constant"
    assert (phased["duration_s"], phased["requests"]) == (None, 3)
    assert (phased["arrivals"]["process"], phased["arrivals"]["burstiness"]) == ("gamma", 0.5)
    assert [phase["to_per_s"] for phase in phased["arrivals"]["phases"]] == [20.0, 40.0]


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ('[[levels]]\nphases = [{ rate = 50, duration = "200ms" }]', []),
        ("concurrency = 4", ["--rate", "50 for 200ms"]),
        ("[[levels]]\nconcurrency = 4", ["--rate", "50 for 200ms"]),
    ],
)
def test_phases_that_last_need_no_duration(
    sim_url: str, tmp_path: Path, text: str, flags: list[str]
) -> None:
    (tmp_path / "s.toml").write_text(f'duration = "9s"\n{text}', encoding="utf-8")
    done = tailrace(
        *("run", "s.toml", "--url", sim_url, "-m", "sim", "--warmup", "0s", "-q", *flags),
        cwd=tmp_path,
    )
    ran(done)
    (level,) = stages(tmp_path)
    assert (level["arrivals"]["phases"][0]["to_per_s"], level["duration_s"]) == (50.0, 0.2)


def test_a_flag_beats_every_level(sim_url: str, tmp_path: Path) -> None:
    text = '[[levels]]\nconcurrency = 2\nduration = "5s"\nwarmup = "5s"\n[[levels]]\nrate = 90'
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    done = tailrace(
        *("run", "s.toml", "--url", sim_url, "-m", "sim", "--warmup", "0s", "-n", "4", "-q"),
        cwd=tmp_path,
    )
    ran(done)
    for level in stages(tmp_path):
        assert (level["warmup_s"], level["requests"], level["duration_s"]) == (0, 4, None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'url = "http://x/v1"\nmodel = "m"\nwarmup = "soon"',
            "s.toml line 3: --warmup 'soon' is not a duration; write it like 30s, 500ms or 2m",
        ),
        ('model = "m"\nurl = "ftp://x"', "s.toml line 2: --url 'ftp://x' is not a URL"),
        (
            'model = "m"\nurl = "http://x"\nprompt = " "',
            "s.toml line 3: --prompt must not be empty",
        ),
        (
            'model = "m"\nurl = "http://x"\n[[levels]]\nrate = 1\n[[levels]]\nrate = "5 for"',
            "s.toml line 6: level 2: --rate '5 for' is not a rate",
        ),
        (
            'model = "m"\nurl = "http://x"\n[[levels]]\nconcurrency = 1\nmax-in-flight = 2',
            "s.toml line 5: level 1: --max-in-flight caps an open loop",
        ),
        (
            'model = "m"\nurl = "http://x"\nduration = "1s"\nrequests = 4',
            "s.toml line 3: --duration and --requests exclude each other",
        ),
        ('url = "http://x"', "--model is missing"),
        ('model = "m"', "--url is missing"),
    ],
)
def test_a_value_found_wrong_late_is_still_placed(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    done = tailrace("run", "s.toml", cwd=tmp_path)
    assert_sentence(done, USAGE, f"tailrace: {sentence}")


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", URL, "-m", M), cwd=tmp_path, env={"TAILRACE_DURATION": "soon"}
    )
    assert_sentence(done, USAGE, "tailrace: TAILRACE_DURATION: --duration 'soon'")
    done = tailrace("run", "--url", URL, "-m", M, cwd=tmp_path, env={"BENCH_ROUNDS": "many"})
    assert_sentence(done, USAGE, "--rounds", "BENCH_ROUNDS", "many")


def test_one_scenario_file_at_a_time(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(f'name = "{name}"', encoding="utf-8")
    done = tailrace("run", "a.toml", "--config", "b.toml", cwd=tmp_path)
    assert_sentence(done, USAGE, "a.toml", "b.toml", "give one")
    found = config(tmp_path, "a.toml", env={"TAILRACE_CONFIG": "b.toml"})
    assert found["--name"] == ("a.toml", "a.toml line 1")
    found = config(tmp_path, env={"TAILRACE_CONFIG": "b.toml"})
    assert found["--name"] == ("b.toml", "b.toml line 1")
    assert found["scenario"] == ("b.toml", "TAILRACE_CONFIG")


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    done = tailrace("run", "nowhere.toml", cwd=tmp_path)
    assert_sentence(done, USAGE, "'nowhere.toml'", "No such file", "tailrace init")
    done = tailrace("run", "catalog:chatt", cwd=tmp_path)
    assert_sentence(done, USAGE, "'chatt'", "did you mean 'chat'?")
    (tmp_path / "s.toml").write_bytes(b"\xff")
    assert_sentence(tailrace("run", "s.toml", cwd=tmp_path), USAGE, "'s.toml'", "UTF-8")


def test_rounds_stand_apart(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", sim_url, "-m", "sim", "-c", "1,2", "-n", "3", "--warmup", "0s", "-q"),
        cwd=tmp_path,
        env={"BENCH_ROUNDS": "2"},
    )
    ran(done)
    run = only_run(tmp_path)
    found = load(run / "sim" / "result.json")["stages"]
    assert [(s["index"], s["round"], s["users"]) for s in found] == [
        *((0, 1, 1), (1, 1, 2)),
        *((2, 2, 1), (3, 2, 2)),
    ]
    assert "round" in done.stdout
    assert "round 2, 2 users" in (run / "report.md").read_text(encoding="utf-8")
    again = tailrace("report", str(run), cwd=tmp_path)
    assert again.stdout.split("VALID")[0] == done.stdout.split("VALID")[0]


def test_one_round_has_no_number(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", sim_url, "-m", "sim", "-n", "3", "--warmup", "0s", "-q"), cwd=tmp_path
    )
    assert "round" not in done.stdout
    (stage,) = load(only_run(tmp_path) / "sim" / "result.json")["stages"]
    assert stage["round"] == 0


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (["auto"], ["sim"]),
        (["ALL"], ["sim", "a/b:1"]),
        (["a/b:1", "ALL"], ["a/b:1", "sim"]),
        (["auto", "sim"], ["sim"]),
    ],
)
def test_models_by_what_the_server_lists(
    sim_url: str, tmp_path: Path, models: list[str], expected: list[str]
) -> None:
    done = tailrace(
        *("run", "--url", sim_url, "-n", "2", "--warmup", "0s", "-q"),
        cwd=tmp_path,
        env={"BENCH_MODELS": ",".join(models)},
    )
    ran(done)
    facts = load(only_run(tmp_path) / "run.json")
    assert [model["model"] for model in facts["models"]] == expected
    assert facts["scenario"]["models"] == expected


def test_auto_where_the_server_does_not_answer(tmp_path: Path) -> None:
    done = tailrace("run", "--url", "http://127.0.0.1:9/v1", "-m", "auto", cwd=tmp_path)
    assert_sentence(done, 3, "http://127.0.0.1:9/v1/models", "refused", "--model")
    with background(Script()) as url:
        wrong = url.removesuffix("/v1") + "/elsewhere"
        done = tailrace("run", "--url", wrong, "-m", "ALL", cwd=tmp_path)
    assert_sentence(done, 3, "/elsewhere/models", "HTTP 404", "--model")
    assert not (tmp_path / "runs").exists()
