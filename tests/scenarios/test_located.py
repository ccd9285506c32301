"""The line of each key, in each format."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.scenarios.located import located

TEXTS = {
    "a.json": '{\n "x": {\n  "y": 1,\n  "z": [\n   2,\n   3\n  ]\n }\n}',
    "a.yaml": "\nx:\n  y: 1\n  z:\n  - 2\n  - 3\n",
    "a.toml": "\n[x]\ny = 1\nz = [2, 3]\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_line_of_a_key_and_of_what_is_around_it(name: str) -> None:
    found = located(TEXTS[name], name)
    assert found.data == {"x": {"y": 1, "z": [2, 3]}}
    assert found.where("x") == f"{name} line 2"
    assert found.where("x", "y") == f"{name} line 3"
    assert found.where("x", "z") == f"{name} line 4"
    assert found.where("x", "no such key") == found.where("x")


def test_tables_of_a_toml_list_have_their_own_lines() -> None:
    found = located("[[m]]\na = 1\n[[m]]\na = 2\n", "f.toml")
    assert found.where("m", 1, "a") == "f.toml line 4"


WRONG = {
    "a.json": ("{", "a.json line 1 is not JSON"),
    "a.yaml": ("a: [1\nb: 2\n", "a.yaml line"),
    "b.yaml": ("a: 1\na: 2\n", "b.yaml line 2: 'a' stands twice; keep one of them"),
    "c.yaml": ("a: !!python/object:os.system {}\n", "c.yaml"),
    "a.toml": ("a = ", "a.toml is not TOML"),
    "a.ini": ("", "'a.ini' must end in .json, .yaml or .toml"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_names_the_file(name: str) -> None:
    text, sentence = WRONG[name]
    with pytest.raises(UsageError) as caught:
        located(text, name)
    assert str(caught.value).startswith(sentence)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(VALUES)
def test_any_json_is_read_as_json(value: object) -> None:
    assert located(json.dumps(value, indent=1), "a.json").data == value
