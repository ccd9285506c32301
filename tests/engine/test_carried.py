"""Every file that a scenario names goes with it, once, and under another name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from tailrace.engine.carried import carried
from tailrace.scenarios.data import Data, PromptFile
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.rates import Arrivals
from tailrace.scenarios.reach import Reach
from tailrace.scenarios.sessions import Sessions
from tailrace.scenarios.sizes import Sizes
from tailrace.scenarios.traces import Trace

NAMED = ("ca", "cert", "key", "prompts", "tokenizer", "image", "in", "out", "sessions", "trace")


def texts(value: Any) -> list[str]:
    """Every string in it, however deep."""
    if is_dataclass(value):
        return [text for each in fields(value) for text in texts(getattr(value, each.name))]
    if isinstance(value, tuple | list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


def of_files(folder: Path) -> Scenario:
    at = {name: str(folder / name) for name in NAMED}
    arrivals = Arrivals((), "constant", trace=Trace(at["trace"], "tailrace", 1, 0, 1.0))
    return Scenario(
        "http://server:1/v1",
        ("m",),
        (Level(None, 0.0, None, 1, arrivals=arrivals), Level(1, 0.0, 1.0, None)),
        ca_file=at["ca"],
        reach=Reach(client_cert=at["cert"], client_key=at["key"]),
        sessions=Sessions(at["sessions"]),
        data=Data(
            prompts=PromptFile(at["prompts"]),
            tokenizer=at["tokenizer"],
            images=(at["image"], at["image"]),
            input_tokens=Sizes("file", path=at["in"]),
            output_tokens=Sizes("file", path=at["out"]),
        ),
    )


def test_all_of_them(tmp_path: Path) -> None:
    for name in NAMED:
        (tmp_path / name).write_bytes(name.encode())
    told, files = carried(of_files(tmp_path))
    assert sorted(files.values()) == sorted(name.encode() for name in NAMED)
    said = texts(told)
    assert not any(str(tmp_path) in text for text in said)
    assert {text for text in said if text.startswith("files/")} == set(files)
    assert told.reach.client_key is not None
    assert files[told.reach.client_key] == b"key"


def test_none_is_none() -> None:
    plain = Scenario("http://server:1/v1", ("m",), (Level(1, 0.0, 1.0, None),))
    assert carried(plain) == (plain, {})
    sample = Scenario(*plain_parts(plain), data=Data(prompts=PromptFile("sample:chat")))
    assert carried(sample) == (sample, {})


def plain_parts(scenario: Scenario) -> tuple[Any, ...]:
    return scenario.base_url, scenario.models, scenario.levels
