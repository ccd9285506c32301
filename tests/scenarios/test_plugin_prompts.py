"""Prompts that an installed package makes: what it is called with, and each way to get it wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios import plugin_prompts
from tailrace.scenarios.data import Data, PromptFile
from tailrace.scenarios.data_source import prompt_file
from tailrace.scenarios.prompt_files import load_records

from ..plugin_packages import install

SOURCE = """
import itertools

def sums(**options):
    for n in range(options.get("n", 2)):
        yield {"prompt": f"{n} + {n}?", "id": f"sum-{n}"}

def told(**options):
    return [{"prompt": repr(sorted(options.items()))}]

def endless():
    return itertools.repeat("again")

def fails():
    yield "one"
    raise OSError("the disk is gone")

counter = itertools.count()

def other_each_time():
    return [f"number {next(counter)}"]

def text(): return "no list"
def nothing(): return None
def empty(): return []
def odd(): return ["one", {"prompt": {1, 2}}]
def twice(): return [{"id": 1, "prompt": "a"}, {"id": 1, "prompt": "b"}]
not_callable = 7
"""
NAMES = ("sums", "told", "endless", "fails", "other_each_time", "text", "nothing", "empty", "odd")


@pytest.fixture(autouse=True)
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    names = (*NAMES, "twice", "not_callable")
    entries = "\n".join(f"{name} = made_prompts:{name}" for name in names)
    install(tmp_path, "made-prompts", "datasets", entries, made_prompts=SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("made_prompts", None)


def held(text: str, sha256: str = "") -> list[tuple[str, object]]:
    listed = prompt_file(Data(prompts=PromptFile(text, sha256=sha256))).listed
    return [(item.id, item.messages[-1][1]) for item in listed.items]


def test_what_it_yields_are_records_as_a_prompt_file_has_them() -> None:
    assert held("plugin:sums") == [("sum-0", "0 + 0?"), ("sum-1", "1 + 1?")]
    assert len(held("plugin:sums?n=40")) == 40


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", []),
        ("n=3", [("n", 3)]),
        ("name=a%20b&x=true&deep=[1]", [("deep", [1]), ("name", "a b"), ("x", True)]),
        ("empty=", [("empty", "")]),
    ],
)
def test_keys_are_arguments(query: str, options: list[tuple[str, object]]) -> None:
    (found,) = held(f"plugin:told?{query}")
    assert found[1] == repr(options)


def test_other_records_have_another_hash() -> None:
    one, same, other = (load_records(f"plugin:sums?n={n}").sha256 for n in (3, 3, 4))
    assert one == same != other


def test_one_that_gives_other_records_each_time_is_refused() -> None:
    first = load_records("plugin:other_each_time").sha256
    with pytest.raises(UsageError, match="has changed since the run began; it must give the same"):
        held("plugin:other_each_time", first)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plugin:nobody", ["no installed package has a dataset 'nobody'", "'sums'"]),
        ("plugin:", ["a dataset ''"]),
        ("plugin:sums?n", ["plugin:NAME?key=value"]),
        ("plugin:sums?a-b=1", ["'a-b' is no name of an argument"]),
        ("plugin:sums?n=1&n=2", ["'n' twice"]),
        ("plugin:told?api_key=x", ["looks like a secret (api_key)", "environment"]),
        ("plugin:endless?n=1", ["cannot be made: TypeError", "'n'"]),
        ("plugin:fails", ["cannot be made: OSError: the disk is gone"]),
        ("plugin:text", ["returned str, not an iterable"]),
        ("plugin:nothing", ["returned NoneType, not an iterable"]),
        ("plugin:not_callable", ["cannot be made: TypeError"]),
        ("plugin:empty", ["holds no prompts"]),
        ("plugin:odd", ["record 2 is not JSON"]),
        ("plugin:twice", ["record 2: field 'id' is '1', as in record 1;"]),
    ],
)
def test_each_way_to_get_it_wrong(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        held(text)
    assert str(caught.value).startswith(f"--prompts {text!r}")
    for word in words:
        assert word in str(caught.value)


def test_one_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_prompts, "MOST_RECORDS", 100)
    with pytest.raises(UsageError, match="more than 100 records"):
        held("plugin:endless")
