"""Prompt files: what each format gives, and the sentence for each way to get it wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.items import Item, from_texts
from tailrace.scenarios.prompt_files import load_records, samples
from tailrace.scenarios.records import read_records
from tailrace.scenarios.sharegpt import words_as_tokens

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def read(path: Path, column: str | None = None) -> tuple[Item, ...]:
    records = load_records(str(path)).records
    file = f"--prompts file {str(path)!r}"
    return tuple(read_records(records, file, column, words_as_tokens).items)


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def user(text: str, name: str, **more: Any) -> Item:
    return Item(name, (("user", text),), **more)


def parquet(path: Path, columns: dict[str, list[Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return path


# -- what is right


def test_a_bare_list_of_texts_loads_unchanged(tmp_path: Path) -> None:
    texts = ["Hi", " two\nlines ", "\u00fc\u4e2d\U0001f600", '"quoted" \\ {brace}']
    path = written(tmp_path, "prompts.json", json.dumps(texts))
    assert read(path) == from_texts(texts).items


def test_objects(tmp_path: Path) -> None:
    document = [
        {"id": "a", "prompt": "one", "max_tokens": 7, "tags": ["t"], "facets": ["f", "g"]},
        {"id": 2, "prompt": "two", "system": "be brief", "expected_facets": ["f"]},
        {
            "id": "c",
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": [{"type": "text", "text": "see"}, IMAGE]},
                {"role": "assistant", "content": "a"},
                {"role": "user", "content": "u"},
            ],
            "model": "lora",
            "extra_body": {"top_p": 0.5},
            "source": "not ours",
        },
        "four",
    ]
    path = written(tmp_path, "p.json", json.dumps(document))
    assert read(path) == (
        user("one", "a", max_tokens=7, tags=("t",), facets=("f", "g")),
        Item("2", (("system", "be brief"), ("user", "two")), facets=("f",)),
        Item(
            "c",
            (
                ("system", "s"),
                ("user", ({"type": "text", "text": "see"}, IMAGE)),
                ("assistant", "a"),
                ("user", "u"),
            ),
            model="lora",
            extra={"top_p": 0.5},
        ),
        user("four", "4"),
    )


def test_a_byte_order_mark_is_no_prompt(tmp_path: Path) -> None:
    assert read(written(tmp_path, "p.json", b'\xef\xbb\xbf["a"]')) == (user("a", "1"),)


def test_lines_of_json(tmp_path: Path) -> None:
    text = '{"prompt": "a", "id": "x"}\n\n"b\u2028c"\r\n{"prompt": "d", "max_tokens": "9"}'
    found = read(written(tmp_path, "p.jsonl", text))
    assert found == (user("a", "x"), user("b\u2028c", "2"), user("d", "3", max_tokens=9))


def test_a_column_by_name(tmp_path: Path) -> None:
    text = '{"question": "a", "prompt": "not this"}\n{"question": "b", "answer": 5}'
    path = written(tmp_path, "p.jsonl", text)
    assert read(path, "question") == (user("a", "1"), user("b", "2"))


def test_csv(tmp_path: Path) -> None:
    text = 'id,prompt,max_tokens,tags\na,"one, ""two""\nthree",5,x; y\nb,four,,\n'
    found = read(written(tmp_path, "p.csv", text))
    assert found == (
        user('one, "two"\nthree', "a", max_tokens=5, tags=("x", "y")),
        user("four", "b"),
    )


def test_tsv_and_a_column(tmp_path: Path) -> None:
    found = read(written(tmp_path, "p.tsv", "Instruction\tother\na, b\tc\n"), "Instruction")
    assert found == (user("a, b", "1"),)


def test_parquet(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "id": ["a", None],
        "prompt": ["one", "two"],
        "max_tokens": [5, None],
        "tags": [["x"], None],
        "score": [0.5, 1.5],
    }
    found = read(parquet(tmp_path / "p.parquet", columns))
    assert found == (user("one", "a", max_tokens=5, tags=("x",)), user("two", "2"))


def test_parquet_with_messages_in_a_column(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    found = read(parquet(tmp_path / "p.parquet", {"talk": [talk]}), "talk")
    assert found == (Item("1", (("user", "a"), ("assistant", "b"))),)


def test_sharegpt(tmp_path: Path) -> None:
    document = [
        {
            "id": "q_0",
            "conversations": [
                {"from": "human", "value": "ask"},
                {"from": "gpt", "value": "one two three four five six"},
                {"from": "human", "value": "more"},
            ],
        },
        {"id": "begins-with-answer", "conversations": [{"from": "gpt", "value": "x"}]},
        {"id": "unanswered", "conversations": [{"from": "human", "value": "x"}]},
        {"id": "empty", "conversations": []},
        {
            "conversations": [
                {"from": "system", "value": "s"},
                {"role": "user", "content": "ask"},
                {"role": "assistant", "content": ""},
            ]
        },
        {
            "conversations": [
                {"from": "system", "value": "s"},
                {"from": "gpt", "value": "hello"},
                {"role": "user", "content": "ask"},
                {"role": "assistant", "content": "y"},
            ],
            "max_tokens": 99,
        },
    ]
    path = written(tmp_path, "s.json", json.dumps(document))
    records = load_records(str(path)).records
    items, skipped = read_records(records, "F", None, words_as_tokens)
    assert items == [
        user("ask", "q_0", max_tokens=8),
        Item("6", (("system", "s"), ("user", "ask")), max_tokens=99),
    ]
    assert skipped == 4


# -- what is wrong: every message names the file, the place and what would do

JSON_WRONG: list[tuple[str | bytes, str]] = [
    (b"", "line 1 is not JSON"),
    (b'["a",\n"b"', "line 2 is not JSON"),
    (b'{"prompt": "a"}\n{"prompt": "b"}', "one object a line is a .jsonl file"),
    (b'{"prompts": ["a"]}', "is not a list; write prompts as"),
    (b"[]", "holds no prompts; write at least one"),
    (b'["a", 5]', "record 2 is a number; write a text or an object with a 'prompt'"),
    (b'["a", null]', "record 2 is null"),
    (b'["a", "  "]', "record 2: field 'prompt' is empty"),
    (b'["\xff"]', "line 1 is not UTF-8 text; save it as UTF-8"),
    (b'[{"promt": "a"}]', "record 1: field 'promt' is unknown; did you mean 'prompt'?"),
    (b'[{"text": "a"}]', "record 1: has no prompt; give it a field 'prompt' or 'messages'"),
    (b'[{"prompt": "a", "messages": []}]', "record 1: has both 'prompt' and 'messages'"),
    (b'[{"prompt": ["a"]}]', "record 1: field 'prompt' is a list; write a text"),
    (b'[{"prompt": "a", "max_tokens": 0}]', "field 'max_tokens' is 0, not a whole number"),
    (b'[{"prompt": "a", "max_tokens": 1.5}]', "field 'max_tokens' is 1.5"),
    (b'[{"prompt": "a", "max_tokens": true}]', "field 'max_tokens' is True"),
    (b'[{"prompt": "a", "tags": [1]}]', "field 'tags' is not a list of texts"),
    (b'[{"prompt": "a", "facets": {"x": 1}}]', "field 'facets' is not a list of texts"),
    (b'[{"prompt": "a", "id": ["x"]}]', "field 'id' is a list; write a text or a number"),
    (b'[{"prompt": "a", "id": "x"}, {"prompt": "b", "id": "x"}]', "'x', as in record 1"),
    (b'[{"prompt": "a", "model": 5}]', "field 'model' is a number; write a text"),
    (b'[{"prompt": "a", "extra_body": "x"}]', "field 'extra_body' is a text; write an object"),
    (b'[{"prompt": "a", "system": 5}]', "field 'system' is a number"),
    (b'[{"messages": []}]', "field 'messages' is a list; write a list of objects"),
    (b'[{"messages": "a"}]', "field 'messages' is a text; write a list of objects"),
    (b'[{"messages": [{"role": "bot", "content": "a"}]}]', "'messages[0]' has no 'role' of"),
    (b'[{"messages": [{"role": "user"}]}]', "field 'messages[0]' has no 'content'"),
    (b'[{"messages": [{"role": "user", "content": [{}]}]}]', "'messages[0]' has no 'content'"),
    (
        b'[{"messages": [{"role": "user", "content": "a", "name": "n"}]}]',
        "field 'messages[0]' has 'name', which cannot be sent",
    ),
    (
        b'[{"messages": [{"role": "system", "content": "a"}], "system": "b"}]',
        "has 'system' and a system message",
    ),
]
JSONL_WRONG: list[tuple[str | bytes, str]] = [
    (b"", "holds no prompts"),
    (b"\n\n", "holds no prompts"),
    (b'{"prompt": "a"}\n{"prompt": ', "line 2 is not JSON"),
    (b'{"prompt": "a"} {"prompt": "b"}', "line 1 is not JSON"),
    (b'["a"]', "line 1 is a list; write a text or an object"),
    (b'{"prompt": "a"}\n\n5', "line 3 is a number"),
    (b'{"prompt": "a"}\n{"prompt": ""}', "line 2: has no prompt"),
    (b'{"prompt": "a"}\n{"prompt": "b", "max_token": 4}', "line 2: field 'max_token' is unknown"),
    (b'{"prompt": "a"}\n"\xff"', "line 2 is not UTF-8"),
    (
        b'{"prompt": "a", "id": "1"}\n{"prompt": "b", "id": 1}',
        "line 2: field 'id' is '1', as in line 1",
    ),
]
CSV_WRONG: list[tuple[str | bytes, str]] = [
    (b"", "holds no prompts"),
    (b"prompt\n", "holds no prompts"),
    (b"prompt,id\na,1\nb\n", "line 3 has 1 fields where the first line names 2"),
    (b"prompt,id\na, b,1\n", "line 2 has 3 fields"),
    (b'prompt\n"a\nb\n', "line 2 is not CSV"),
    (b'prompt\n"a"b\n', "line 2 is not CSV"),
    (b"prompt,\na,b\n", "line 1 names a column with nothing"),
    (b"prompt,id,id\na,b,c\n", "line 1 names the column 'id' twice"),
    (b"text\na\n", "line 2: has no prompt"),
    (b'prompt,max_tokens\n"a\nb",5\nc,many\n', "line 4: field 'max_tokens' is 'many'"),
    (b"prompt,id\n\xff,1\n", "line 2 is not UTF-8"),
    (b"prompt,id\n,1\n", "line 2: has no prompt"),
    (b"Prompts,id\na,1\nb,2\n", "line 2: has no prompt"),
]
SHAREGPT_WRONG: list[tuple[Any, str]] = [
    ({"conversations": "x"}, "field 'conversations' is not a list of turns"),
    ({"conversations": {"from": "human"}}, "field 'conversations' is not a list of turns"),
    ({"conversations": ["hi"]}, "field 'conversations[0]' is no object with 'from' and 'value'"),
    ({"conversations": [{"value": "a"}]}, "field 'conversations[0]' does not say who speaks"),
    ({"conversations": [{"from": 5, "value": "a"}]}, "does not say who speaks"),
    ({"conversations": [{"from": "human"}]}, "field 'conversations[0]' has no text"),
    ({"conversations": [{"from": "human", "value": ["a"]}]}, "'conversations[0]' has no text"),
    (
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": None}]},
        "field 'conversations[1]' has no text",
    ),
    ({"conversations": []}, "none of its 1 conversations has a question and an answer"),
    ({"conversation": [{"from": "human", "value": "a"}]}, "did you mean 'conversations'?"),
]


def wrong(path: Path, column: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        read(path, column)
    sentence = str(caught.value)
    assert sentence.startswith(f"--prompts file {str(path)!r}")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(("text", "says"), JSON_WRONG)
def test_malformed_json(text: bytes, says: str, tmp_path: Path) -> None:
    assert says in wrong(written(tmp_path, "p.json", text))


@pytest.mark.parametrize(("text", "says"), JSONL_WRONG)
def test_malformed_lines(text: bytes, says: str, tmp_path: Path) -> None:
    assert says in wrong(written(tmp_path, "p.jsonl", text))


@pytest.mark.parametrize(("text", "says"), CSV_WRONG)
def test_malformed_csv(text: bytes, says: str, tmp_path: Path) -> None:
    assert says in wrong(written(tmp_path, "p.csv", text))


@pytest.mark.parametrize(("record", "says"), SHAREGPT_WRONG)
def test_malformed_sharegpt(record: Any, says: str, tmp_path: Path) -> None:
    sentence = wrong(written(tmp_path, "p.json", json.dumps([record])))
    assert says in sentence
    assert "record 1" in sentence or "none of its" in sentence


@pytest.mark.parametrize(
    ("columns", "column", "says"),
    [
        ({"prompt": ["a", ""]}, None, "row 2: has no prompt"),
        ({"prompt": ["a", None]}, None, "row 2: has no prompt"),
        ({"prompt": [1, 2]}, None, "row 1: field 'prompt' is a number"),
        ({"prompt": [b"a"]}, None, "row 1: field 'prompt' is no text"),
        ({"text": ["a"]}, None, "row 1: has no prompt"),
        (
            {"text": ["a"]},
            "words",
            "row 1: has no field 'words', which --prompt-column names; it has text",
        ),
        ({"text": ["a", None]}, "text", "row 2: field 'text' is empty"),
        ({"prompt": ["a"], "max_tokens": [2.5]}, None, "row 1: field 'max_tokens' is 2.5"),
        ({"prompt": ["a", "b"], "id": ["x", "x"]}, None, "row 2: field 'id' is 'x', as in row 1"),
        ({"prompt": [["a"]]}, None, "row 1: field 'prompt' is a list"),
    ],
)
def test_malformed_parquet(
    columns: dict[str, list[Any]], column: str | None, says: str, tmp_path: Path
) -> None:
    assert says in wrong(parquet(tmp_path / "p.parquet", columns), column)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"prompt\na\n", b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_what_is_no_parquet(data: bytes, tmp_path: Path) -> None:
    assert "is not a whole Parquet file" in wrong(written(tmp_path, "p.parquet", data))


def test_a_parquet_file_that_was_cut_off(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "whole.parquet", {"prompt": ["a" * 50] * 50}).read_bytes()
    assert "is not a whole Parquet file" in wrong(written(tmp_path, "p.parquet", whole[:-9]))


def test_no_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    sentence = wrong(written(tmp_path, "p.parquet", b""))
    assert "pip install 'tailrace[data]'" in sentence


def test_files_that_are_not_there_or_of_no_kind(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in wrong(tmp_path / "p.json")
    (tmp_path / "folder.json").mkdir()
    assert "cannot be read" in wrong(tmp_path / "folder.json")
    sentence = wrong(written(tmp_path, "p.txt", "a"))
    assert "none of the endings .json, .jsonl" in sentence


def test_a_missing_column_names_those_there_are(tmp_path: Path) -> None:
    sentence = wrong(written(tmp_path, "p.csv", "a,b\n1,2\n"), "c")
    assert "line 2: has no field 'c', which --prompt-column names; it has a, b" in sentence
    sentence = wrong(written(tmp_path, "p.json", '["x"]'), "c")
    assert "record 1 is a text; write an object" in sentence


def test_a_sample_that_is_none() -> None:
    with pytest.raises(UsageError, match="there are chat, code, long"):
        load_records("sample:poems")


@pytest.mark.parametrize("name", ["chat", "code", "long"])
def test_samples(name: str) -> None:
    assert name in samples()
    records = load_records(f"sample:{name}").records
    items, skipped = read_records(records, "F", None, words_as_tokens)
    assert skipped == 0
    assert len(items) >= 9
    assert all(item.tags for item in items)


def test_the_long_sample_is_made_by_its_rule() -> None:
    from .long_sample import SAMPLE, text

    assert SAMPLE.read_text(encoding="utf-8") == text()


def test_the_chat_sample_has_forty_prompts_of_varied_length() -> None:
    records = load_records("sample:chat").records
    items, _ = read_records(records, "F", None, words_as_tokens)
    sizes = sorted(sum(len(str(content)) for _, content in item.messages) for item in items)
    assert len(items) == 40
    assert sizes[0] < 50
    assert sizes[20] > 150
    assert sizes[-1] > 800
