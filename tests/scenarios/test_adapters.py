"""How an adapter and its options are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios import adapters
from tailrace.scenarios.adapters import (
    adapter_name,
    adapter_options,
    filled_options,
    is_known,
    no_such_adapter,
)
from tailrace.scenarios.located import located
from tailrace.scenarios.models_file import models_of

from ..plugin_packages import install


@pytest.mark.parametrize("text", ["m:C", "a.b:C.D", "echo", "my-adapter", " m:C "])
def test_what_can_be_an_adapter(text: str) -> None:
    assert adapter_name(text) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "  ", ":C", "m:", "a b:C", "m:1", "a/b.py:C", "m:C:D", "m:C()"]
)
def test_what_cannot(text: str) -> None:
    with pytest.raises(UsageError, match=r"--adapter .* is not an adapter; write module:Class"):
        adapter_name(text)


def test_a_name_is_known_when_a_package_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "pack", "adapters", "echo = nowhere:Echo")
    monkeypatch.syspath_prepend(tmp_path)
    assert is_known("echo")
    assert is_known("whatever:X")
    assert not is_known("other")
    assert "(there are: 'echo')" in no_such_adapter("other")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=4", 4),
        ("a=true", True),
        ("a=null", None),
        ('a="4"', "4"),
        ("a=[1, 2]", [1, 2]),
        ('a={"b": 1.5}', {"b": 1.5}),
        ("a=cuda:0", "cuda:0"),
        ("a=x=y", "x=y"),
        ("a=", ""),
    ],
)
def test_options_are_json_or_texts(text: str, value: Any) -> None:
    assert adapter_options((text,)) == {"a": value}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("a",), "'a' is not key=value"),
        (("=4",), "'' is not key=value"),
        (("a-b=4",), "'a-b' is not key=value"),
        (("a=1", "a=2"), "'a' twice"),
        (("api_key=abc",), r"secret \(api_key\).*'api_key=\${NAME}'"),
        (("api_key=1234",), r"secret \(api_key\)"),
        (('a={"password": "x"}',), r"secret \(password\)"),
    ],
)
def test_what_is_no_option(texts: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        adapter_options(texts)


def test_the_environment_fills_options_in() -> None:
    options = adapter_options(("api_key=${KEY}", 'deep=[{"token": "${KEY}!"}]', "n=1"))
    assert filled_options(options, {"KEY": "k"}) == {
        "api_key": "k",
        "deep": [{"token": "k!"}],
        "n": 1,
    }
    with pytest.raises(KeyError, match="KEY"):
        filled_options(options, {})


def entry(text: str) -> Any:
    (found,) = models_of(located(text, "models.json"), {}).entries
    return found


def test_an_entry_of_a_models_file() -> None:
    found = entry(
        '{"a": {"adapter": "m:C", "weights": "w.bin", "options": {"n": 1, "api_key": "${K}"}}}'
    )
    assert (found.adapter, found.weights, found.alias) == ("m:C", "w.bin", "a")
    assert found.options == {"n": 1, "api_key": "${K}"}
    assert found.is_started
    assert found.tags["adapter"] == "m:C"


def test_without_an_adapter_such_keys_are_tags() -> None:
    found = entry('{"a": {"weights": "w.gguf", "options": "many"}}')
    assert (found.adapter, found.weights, found.options) == (None, None, {})
    assert not found.is_started
    assert found.tags == {"weights": "w.gguf", "options": "many"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ('"adapter": "a b:C"', "'adapter' of model 'a' must be an adapter like module:Class"),
        ('"adapter": 4', "'adapter' of model 'a' must be"),
        ('"adapter": "m:C", "serve": "x {port}"', "'serve' .* an 'adapter' has none"),
        ('"adapter": "m:C", "url": "http://127.0.0.1/v1"', "'url' .* leave it out"),
        ('"adapter": "m:C", "headers": {}', "'headers' .* leave it out"),
        ('"adapter": "m:C", "weights": 4', "'weights' .* must be a path, not 4"),
        ('"adapter": "m:C", "options": [1]', r"'options' .* must be an object"),
        ('"adapter": "m:C", "options": {"api_key": "x"}', r"'options' .*secret \(api_key\)"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_line(fields: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"models.json line 2: {words}"):
        entry('{"a":\n{' + fields + "}}")


def test_the_sentence_of_an_adapter_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for names, known in ((("a", "b"), "'a', 'b'"), ((), "none")):
        monkeypatch.setattr(adapters, "plugin_names", lambda group, of=names: of)
        assert no_such_adapter("x") == (
            f"adapter 'x' is in no installed package (there are: {known}); install one, or write "
            "module:Class"
        )
