"""``tailrace schema``, ``init`` and ``catalog``: what they write is what ``run`` reads."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
import yaml

from tailrace import cli
from tailrace.commands.keys import keys_of
from tailrace.scenarios import catalog
from tailrace.scenarios.keys import Key
from tailrace.scenarios.scenario_file import LEVEL_NAMES
from tailrace.scenarios.scenario_schema import schema_of
from tailrace.scenarios.scenario_text import STARTER, new_text

from .command import tailrace
from .scenarios.test_scenario_file import GOOD, LEVELS
from .test_cli_bad_input import USAGE, assert_sentence
from .test_cli_file import ran
from .test_cli_run import load, only_run

KEYS: dict[str, Key] = {name: key for name, (key, _) in keys_of(cli.run).items()}
SCHEMA = schema_of(KEYS)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
LOADERS: dict[str, Any] = {"toml": tomllib.loads, "yaml": yaml.safe_load, "json": orjson.loads}


def faults(data: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(data)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_command(tmp_path: Path) -> None:
    done = tailrace("schema", cwd=tmp_path)
    assert (done.returncode, orjson.loads(done.stdout)) == (0, SCHEMA)


def test_every_option_of_run_is_described_in_the_schema(tmp_path: Path) -> None:
    text = tailrace("run", "--help", cwd=tmp_path).stdout
    for name in KEYS:
        assert f"--{name}" in text
        assert SCHEMA["properties"][name]["description"], name
    assert {"url", "model", "rate", "max-tokens", "nonce", "rounds"} <= set(KEYS)
    assert not {"help", "config", "show-config", "quiet", "json"} & set(KEYS)
    of_traces = {"trace", "trace-format", "time-scale", "window"}
    assert set(LEVEL_NAMES) - of_traces <= set(KEYS)


@pytest.mark.parametrize("name", catalog.names())
def test_the_catalog_follows_the_schema(name: str) -> None:
    assert faults(tomllib.loads(catalog.text_of(name))) == []


@pytest.mark.parametrize("form", LOADERS)
def test_a_new_file_follows_the_schema(form: str) -> None:
    data = LOADERS[form](new_text(KEYS, form, "s"))
    assert data == dict(STARTER)
    assert faults(data) == []


@pytest.mark.parametrize("form", ["toml", "yaml"])
def test_what_a_new_file_has_in_comments_can_be_let_in(form: str) -> None:
    """With any one of them uncommented it still parses, and has a key that the schema knows."""
    lines = new_text(KEYS, form, "s").split("\n")
    asleep = [at for at, line in enumerate(lines) if line[:1] == "#" and line[1:2] not in (" ", "")]
    assert len(asleep) == len(KEYS) - len(STARTER)
    for at in asleep:
        awake = [*lines[:at], lines[at][1:], *lines[at + 1 :]]
        data = LOADERS[form]("\n".join(awake))
        assert len(data) == len(STARTER) + 1
        assert set(data) <= set(SCHEMA["properties"])


@pytest.mark.parametrize("form", ["toml", "yaml"])
def test_the_levels_that_a_new_file_sketches_follow_the_schema(form: str) -> None:
    text = new_text(KEYS, form, "s")
    _, sketch = text.split("# Levels with bounds", 1)
    data = LOADERS[form]("\n".join(line[2:] for line in sketch.split("\n")[1:]))
    assert len(data["levels"]) == 2
    assert faults(data) == []


@pytest.mark.parametrize("name", ["s.toml", "s.json", "s.yaml"])
def test_what_the_loader_reads_the_schema_allows(name: str) -> None:
    read = LOADERS[name[2:]]
    assert faults(read(LEVELS[name])) == []
    data = read(GOOD[name])
    data = data.get("run", data)
    assert faults({key.replace("_", "-"): value for key, value in data.items()}) == []


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"concurency": 4},
        {"max-tokens": "many"},
        {"max-tokens": 0},
        {"nonce": "no"},
        {"arrival": "poison"},
        {"temperature": -1},
        {"model": 5},
        {"system": 5},
        {"concurrency": []},
        {"concurrency": 4, "rate": 5},
        {"phases": [{"rate": 5}], "levels": [{"rate": 5}]},
        {"levels": []},
        {"levels": [{"duration": 5}]},
        {"levels": [{"concurrency": 1, "rate": 5}]},
        {"levels": [{"concurrency": 1, "url": "http://x"}]},
        {"phases": [{"from": 1}]},
        {"phases": [{"rate": 1, "to": 5}]},
        {"extra-body": []},
    ],
)
def test_what_is_wrong_the_schema_refuses(data: Any) -> None:
    assert faults(data)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "scenario.toml"),
        (["--format", "yaml"], "scenario.yaml"),
        (["my.yml"], "my.yml"),
        (["my.json", "--format", "json"], "my.json"),
    ],
)
def test_init_writes_a_file_that_runs(
    sim_url: str, tmp_path: Path, arguments: list[str], name: str
) -> None:
    done = tailrace("init", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"written to {name}; run it: tailrace run {name}\n"
    done = tailrace(
        *("run", name, "--url", sim_url, "-n", "2", "--warmup", "0s", "-q"), cwd=tmp_path
    )
    ran(done)
    facts = load(only_run(tmp_path) / "run.json")
    assert [level["users"] for level in facts["scenario"]["levels"]] == STARTER["concurrency"]


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("mine", encoding="utf-8")
    done = tailrace("init", "s.toml", cwd=tmp_path)
    assert_sentence(done, USAGE, "'s.toml'", "is there already", "another")
    assert (tmp_path / "s.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["s.txt"], ["'s.txt'", "toml, yaml or json", "'s.toml'"]),
        (["s.toml", "--format", "yaml"], ["'s.toml'", "yaml", "'s.yaml'"]),
        (["no/such/s.toml"], ["s.toml", "cannot be written", "No such file"]),
    ],
)
def test_init_with_a_wrong_name(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    assert_sentence(tailrace("init", *arguments, cwd=tmp_path), USAGE, *words)
    assert list(tmp_path.iterdir()) == []


GROUPS = {
    *("agent", "chat", "code-completion", "decode-heavy"),
    *("embeddings", "long-context", "rag", "short-answer"),
}


def test_the_catalog_lists_what_it_has(tmp_path: Path) -> None:
    done = tailrace("catalog", cwd=tmp_path)
    lines = done.stdout.splitlines()
    names = [line.split()[0] for line in lines]
    assert names == sorted(names) == catalog.names()
    assert set(names) >= GROUPS
    for line in lines:
        assert len(line) <= 100
        assert line.endswith(".")


def test_the_catalog_shows_a_file_as_it_is(tmp_path: Path) -> None:
    done = tailrace("catalog", "show", "chat", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, catalog.text_of("chat"))
    done = tailrace("catalog", "show", "chart", cwd=tmp_path)
    assert_sentence(done, USAGE, "'chart'", "did you mean 'chat'?")


@pytest.mark.parametrize("name", catalog.names())
def test_every_scenario_of_the_catalog_runs(sim_url: str, tmp_path: Path, name: str) -> None:
    done = tailrace(
        *("run", f"catalog:{name}", "--url", sim_url, "-m", "sim", "-c", "2", "-n", "6"),
        *("--warmup", "0s", "-q"),
        cwd=tmp_path,
        env={"TAILRACE_THINK_TIME": "1ms"},
    )
    ran(done)
    (stage,) = load(only_run(tmp_path) / "sim" / "result.json")["stages"]
    assert stage["counts"]["measured"]["ok"] >= 6  # requests, or sessions of several
