"""A models file: what it says as entries, and each way of getting it wrong as one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.located import located
from tailrace.scenarios.model_entry import READY_S, ModelEntry
from tailrace.scenarios.models_file import Models, command_parts, models_of, picked

ENVIRONMENT = {"TOKEN": "s3cret", "NAME": "w"}


def read(text: str, name: str = "models.json") -> Models:
    return models_of(located(text, name), ENVIRONMENT)


def test_a_list_of_ids_is_a_queue() -> None:
    models = read('["qwen:0.5b", "org/llama"]')
    assert models.entries == (
        ModelEntry("qwen:0.5b", "qwen:0.5b"),
        ModelEntry("org/llama", "org/llama"),
    )
    assert models.headers == {}


def test_every_key_is_a_tag_and_the_known_ones_are_used() -> None:
    table: dict[str, Any] = {
        "model": "qwen2.5-0.5b",
        "capabilities": ["chat", "tools"],
        "size_mb": 398.5,
        "license": "Apache-2.0",
        "variant": "instruct",
        "device": "cpu",
        "quantization": "q4_k_m",
        "serve": ["llama-server", "--port", "{port}"],
        "ready": "/health",
        "ready_s": 30,
        "eos_token": "</s>",
        "context": {"length": 4096, "rope": None},
    }
    (entry,) = read(json.dumps({"small": table})).entries
    assert entry.alias == "small"
    assert entry.model == "qwen2.5-0.5b"
    assert entry.serve == ("llama-server", "--port", "{port}")
    assert (entry.ready, entry.ready_s, entry.url) == ("/health", 30.0, None)
    assert entry.tags == table
    assert list(entry.tags) == list(table)


def test_what_is_left_out_has_its_default() -> None:
    (entry,) = read('{"a": {}}').entries
    assert entry == ModelEntry("a", "a")
    assert entry.ready_s == READY_S


def test_the_order_of_the_file_is_the_order_of_the_queue() -> None:
    names = ["z", "a", "m", "10", "9"]
    assert [e.alias for e in read(json.dumps({n: {} for n in names})).entries] == names


SAME = ModelEntry("a", "m", url="http://h/v1", tags={"model": "m", "url": "http://h", "size_mb": 3})
IN_EACH_FORMAT = {
    "x.json": '{"a": {"model": "m", "url": "http://h", "size_mb": 3}}',
    "list.json": '[{"alias": "a", "model": "m", "url": "http://h", "size_mb": 3}]',
    "wrapped.json": '{"models": {"a": {"model": "m", "url": "http://h", "size_mb": 3}}}',
    "x.yaml": "a:\n  model: m\n  url: http://h\n  size_mb: 3\n",
    "x.yml": "- alias: a\n  model: m\n  url: http://h\n  size_mb: 3\n",
    "x.toml": '[a]\nmodel = "m"\nurl = "http://h"\nsize_mb = 3\n',
    "list.toml": '[[models]]\nalias = "a"\nmodel = "m"\nurl = "http://h"\nsize_mb = 3\n',
}


@pytest.mark.parametrize("name", IN_EACH_FORMAT)
def test_each_format_says_the_same(name: str) -> None:
    (entry,) = read(IN_EACH_FORMAT[name], name).entries
    tags = {key: value for key, value in entry.tags.items() if key != "alias"}
    assert (entry.alias, entry.model, entry.url, tags) == ("a", "m", "http://h/v1", SAME.tags)


def test_a_serve_of_one_text_is_split_as_a_shell_does() -> None:
    (entry,) = read('{"a": {"serve": "run \'my model\' --port={port}"}}').entries
    assert entry.serve == ("run", "my model", "--port={port}")


def test_a_serve_on_windows_keeps_its_backslashes() -> None:
    text = r'"C:\Program Files\llama\llama-server.exe" -m C:\models\a.gguf --port {port}'
    parts = command_parts(text, windows=True)
    assert parts[:3] == [r"C:\Program Files\llama\llama-server.exe", "-m", r"C:\models\a.gguf"]
    with pytest.raises(ValueError, match="quotation"):
        command_parts('"C:', windows=True)


def test_a_server_with_a_url_needs_no_port() -> None:
    (entry,) = read('{"a": {"serve": ["x"], "url": "http://127.0.0.1:9000"}}').entries
    assert (entry.serve, entry.url) == (("x",), "http://127.0.0.1:9000/v1")


def test_the_values_of_headers_are_apart_and_in_no_entry() -> None:
    text = '{"a": {"headers": {"Authorization": "Bearer ${TOKEN}", "x-team": "w"}}}'
    models = read(text)
    (entry,) = models.entries
    assert models.headers == {"a": (("Authorization", "Bearer s3cret"), ("x-team", "w"))}
    assert entry.header_names == ("Authorization", "x-team")
    assert entry.tags["headers"] == ["Authorization", "x-team"]
    assert "s3cret" not in repr(entry)


def test_a_secret_on_a_command_line_stays_a_name() -> None:
    (entry,) = read('{"a": {"serve": ["x", "--api-key", "${TOKEN}", "{port}"]}}').entries
    assert "${TOKEN}" in entry.serve
    assert "s3cret" not in repr(entry)


WRONG: dict[str, tuple[str, str]] = {
    "not JSON": (
        '{\n  "a": {},\n  "b": \n}',
        "models.json line 4 is not JSON: ",
    ),
    "a comma too many": ('["a",\n]', "models.json line 1 is not JSON: "),
    "empty file": ("", "models.json line 1 is not JSON: "),
    "neither object nor list": (
        "7",
        'models.json line 1: models are an object like {"small": {"model": "qwen2.5-0.5b"}}, or '
        "a list",
    ),
    "nothing in it": (
        "{}",
        'models.json names no model; write one like {"small": {"model": "qwen2.5-0.5b"}}',
    ),
    "a model that is no object": (
        '{\n  "a": {},\n  "b": "qwen"\n}',
        "models.json line 3: model 'b' must be an object of fields like "
        '{"small": {"model": "qwen2.5-0.5b"}}, not \'qwen\'',
    ),
    "a number in a list": (
        '["a",\n 7]',
        "models.json line 2: a model in a list is its id, or an object with an 'alias' or a "
        "'model', not 7",
    ),
    "the same alias twice in an object": (
        '{\n "a": {},\n "a": {}\n}',
        "models.json line 3: 'a' stands twice; keep one of them",
    ),
    "the same id twice in a list": (
        '[\n "a",\n "b",\n "a"\n]',
        "models.json line 4: model 'a' stands twice (first at line 2); give one of them another "
        "alias",
    ),
    "an empty alias": ('{"": {}}', "models.json line 1: a model's alias must not be empty"),
    "capabilities as a text": (
        '{"a": {\n  "capabilities": "chat"}}',
        "models.json line 2: 'capabilities' of model 'a' must be a list of texts like "
        '["chat", "tools"], not \'chat\'',
    ),
    "a size in words": (
        '{"a": {\n\n  "size_mb": "398 MB"}}',
        "models.json line 3: 'size_mb' of model 'a' must be a number of megabytes, 0 or more, not "
        "'398 MB'",
    ),
    "a size below nought": (
        '{"a": {"size_mb": -1}}',
        "models.json line 1: 'size_mb' of model 'a' must be a number of megabytes, 0 or more, not "
        "-1",
    ),
    "a URL without a scheme": (
        '{"a": {\n  "url": "127.0.0.1:8080"}}',
        "models.json line 2: 'url' of model 'a' cannot be used: url '127.0.0.1:8080' is not a URL "
        "like http://127.0.0.1:8080/v1",
    ),
    "a command without a port": (
        '{"a": {\n  "serve": ["llama-server", "-m", "a.gguf"]}}',
        "models.json line 2: 'serve' of model 'a' has no {port}: put it where the port goes, or "
        "add a 'url'",
    ),
    "an empty command": (
        '{"a": {"serve": []}}',
        "models.json line 1: 'serve' of model 'a' is an empty command line; leave it out, or say "
        "what to start",
    ),
    "a command of numbers": (
        '{"a": {"serve": ["x", 8080]}}',
        "models.json line 1: 'serve' of model 'a' must be a command line: a text, or a list of "
        'texts like ["llama-server", "--port", "{port}"], not [\'x\', 8080]',
    ),
    "an open quote": (
        '{"a": {"serve": "x \'y {port}"}}',
        "models.json line 1: 'serve' of model 'a' is not a command line: No closing quotation",
    ),
    "a port and a URL": (
        '{"a": {\n "serve": ["x", "{port}"],\n "url": "http://h:1"}}',
        "models.json line 3: 'url' of model 'a' and a 'serve' with {port} exclude each other; "
        "leave one out",
    ),
    "no time to get ready": (
        '{"a": {"ready_s": 0}}',
        "models.json line 1: 'ready_s' of model 'a' must be a number of seconds above 0, not 0",
    ),
    "a ready path with a host": (
        '{"a": {"ready": "http://h/health"}}',
        "models.json line 1: 'ready' of model 'a' must be a path like /health, not "
        "'http://h/health'",
    ),
    "a key in plain text": (
        '{"a": {\n "api_key": "sk-4711"}}',
        "models.json line 2: 'api_key' of model 'a' holds what looks like a secret (api_key) and "
        'would be kept in run.json; send it as "headers": {"Authorization": "Bearer ${NAME}"}',
    ),
    "a secret on the command line": (
        '{"a": {"serve": ["x", "--api-key", "sk-4711", "{port}"]}}',
        "models.json line 1: 'serve' of model 'a' has a secret in plain text after --api-key; "
        "write ${NAME} there and set NAME in the environment",
    ),
    "a variable that is not set": (
        '{"a": {\n "headers": {\n  "Authorization": "Bearer ${NO_SUCH}"}}}',
        "models.json line 3: 'headers' of model 'a' needs ${NO_SUCH}, which the environment does "
        "not set",
    ),
    "a server of its own and a command": (
        '{"a": {"serve": ["x", "{port}"],\n "server": "foundry"}}',
        "models.json line 2: 'server' of model 'a' and 'serve' exclude each other; leave one out",
    ),
    "a server of its own and an adapter": (
        '{"a": {"adapter": "m:C",\n "server": "foundry"}}',
        "models.json line 2: 'server' of model 'a' and 'adapter' exclude each other; leave one out",
    ),
    "kept loaded by nobody": (
        '{"a": {\n "keep_loaded": true}}',
        "models.json line 2: 'keep_loaded' of model 'a' is for a model with a 'server'; "
        "leave it out",
    ),
    "headers in a list": (
        '{"a": {"headers": ["Authorization: sk-4711"]}}',
        "models.json line 1: 'headers' of model 'a' must be an object of texts like "
        '{"Authorization": "Bearer ${NAME}"}, not a list',
    ),
    "a secret behind a sign of equality": (
        '{"a": {"serve": ["x", "--api-key=sk-4711", "{port}"]}}',
        "models.json line 1: 'serve' of model 'a' has a secret in plain text after --api-key; "
        "write ${NAME} there and set NAME in the environment",
    ),
    "a command with a variable that is not set": (
        '{"a": {\n "serve": ["x", "--api-key", "${NO_SUCH}", "{port}"]}}',
        "models.json line 2: 'serve' of model 'a' needs ${NO_SUCH}, which the environment does "
        "not set",
    ),
    "models below a key of that name": (
        '{"models": {\n "a": {},\n "b": 7}}',
        "models.json line 3: model 'b' must be an object of fields like "
        '{"small": {"model": "qwen2.5-0.5b"}}, not 7',
    ),
    "a header of two lines": (
        '{"a": {"headers": {"x-a": "b\\nc"}}}',
        "models.json line 1: 'headers' of model 'a' has a header 'x-a' that HTTP cannot carry",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence(name: str) -> None:
    text, sentence = WRONG[name]
    with pytest.raises(UsageError) as caught:
        read(text)
    said = str(caught.value)
    assert said == sentence or (sentence.endswith("JSON: ") and said.startswith(sentence))
    assert "sk-4711" not in said


def test_a_name_that_says_no_format() -> None:
    with pytest.raises(UsageError) as caught:
        read("a", "models.txt")
    assert str(caught.value) == "'models.txt' must end in .json, .yaml or .toml, to say what it is"


def test_models_are_picked_in_the_order_of_the_file() -> None:
    models = read('["a", "b", "c"]')
    assert [e.alias for e in picked(models, ["c", "a"], "f").entries] == ["a", "c"]
    with pytest.raises(UsageError) as caught:
        picked(models, ["d"], "models.json")
    assert str(caught.value) == "--model 'd' is not in models.json; it has 'a', 'b', 'c'"


def test_every_field_is_where_it_belongs() -> None:
    table = {
        **{"model": "m", "dialect": "ollama-chat", "auth": "none", "extra_body": {"a": 1}},
        **{"server": "foundry", "keep_loaded": True},
    }
    (entry,) = read(json.dumps([table])).entries
    wanted = ModelEntry(
        *("m", "m"),
        **{"dialect": "ollama-chat", "auth": "none", "extra_body": {"a": 1}},
        **{"server": "foundry", "keep_loaded": True},
        tags=table,
    )
    assert entry == wanted
    adapter = {"adapter": "m:C", "weights": "w.gguf", "options": {"threads": 4}}
    (entry,) = read(json.dumps({"a": adapter})).entries
    assert (entry.adapter, entry.options, entry.tags) == ("m:C", {"threads": 4}, adapter)
    assert str(entry.weights).endswith("w.gguf")
    (bare,) = read('{"a": {"adapter": "m:C"}}').entries
    assert (bare.weights, bare.options, bare.server, bare.keep_loaded) == (None, {}, None, False)


@pytest.mark.parametrize("name", ["serve", "url", "headers", "ready"])
def test_an_adapter_has_no_server(name: str) -> None:
    values = {
        "serve": ["x", "{port}"],
        "url": "http://h:1",
        "headers": {"x-a": "b"},
        "ready": "/health",
    }
    with pytest.raises(UsageError) as caught:
        read(json.dumps({"a": {"adapter": "m:C", name: values[name]}}))
    assert str(caught.value) == (
        f"models.json line 1: {name!r} of model 'a' is for a model with a server; an 'adapter' "
        "has none: leave it out"
    )


@pytest.mark.parametrize(
    ("name", "value", "rest"),
    [
        (
            "adapter",
            "m:1",
            "must be an adapter like module:Class, or an installed one's name, not 'm:1'",
        ),
        ("weights", 7, "must be a path, not 7"),
        ("options", [4], 'must be an object like {"threads": 4}, not [4]'),
    ],
)
def test_what_an_adapter_cannot_have(name: str, value: object, rest: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(json.dumps({"a": {"adapter": "m:C", name: value}}))
    assert str(caught.value) == f"models.json line 1: {name!r} of model 'a' {rest}"
