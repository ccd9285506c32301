"""The schema of scenario files and the text of a new one, from keys of every kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tailrace.scenarios.keys import Key
from tailrace.scenarios.scenario_schema import DIALECT, schema_of
from tailrace.scenarios.scenario_text import FORMATS, new_text

from ..results.golden_files import assert_golden

GOLDEN = Path(__file__).with_name("golden")
_LONG = "How many users, each with one request under way; a list is levels in turn. " * 2
KEYS = {
    key.name: key
    for key in (
        Key("quiet", "flag", "Print nothing."),
        Key("insecure", "flag", default=False),
        Key("loop", "choice", "Which loop.", choices=("auto", "uvloop"), default="auto"),
        Key("format", "choice", choices=("a", "b"), many=True),
        Key("seed", "integer", "Of the draws.", least=0, default=7),
        Key("port", "integer", least=1, most=65535),
        Key("ratio", "number", "A part.", least=0, most=1, above_least=True, default=0.5),
        Key("watts", "number", most=9),
        Key("url", "text", "Where.", hint="URL"),
        Key("model", "text", _LONG.strip(), many=True, hint="ID", default="auto"),
        Key("concurrency", "text", forms=frozenset(("number", "list")), hint="N[,N…]"),
        Key("rate", "text", "A second.", forms=frozenset(("number",))),
        Key("extra-body", "text", forms=frozenset(("object",))),
        Key("duration", "text", hint="TIME"),
        Key("warmup", "text", hint="TIME", default="5s"),
        Key("requests", "integer", "So many.", least=1),
        Key("max-tokens", "integer", least=1, default=64),
        Key("bare", "text"),
    )
}


def test_the_schema() -> None:
    found = schema_of(KEYS)
    assert found["$schema"] == DIALECT
    text = json.dumps(found, indent=1, ensure_ascii=False)
    assert_golden(GOLDEN / "scenario-schema.json", text + "\n")


@pytest.mark.parametrize("form", FORMATS)
def test_the_text_of_a_new_file(form: str) -> None:
    assert_golden(GOLDEN / f"scenario-new.{form}", new_text(KEYS, form, f"new.{form}"))


def test_a_schema_without_levels_of_their_own() -> None:
    bare = schema_of({"seed": KEYS["seed"]})
    assert list(bare["properties"]) == ["$schema", "seed", "levels", "phases"]
    assert bare["$defs"]["level"]["oneOf"] == [{"required": ["phases"]}]
