"""Rubric files: what is read, and a sentence with line and field for what cannot be."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.rubric import read_rubric
from tailrace.scenarios.rubric import (
    MOST_ABOUT_CHARS,
    MOST_FACETS,
    asks,
    checked,
    facets_for,
    fingerprint,
    rubric_from,
    rubric_json,
    union,
)

GOLDEN = Path(__file__).with_name("golden") / "rubric"
MALFORMED = sorted(path for path in GOLDEN.iterdir() if path.suffix != ".txt")

names = st.from_regex(r"[a-z][a-z0-9 -]{0,20}[a-z0-9]", fullmatch=True).filter(
    lambda name: (
        name not in ("model", "prompt", "request", "text", "note", "annotator", "state", "reason")
    )
)


@pytest.mark.parametrize("path", MALFORMED, ids=lambda path: path.name)
def test_what_is_wrong_with_a_file(path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_rubric(path)
    said = str(caught.value).replace(str(path), path.name)
    assert said == path.with_suffix(path.suffix + ".txt").read_text(encoding="utf-8").rstrip("\n")


def test_there_are_enough_malformed_files() -> None:
    assert len(MALFORMED) >= 8
    messages = {path.with_suffix(path.suffix + ".txt").read_text("utf-8") for path in MALFORMED}
    assert len(messages) == len(MALFORMED)


def test_the_default_that_ships_is_a_rubric() -> None:
    text = files("tailrace.scenarios").joinpath("rubric.toml").read_text(encoding="utf-8")
    found = rubric_from(text, "rubric.toml")
    assert list(found) == ["accuracy", "completeness", "clarity"]
    assert all(about.endswith(".") for about in found.values())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('[facets]\ntone = "Is it\\n kind?"\n"to the point" = ""\n', "r.toml"),
        ('\ufeff{"facets": {"tone": "Is it  kind?", "to the point": ""}}', "r.json"),
    ],
)
def test_both_formats_say_the_same(text: str, name: str) -> None:
    assert rubric_from(text, name) == {"tone": "Is it kind?", "to the point": ""}


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml' cannot be read: No such file"):
        read_rubric(tmp_path / "none.toml")


@given(st.dictionaries(names, st.text(max_size=50), min_size=1, max_size=MOST_FACETS))
def test_what_is_kept_reads_back(facets: dict[str, str]) -> None:
    try:
        json.dumps(facets, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    plain = {name: " ".join(about.split()) for name, about in facets.items()}
    assert rubric_from(rubric_json(plain), "rubric.json") == plain


@given(st.text(max_size=200), st.sampled_from(["r.toml", "r.json"]))
def test_any_text_is_read_or_refused_by_name(text: str, name: str) -> None:
    said = name
    try:
        assert checked(list(rubric_from(text, name)), name)
    except UsageError as exc:
        said = str(exc)
    assert said.startswith(name)


def test_a_prompt_may_have_its_own() -> None:
    rubric = {"accuracy": "true?", "tone": "kind?"}
    assert facets_for((), rubric, "p") == ("accuracy", "tone")
    assert facets_for(("brevity", "tone"), rubric, "p") == ("brevity", "tone")
    assert asks(("brevity", "tone"), rubric) == {"brevity": "", "tone": "kind?"}
    with pytest.raises(UsageError, match="the facets of prompt 'p'"):
        facets_for(("=x",), rubric, "p")


def test_union_keeps_the_order_of_first_mention() -> None:
    assert union([("b", "a"), ("a", "c"), ()]) == ("b", "a", "c")


def test_another_wording_has_another_fingerprint() -> None:
    one = fingerprint({"tone": "kind?", "accuracy": ""})
    assert one == fingerprint({"accuracy": "", "tone": "kind?"})
    assert one != fingerprint({"tone": "rude?", "accuracy": ""})


def test_a_rubric_as_a_file_and_its_fingerprint() -> None:
    facets = {"tone": "Is it kind? \u00e9", "truth": ""}
    assert rubric_json(facets) == (
        '{\n  "facets": {\n    "tone": "Is it kind? \u00e9",\n    "truth": ""\n  }\n}\n'
    )
    found = fingerprint(facets)
    assert len(found) == 16
    assert found == fingerprint(dict(reversed(facets.items())))
    assert found != fingerprint(facets | {"tone": ""})


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *(("7", "number"), ("1.5", "number"), ("true", "truth value"), ("1979-05-27", "date")),
        *(('"a"', "text"), ("[]", "list")),
    ],
)
def test_what_stands_in_the_place_of_facets(value: str, kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        rubric_from(f"# a rubric\nfacets = {value}\n", "r.a.toml")
    assert str(caught.value).startswith("r.a.toml line 2, field 'facets': ")
    assert kind in str(caught.value)


def test_a_question_of_as_many_characters_as_may_be() -> None:
    text = json.dumps({"facets": {"tone": "x" * MOST_ABOUT_CHARS}})
    assert rubric_from(text, "r.json") == {"tone": "x" * MOST_ABOUT_CHARS}
    with pytest.raises(UsageError):
        rubric_from(text.replace("x", "xx", 1), "r.json")
