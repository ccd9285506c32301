"""The line of each key, in each format."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import UsageError
from tailrace.scenarios.located import MOST_VALUES, Located, located

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


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(VALUES)
def test_any_json_is_read_as_json(value: object) -> None:
    assert located(json.dumps(value, indent=1), "a.json").data == value


def lines_of(text: str, name: str) -> dict[tuple[str | int, ...], int]:
    return located(text, name).lines


def test_every_line_of_json_and_yaml() -> None:
    wanted = {
        (): 1,
        ("x",): 2,
        ("x", "y"): 3,
        ("x", "z"): 4,
        ("x", "z", 0): 5,
        ("x", "z", 1): 6,
    }
    assert lines_of(TEXTS["a.json"], "a.json") == wanted
    assert lines_of(TEXTS["a.json"].replace(" ", "\t"), "a.json") == wanted
    assert lines_of(TEXTS["a.yaml"], "A.YML") == wanted | {(): 2}
    assert lines_of("- a: 1\n  b: 2\n- 3\n", "f.yaml") == {
        **{(): 1, (0,): 1, (0, "a"): 1, (0, "b"): 2, (1,): 3},
    }
    assert lines_of("", "f.yaml") == {}
    assert lines_of("7", "f.json") == {(): 1}


def test_every_line_of_toml() -> None:
    text = """# a file
top = 1
"odd key".b = 2   # with a dot
'single' = 3
text = \"\"\"
no = 1
[neither]
\"\"\"
more = '''
nor = 2
'''
[ a.b ] # a comment
c = [
  1,
]
[[a.list]]
n = 1
[a.list.sub]
o = 1
[[a.list]]
n = 2
[[a.list.deep]]
p = 1
[[a.list.deep]]
p = 2
[a."x.y"]
q = 1
"""
    for each in (text, text.replace("\n", "\r\n")):
        found = located(each, "f.toml")
        assert found.lines == {
            (): 1,
            ("top",): 2,
            ("odd key", "b"): 3,
            ("single",): 4,
            ("text",): 5,
            ("more",): 9,
            ("a", "b"): 12,
            ("a", "b", "c"): 13,
            ("a", "list", 0): 16,
            ("a", "list", 0, "n"): 17,
            ("a", "list", 0, "sub"): 18,
            ("a", "list", 0, "sub", "o"): 19,
            ("a", "list", 1): 20,
            ("a", "list", 1, "n"): 21,
            ("a", "list", 1, "deep", 0): 22,
            ("a", "list", 1, "deep", 0, "p"): 23,
            ("a", "list", 1, "deep", 1): 24,
            ("a", "list", 1, "deep", 1, "p"): 25,
            ("a", "x.y"): 26,
            ("a", "x.y", "q"): 27,
        }
        assert found.where("a", "list", 1, "deep", 1, "none") == "f.toml line 24"
        assert found.where("a", "list") == "f.toml line 1"
        assert found.data["a"]["list"][1]["deep"] == [{"p": 1}, {"p": 2}]


def test_a_key_that_only_looks_like_one_has_no_line_of_its_own() -> None:
    found = located('x = [\n  "a = 1",\n]\ny = { z = 1 }\n', "f.toml")
    assert found.lines == {(): 1, ("x",): 1, ("y",): 4}


def test_a_text_without_lines_is_named_by_its_file() -> None:
    assert Located("f.json", {}, {}).where("a", "b") == "f.json"


SENTENCES = {
    "a.ini": ("", "'a.ini' must end in .json, .yaml or .toml, to say what it is"),
    "none": ("", "'none' must end in .json, .yaml or .toml, to say what it is"),
    "a.json": ("{\n'a': 1}", "a.json line 2 is not JSON: unexpected character"),
    "b.json": (
        '{"a": 1,\n "b": 2,\n "a": 3}',
        "b.json line 3: 'a' stands twice; keep one of them",
    ),
    "c.json": ("[" * 900 + "]" * 900, "c.json is nested too deeply to be read; make it flatter"),
    "a.yaml": (
        "a: [1\nb: 2\n",
        "a.yaml line 2 is not YAML: expected ',' or ']', but got ':'",
    ),
    "b.yaml": ("x:\n  1: a\n  '1': b\n", "b.yaml line 3: '1' stands twice; keep one of them"),
    "c.yaml": (
        "a: !!python/object:os.system {}\n",
        "c.yaml line 1 is not YAML: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object:os.system'",
    ),
    "d.yaml": ("a: 2020-99-99\n", "d.yaml is not YAML: month must be in 1..12"),
    "e.yaml": ("a: \x00\n", "e.yaml is not YAML: unacceptable character #x0000: "),
    "a.toml": ("a = ", "a.toml is not TOML: Invalid value (at end of document)"),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_is_said_of_a_text_that_cannot_be_read(name: str) -> None:
    text, sentence = SENTENCES[name]
    with pytest.raises(UsageError) as caught:
        located(text, name)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_aliases_of_aliases_are_counted_before_they_are_made() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for one, other in zip("abcd", "bcde", strict=True):
        bomb += f"{other}: &{other} [{', '.join([f'*{one}'] * 10)}]\n"
    with pytest.raises(UsageError) as caught:
        located(bomb, "bomb.yaml")
    assert str(caught.value) == (
        "bomb.yaml stands for more than 50000 values, which its aliases (*) repeat; "
        "write it with fewer of them"
    )
    flat = "[" + ", ".join("x" * (MOST_VALUES - 1)) + "]"
    assert len(located(flat, "f.yaml").data) == MOST_VALUES - 1
    with pytest.raises(UsageError, match="more than 50000 values"):
        located(flat.replace("]", ", x]"), "f.yaml")


def test_an_anchor_inside_itself_is_not_followed() -> None:
    found = located("a: &a\n  b: *a\n", "f.yaml")
    assert found.lines == {(): 1, ("a",): 1, ("a", "b"): 2}


def test_json_that_is_no_yaml_has_no_lines() -> None:
    found = located('{\n "a": "\x7f"}', "f.json")
    assert found == Located("f.json", {"a": "\x7f"}, {})
    assert found.where("a") == "f.json"


def test_what_stands_in_lists_is_named_as_well() -> None:
    with pytest.raises(UsageError) as caught:
        located("- - a: 1\n    a: 2\n", "a.b.yaml")
    assert str(caught.value) == "a.b.yaml line 2: 'a' stands twice; keep one of them"
    assert lines_of("&a\n- *a\n", "f.yaml") == {(): 1}


def test_a_long_text_on_one_line_hides_no_key() -> None:
    text = 'x = """one"""\ny = """a""" # """b"""\nz = \'\'\'c\'\'\'\nw = 1\n'
    assert lines_of(text, "f.toml") == {(): 1, ("x",): 1, ("y",): 2, ("z",): 3, ("w",): 4}
