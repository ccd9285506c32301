"""The published schemas: they hold of what is written, and of nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from tailrace.results.schemas import NAMES, Name, published

from ..command import ROOT
from .builders import row, run_folder, waited


def problems(name: Name, document: Any) -> list[str]:
    found = jsonschema.Draft202012Validator(published(name)).iter_errors(document)
    return [f"{each.json_path}: {each.message}" for each in found]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    rows = [row(0), row(300, stage=1), waited("timeout", 900, 100, (5,)), row(5, phase="cold")]
    folder = run_folder(tmp_path_factory.mktemp("run"), rows, stages=2)
    facts, (result,), _ = folder.rebuild()
    run = json.loads((folder.path / "run.json").read_bytes())
    lines = (folder.path / facts.models[0].folder / "requests.jsonl").read_bytes().splitlines()
    return {"run": run, "result": result, "requests": json.loads(lines[2])}


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_what_the_command_prints(name: Name) -> None:
    path = ROOT / "docs/schema" / f"{name}-1.schema.json"
    assert json.loads(path.read_bytes()) == published(name), (
        f"tailrace schema {name} > docs/schema/{path.name}"
    )
    jsonschema.Draft202012Validator.check_schema(published(name))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_fits_and_a_new_key_does_not(name: Name, documents: dict[str, Any]) -> None:
    document = copy.deepcopy(documents[name])
    assert problems(name, document) == []
    document["brand_new"] = 1
    assert len(problems(name, document)) == 1


def test_a_new_key_of_a_level_or_a_metric_does_not_fit(documents: dict[str, Any]) -> None:
    for place in (
        lambda d: d["stages"][0],
        lambda d: d["stages"][0]["counts"]["books"],
        lambda d: d["stages"][0]["metrics"]["ttft"],
        lambda d: d["stages"][0]["metrics"]["ttft"]["percentiles"]["p50"],
    ):
        document = copy.deepcopy(documents["result"])
        place(document)["brand_new"] = 1
        assert len(problems("result", document)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: Name) -> None:
    def check(schema: dict[str, Any], where: str) -> None:
        for field, inner in schema.get("properties", {}).items():
            told = {"description", "const", "$ref"} & inner.keys()
            assert told, f"{where}.{field}"
            check(inner, f"{where}.{field}")

    body = published(name)
    check(body, name)
    for part, schema in body.get("$defs", {}).items():
        check(schema, part)


def test_docstrings_of_fields_are_the_descriptions() -> None:
    fields = published("requests")["properties"]
    assert fields["sent_ns"]["description"].startswith("Just before the first byte")
    assert fields["tls_end_ns"]["description"] == "Tls end, in nanoseconds."
