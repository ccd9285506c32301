"""What Foundry Local knows of its models, and which of them a name means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.foundry_catalog import (
    CatalogModel,
    ambiguous,
    catalog_of,
    ids_of,
    marked,
    matches,
    narrowed,
    unknown,
)

RUNTIME_2 = {
    "version": 1,
    "models": [
        {
            "id": "tiny-generic-cpu:1",
            "name": "tiny-generic-cpu",
            "version": 1,
            "alias": "tiny",
            "license": "MIT",
            "fileSizeMb": 72,
            "runtime": {"deviceType": "CPU", "executionProvider": "CPUExecutionProvider"},
            "stringProperties": {"task": "chat-completion", "license": "other"},
        }
    ],
}
SERVICE = [
    {
        "name": "Phi-4-generic-gpu",
        "version": "5",
        "alias": "phi-4",
        "fileSizeMb": 8000,
        "license": "MIT",
        "task": "chat-completion",
        "runtime": {"deviceType": "GPU", "executionProvider": "WebGpuExecutionProvider"},
        "supportsToolCalling": True,
    }
]


def test_the_file_of_runtime_2() -> None:
    (model,) = catalog_of(RUNTIME_2)
    assert (model.id, model.name, model.alias, model.version) == (
        *("tiny-generic-cpu:1", "tiny-generic-cpu", "tiny", 1),
    )
    assert model.tags() == {
        "model": "tiny-generic-cpu:1",
        "size_mb": 72,
        "license": "MIT",
        "device": "CPU",
        "runtime": "CPUExecutionProvider",
        "task": "chat-completion",
        "capabilities": ["chat"],
    }


def test_the_list_of_a_service() -> None:
    (model,) = catalog_of(SERVICE)
    assert (model.id, model.version) == ("Phi-4-generic-gpu", 5)
    assert model.capabilities == ("chat", "tools")
    assert catalog_of({"models": SERVICE}) == [model]


def test_what_is_absent_or_of_another_type_is_left_out() -> None:
    entry: dict[str, Any] = {"id": "m", "fileSizeMb": "big", "license": 7, "runtime": None}
    (model,) = catalog_of([entry, {"alias": "nameless"}, "text", None])
    assert model.tags() == {"model": "m"}
    assert model.chats
    assert not CatalogModel("m", "m", task="embeddings").chats


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "id",
                        "name",
                        "models",
                        "data",
                        "runtime",
                        "version",
                        "alias",
                        "stringProperties",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_no_document_breaks_it(document: Any) -> None:
    for model in catalog_of(document):
        assert model.id
    assert all(ids_of(document))


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        (["a", "b:1"], ["a", "b:1"]),
        ({"models": ["a"]}, ["a"]),
        ({"data": [{"id": "a", "object": "model"}], "object": "list"}, ["a"]),
        ([{"name": "a"}], ["a"]),
        ({"error": "no"}, []),
        (None, []),
    ],
)
def test_the_lists_of_ids(document: Any, ids: list[str]) -> None:
    assert ids_of(document) == ids


def model(model_id: str, alias: str = "phi", **more: Any) -> CatalogModel:
    return CatalogModel(model_id, model_id.partition(":")[0], alias, **more)


CPU, GPU, NPU = model("phi-cpu:2", version=2), model("phi-gpu:1"), model("phi-npu:1")
OLD_CPU = model("phi-cpu:1", version=1)
OTHER = model("qwen-cpu:1", "qwen")
MODELS = (CPU, GPU, NPU, OLD_CPU, OTHER)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("phi-cpu:2", [CPU]),
        ("phi-cpu", [CPU, OLD_CPU]),
        ("phi", [CPU, GPU, NPU, OLD_CPU]),
        ("qwen", [OTHER]),
        ("QWEN", [OTHER]),
        ("PHI-CPU:1", [OLD_CPU]),
        ("phi-c", []),
    ],
)
def test_a_name_is_an_id_a_name_or_an_alias(name: str, found: list[CatalogModel]) -> None:
    assert matches(name, MODELS) == found


def test_of_several_the_loaded_then_the_cached_then_the_newest() -> None:
    assert narrowed([CPU, OLD_CPU]) == [CPU]
    assert narrowed([CPU, GPU]) == [CPU, GPU]
    cached, loaded = model("a-cpu:1", cached=True), model("a-gpu:1", cached=True, loaded=True)
    absent = model("a-npu:9", cached=False)
    assert narrowed([cached, absent]) == [cached]
    assert narrowed([cached, loaded, absent]) == [loaded]
    assert narrowed([]) == []


def test_what_is_cached_and_loaded_is_marked() -> None:
    found = marked([CPU, GPU], ["phi-cpu:2", "own-model"], ["phi-gpu"])
    states = {one.id: (one.cached, one.loaded) for one in found}
    assert states == {
        "phi-cpu:2": (True, False),
        "phi-gpu:1": (False, True),
        "own-model": (True, False),
    }
    assert [one.cached for one in marked([CPU], None, [])] == [None]
    # another version in the cache is another model
    assert [one.cached for one in marked([CPU], ["phi-cpu:1"], [])] == [False, True]


def test_the_sentences_list_what_there_is() -> None:
    text = unknown("nope", [CPU, model("vector:1", "vec", task="embeddings")], "X", "`y`")
    assert text == "X has no model 'nope'; it has 'phi' (phi-cpu:2); `y` shows all"
    here = marked([CPU, GPU], ["phi-gpu:1"], [])
    assert "on this machine are 'phi' (phi-gpu:1);" in unknown("nope", here, "X", "`y`")
    assert "lists none" in unknown("nope", [], "X", "`y`")
    many = [model(f"m{n}:1", f"m{n}") for n in range(30)]
    assert "and 10 more" in unknown("nope", many, "X", "`y`")
    assert "'phi-cpu:2', 'phi-gpu:1'" in ambiguous("phi", [CPU, GPU], "X")
