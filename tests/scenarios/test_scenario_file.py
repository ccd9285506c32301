"""Scenario files: what is read, and the exact sentence for each way to write one wrongly."""

from __future__ import annotations

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.keys import Key
from tailrace.scenarios.located import located
from tailrace.scenarios.scenario_file import ScenarioFile, scenario_file

NUMBER, LIST, OBJECT = "number", "list", "object"
KEYS = {
    key.name: key
    for key in (
        Key("model", "text", many=True),
        Key("concurrency", "text", hint="N[,N…]", forms=frozenset({NUMBER, LIST})),
        Key("rate", "text", hint="RATE[,RATE…]", forms=frozenset({NUMBER, LIST})),
        Key("arrival", "choice", choices=("constant", "poisson", "gamma")),
        Key("duration", "text", hint="TIME", forms=frozenset({NUMBER})),
        Key("warmup", "text", hint="TIME", forms=frozenset({NUMBER})),
        Key("max-tokens", "integer", least=1),
        Key("temperature", "number", least=0),
        Key("nonce", "flag"),
        Key("system", "text"),
        Key("extra-body", "text", hint="JSON", forms=frozenset({OBJECT})),
    )
}


def read(text: str, name: str) -> ScenarioFile:
    return scenario_file(located(text, name), KEYS)


GOOD = {
    "s.toml": """
model = "a"
concurrency = [1, 2]
duration = 30
max_tokens = 8
temperature = 1
nonce = false
extra-body = { top_p = 0.5 }
""",
    "s.yaml": """
$schema: x.json
model: [a]
concurrency: [1, "2"]
duration: 30
max_tokens: 8
temperature: 1
nonce: false
extra-body: {top_p: 0.5}
""",
    "s.yml": """
run:
  model: a
  concurrency: 1,2
  duration: "30"
  max-tokens: 8
  temperature: 1.0
  nonce: false
  extra-body: '{"top_p":0.5}'
""",
    "s.json": """{"run": {
"model": ["a"], "concurrency": [1, 2], "duration": 30, "max-tokens": 8,
"temperature": 1, "nonce": false, "extra-body": {"top_p": 0.5}}}""",
}


@pytest.mark.parametrize("name", GOOD)
def test_the_same_scenario_in_every_format(name: str) -> None:
    assert read(GOOD[name], name).values == {
        "model": ["a"],
        "concurrency": "1,2",
        "duration": "30",
        "max-tokens": 8,
        "temperature": 1.0,
        "nonce": False,
        "extra-body": '{"top_p":0.5}',
    }


@pytest.mark.parametrize("name", ["s.toml", "s.yaml"])
def test_an_empty_file_sets_nothing(name: str) -> None:
    assert read("# nothing yet\n", name).values == {}


LEVELS = {
    "s.toml": """
[[levels]]
concurrency = 8
duration = "1m"
[[levels]]
rate = [10, "20"]
arrival = "gamma"
[[levels]]
phases = [{ rate = 0.5, duration = "30s" }, { from = 1, to = 9, duration = 60 }, { rate = 7 }]
[[levels]]
phases = [{ from = 1, to = 9, duration = 60, steps = 4 }]
""",
    "s.yaml": """
levels:
  - concurrency: 8
    duration: 1m
  - {rate: [10, 20], arrival: gamma}
  - phases:
      - {rate: 0.5, duration: 30s}
      - {from: 1, to: 9, duration: 60}
      - rate: 7
  - phases:
      - {from: 1, to: 9, duration: 60, steps: 4}
""",
    "s.json": """{"levels": [{"concurrency": 8, "duration": "1m"},
{"rate": "10,20", "arrival": "gamma"},
{"phases": [{"rate": 0.5, "duration": "30s"}, {"from": 1, "to": 9, "duration": 60}, {"rate": 7}]},
{"phases": [{"from": 1, "to": 9, "duration": 60, "steps": 4}]}]}""",
}


@pytest.mark.parametrize("name", LEVELS)
def test_levels_and_phases_become_what_options_can_say(name: str) -> None:
    assert read(LEVELS[name], name).levels == (
        {"concurrency": "8", "duration": "1m"},
        {"rate": "10,20", "arrival": "gamma"},
        {"rate": "0.5 for 30s; 1..9 over 60; 7"},
        {"rate": "1..9 in 4 steps over 60"},
    )


def test_phases_alone_are_one_level() -> None:
    found = read('phases = [{ rate = 5, duration = "1s" }]', "s.toml")
    assert (found.levels, found.values) == (({"rate": "5 for 1s"},), {})


def test_where_things_stand() -> None:
    found = read(LEVELS["s.yaml"], "s.yaml")
    assert found.level_where(0, ("duration",)) == "s.yaml line 4"
    assert found.level_where(2) == "s.yaml line 6"
    assert read(GOOD["s.toml"], "s.toml").where("max-tokens") == "s.toml line 5"


LONG = """system = \"\"\"
rate = 1
\"\"\"
duration = 5
rate = 2
[[levels]]
concurrency = 1
[[levels]]
[[levels.phases]]
rate = 7
[[levels.phases]]
rate = 8
"""


def test_lines_of_toml_beside_long_texts_and_in_nested_lists() -> None:
    found = located(LONG, "s.toml")
    assert found.where("rate") == "s.toml line 5"
    assert found.where("levels", 0, "concurrency") == "s.toml line 7"
    assert found.where("levels", 1) == "s.toml line 8"
    assert found.where("levels", 1, "phases", 1, "rate") == "s.toml line 12"


TAKES_LEVEL = "it takes concurrency, rate, arrival, duration, warmup, phases"
BAD: list[tuple[str, str, str]] = [
    # TOML
    (
        "s.toml",
        "concurency = 4",
        "s.toml line 1: unknown key 'concurency'; did you mean 'concurrency'?",
    ),
    (
        "s.toml",
        "\nzzz = 4",
        "s.toml line 2: unknown key 'zzz'; `tailrace schema` lists those there are",
    ),
    ("s.toml", "concurrency = ", "s.toml is not TOML: Invalid value (at end of document)"),
    ("s.toml", "a = 1\na = 2", "s.toml is not TOML: Cannot overwrite a value (at end of document)"),
    (
        "s.toml",
        'max-tokens = "many"',
        "s.toml line 1: 'max-tokens' is 'many'; it takes a whole number of 1 or more",
    ),
    (
        "s.toml",
        "max_tokens = 0",
        "s.toml line 1: 'max_tokens' is 0; it takes a whole number of 1 or more",
    ),
    (
        "s.toml",
        "max-tokens = 1\nmax_tokens = 2",
        "s.toml line 2: 'max-tokens' stands twice; keep one of them",
    ),
    ("s.toml", "nonce = 1", "s.toml line 1: 'nonce' is 1; it takes true or false"),
    ("s.toml", 'nonce = "no"', "s.toml line 1: 'nonce' is 'no'; it takes true or false"),
    (
        "s.toml",
        'arrival = "poison"',
        "s.toml line 1: 'arrival' is 'poison'; it takes one of constant, poisson, gamma; did you "
        "mean 'poisson'?",
    ),
    (
        "s.toml",
        "temperature = nan",
        "s.toml line 1: 'temperature' is nan; it takes a number of 0 or more",
    ),
    (
        "s.toml",
        "duration = true",
        "s.toml line 1: 'duration' is true; it takes a text or a number (TIME)",
    ),
    (
        "s.toml",
        "concurrency = 4\nrate = 5",
        "s.toml line 2: 'concurrency' and 'rate' exclude each other; keep one of them",
    ),
    (
        "s.toml",
        "[[levels]]\nconcurrency = 1\n[[levels]]\nduration = 5",
        "s.toml line 3: 'levels[2]' has no load; give it one of concurrency, rate or phases",
    ),
    (
        "s.toml",
        "[[levels]]\nconcurency = 1",
        "s.toml line 2: unknown key 'levels[1].concurency'; did you mean 'concurrency'?",
    ),
    (
        "s.toml",
        "[levels]\nconcurrency = 1",
        "s.toml line 1: 'levels' is a table; it takes a list of tables, each a level, like "
        "{concurrency = 4}",
    ),
    # YAML
    (
        "s.yaml",
        "model: m\nconcurency: 4",
        "s.yaml line 2: unknown key 'concurency'; did you mean 'concurrency'?",
    ),
    ("s.yaml", "model: [a\nrate: 4", "s.yaml line 2 is not YAML: expected ',' or ']', but got ':'"),
    (
        "s.yaml",
        "duration: 5\nwarmup: 1\nduration: 6",
        "s.yaml line 3: 'duration' stands twice; keep one of them",
    ),
    (
        "s.yaml",
        "- model\n- rate",
        "s.yaml line 1: a scenario file is a table of keys like model and rate, not a list",
    ),
    (
        "s.yaml",
        "just words",
        "s.yaml line 1: a scenario file is a table of keys like model and rate, not 'just words'",
    ),
    ("s.yaml", "system:", "s.yaml line 1: 'system' is empty; it takes a text"),
    ("s.yaml", "system: 5", "s.yaml line 1: 'system' is 5; it takes a text"),
    (
        "s.yaml",
        "max-tokens: 1.5",
        "s.yaml line 1: 'max-tokens' is 1.5; it takes a whole number of 1 or more",
    ),
    (
        "s.yaml",
        "model: [a, [b]]",
        "s.yaml line 1: 'model' is a list; it takes a text, or a list of them",
    ),
    (
        "s.yaml",
        "concurrency: []",
        "s.yaml line 1: 'concurrency' is an empty list; it takes a text, a number or a list "
        "(N[,N…])",
    ),
    (
        "s.yaml",
        "duration: 2026-01-01",
        "s.yaml line 1: 'duration' is 2026-01-01; it takes a text or a number (TIME)",
    ),
    (
        "s.yaml",
        "yes: 1",
        "s.yaml line 1: unknown key 'True'; `tailrace schema` lists those there are",
    ),
    (
        "s.yaml",
        "levels:\n  - concurrency: 1\n  - 5",
        "s.yaml line 3: 'levels[2]' is 5; it takes a level, like {concurrency = 4}",
    ),
    (
        "s.yaml",
        "levels:\n  - concurrency: 1\n    rate: 5",
        "s.yaml line 2: 'levels[1]' has concurrency and rate; give it one of concurrency, rate "
        "or phases",
    ),
    (
        "s.yaml",
        "levels:\n  - concurrency: 1\n    zzz: 5",
        f"s.yaml line 3: unknown key 'levels[1].zzz'; {TAKES_LEVEL}",
    ),
    (
        "s.yaml",
        "phases:\n  - rate: 5\n    form: 1",
        "s.yaml line 3: unknown key 'phases[1].form'; did you mean 'from'?",
    ),
    # JSON
    ("s.json", '{"model": "m",\n}', "s.json line 1 is not JSON: trailing comma is not allowed"),
    (
        "s.json",
        "{'model': 1}",
        "s.json line 1 is not JSON: unexpected character, expected a string key",
    ),
    ("s.json", "", "s.json line 1 is not JSON: Input is a zero-length, empty document"),
    (
        "s.json",
        "[5]",
        "s.json line 1: a scenario file is a table of keys like model and rate, not a list",
    ),
    (
        "s.json",
        '{"model": "m",\n "concurency": 4}',
        "s.json line 2: unknown key 'concurency'; did you mean 'concurrency'?",
    ),
    (
        "s.json",
        '{"nonce": 1,\n"nonce": 2}',
        "s.json line 2: 'nonce' stands twice; keep one of them",
    ),
    ("s.json", '{\n\n"nonce": null}', "s.json line 3: 'nonce' is empty; it takes true or false"),
    (
        "s.json",
        '{"temperature": -1}',
        "s.json line 1: 'temperature' is -1; it takes a number of 0 or more",
    ),
    (
        "s.json",
        '{"extra-body": []}',
        "s.json line 1: 'extra-body' is an empty list; it takes a text or a table (JSON)",
    ),
    (
        "s.json",
        '{"phases": [{"rate": 5},\n {"from": 1}]}',
        "s.json line 2: 'phases[2]' is neither a rate, like {rate = 10, duration = '30s'}, nor a "
        "ramp, like {from = 1, to = 10, duration = '30s'}",
    ),
    (
        "s.json",
        '{"phases": [{"rate": "5,6"}]}',
        "s.json line 1: 'phases[1]' is neither a rate, like {rate = 10, duration = '30s'}, nor a "
        "ramp, like {from = 1, to = 10, duration = '30s'}",
    ),
    (
        "s.json",
        '{"phases": []}',
        "s.json line 1: 'phases' is an empty list; it takes a list of tables, each a phase, like "
        "{rate = 10, duration = '30s'}",
    ),
    (
        "s.json",
        '{"phases": [{"from": 1, "to": 2, "steps": 1, "duration": 1}]}',
        "s.json line 1: 'phases[1].steps' is 1; it takes a whole number from 2 to 1000",
    ),
    # no format
    ("s.ini", "", "'s.ini' must end in .json, .yaml or .toml, to say what it is"),
]


@pytest.mark.parametrize(
    ("name", "text", "sentence"), BAD, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(BAD)]
)
def test_a_wrong_file(name: str, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text, name)
    assert str(caught.value) == sentence


def test_each_format_has_its_share_of_wrong_files() -> None:
    for suffix in ("toml", "yaml", "json"):
        assert sum(name == f"s.{suffix}" for name, _, _ in BAD) >= 8
