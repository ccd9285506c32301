"""Each trace format: golden rows, and what each malformed line is told."""

from __future__ import annotations

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.trace_formats import MOST_TOKENS, READERS, detect
from tailrace.scenarios.traces import FormatName, Skip, TraceRow

MS, S = 1_000_000, 1_000_000_000


def read(name: FormatName, text: str) -> list[TraceRow | Skip]:
    return list(READERS[name](enumerate(text.splitlines(keepends=True), 1), "file 'f'"))


def journal(**values: object) -> str:
    import orjson

    row = {"id": "a", "stage": 0, "user": 0, "phase": "measure", "intended_ns": 5}
    return orjson.dumps(row | values).decode() + "\n"


MOONCAKE = (
    '{"timestamp": 0, "input_length": 1100, "output_length": 52, "hash_ids": [46, 47, 48]}\n'
    '{"timestamp": 3052.5, "input_length": 1024, "output_length": 1, "hash_ids": [46, 47]}\n'
    "\n"
    '{"timestamp": 3052.5, "input_length": 20, "output_length": 3}\n'
    '{"timestamp": 4000, "input_length": 600, "output_length": 9, "hash_ids": [5]}\n'
    '{"timestamp": 5000, "input_length": 600, "output_length": 0, "hash_ids": [5]}\n'
    '{"timestamp": 6000, "input_length": 0, "output_length": 7, "hash_ids": []}\n'
    '{"timestamp": 7000, "input_length": 1, "output_length": 1}\n'
)
AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:15:46.6805900,374,44\n"
    "2023-11-16 18:15:50.9951690,396,109\n"
    "2024-05-10 00:00:00.009930+00:00,2162,5\n"
    "2024-05-10 02:00:00+02:00,1,0\n"
)
BURSTGPT = (
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    "5,ChatGPT,472,18,490,Conversation log\n"
    "45.5,GPT-4,1087,230.0,1317,API log\n"
    '46,"GPT-4, turbo",100,0,100,API log\n'
    "\n"
    "0,GPT-4,1,1,2,API log\n"
    "0.5,GPT-4,10000000,1,2,API log\n"
)


def test_mooncake() -> None:
    assert read("mooncake", MOONCAKE) == [
        TraceRow(0, 1, 1100, 52, (46, 47, 48)),
        TraceRow(3_052_500_000, 2, 1024, 1, (46, 47)),
        TraceRow(3_052_500_000, 4, 20, 3),
        TraceRow(4 * S, 5, 600, 9, (5,)),
        Skip(6, "failed: 0 output tokens"),
        Skip(7, "0 input tokens"),
        TraceRow(7 * S, 8, 1, 1),
    ]


def test_azure() -> None:
    assert read("azure", AZURE) == [
        TraceRow(1_700_158_546_680_590_000, 2, 374, 44),
        TraceRow(1_700_158_550_995_169_000, 3, 396, 109),
        TraceRow(1_715_299_200_009_930_000, 4, 2162, 5),
        Skip(5, "failed: 0 output tokens"),
    ]


def test_burstgpt() -> None:
    assert read("burstgpt", BURSTGPT) == [
        TraceRow(5 * S, 2, 472, 18),
        TraceRow(45_500 * MS, 3, 1087, 230),
        Skip(4, "failed: 0 output tokens"),
        TraceRow(0, 6, 1, 1),
        TraceRow(S // 2, 7, MOST_TOKENS, 1),
    ]


def test_columns_are_found_by_name() -> None:
    text = "Session ID,Response tokens,Timestamp,Request tokens\nx,3,1,2\n"
    assert read("burstgpt", text) == [TraceRow(S, 2, 2, 3)]


def test_tailrace() -> None:
    lines = [
        journal(phase="cold", input_tokens=9, output_tokens=2),
        journal(intended_ns=-7, input_tokens=9, output_tokens=2, prompt="greeting"),
        journal(intended_ns=8, prompt="p", outcome="error"),
        journal(phase="warmup", input_tokens=9, output_tokens=2),
        journal(outcome="error"),
        journal(input_tokens=3, output_tokens=0),
        journal(input_tokens=3, retried=True),
        journal(input_tokens=3, intended_ns=2**62),
    ]
    assert read("tailrace", "".join(lines)) == [
        Skip(1, "not measured but cold"),
        TraceRow(-7, 2, 9, 2, (), "greeting"),
        TraceRow(8, 3, None, None, (), "p"),
        Skip(4, "not measured but warmup"),
        Skip(5, "neither its input tokens nor its prompt is known"),
        TraceRow(5, 6, 3, None),
        Skip(7, "an attempt that was followed by another"),
        TraceRow(2**62, 8, 3, None),
    ]


@pytest.mark.parametrize(
    ("first", "name"),
    [
        (MOONCAKE.splitlines()[0], "mooncake"),
        (AZURE.splitlines()[0], "azure"),
        (BURSTGPT.splitlines()[0], "burstgpt"),
        ("timestamp, contexttokens ,GENERATEDTOKENS", "azure"),
        (journal(), "tailrace"),
    ],
)
def test_a_format_is_known_by_its_first_line(first: str, name: FormatName) -> None:
    assert detect(first, "f") == name


@pytest.mark.parametrize("first", ["", "1.5", "a,b", "[]", '{"a": 1}', "{", "Timestamp,Model"])
def test_an_unknown_format_is_named_with_what_to_do(first: str) -> None:
    with pytest.raises(UsageError, match=r"f line 1 is of no trace format .* --trace-format"):
        detect(first, "f")


GOOD = '{"timestamp": 1, "input_length": 5, "output_length": 5}\n'


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not json", ["not JSON", "one object"]),
        ("[1, 2]", ["no JSON object", "[1,2]"]),
        (str([1] * 29), [f"but {[1] * 29}; ".replace(", ", ",")]),
        (str([1] * 31), ["but [" + "1," * 29 + "1…; a line"]),
        (
            '{"timestamp": 1.0001e14, "input_length": 5, "output_length": 5}',
            ["it must be a number of milliseconds, not below 0"],
        ),
        (
            '{"timestamp": 0, "input_length": 10000001, "output_length": 5}',
            ["it must be a whole number from 0 to 10,000,000"],
        ),
        ('{"input_length": 5, "output_length": 5}', ["field timestamp is missing", "millisec"]),
        ('{"timestamp": "0", "input_length": 5, "output_length": 5}', ["field timestamp", '"0"']),
        (
            '{"timestamp": -1, "input_length": 5, "output_length": 5}',
            ["field timestamp", "below 0"],
        ),
        ('{"timestamp": true, "input_length": 5, "output_length": 5}', ["field timestamp"]),
        ('{"timestamp": 0, "output_length": 5}', ["field input_length is missing"]),
        ('{"timestamp": 0, "input_length": 5.5, "output_length": 5}', ["input_length is 5.5"]),
        ('{"timestamp": 0, "input_length": -5, "output_length": 5}', ["input_length is -5"]),
        ('{"timestamp": 0, "input_length": 5, "output_length": null}', ["output_length is null"]),
        ('{"timestamp": 0, "input_length": 5, "output_length": 99999999999}', ["output_length"]),
        (
            '{"timestamp": 0, "input_length": 5, "output_length": 5, "hash_ids": "1"}',
            ['field hash_ids is "1"; it must be a list of whole numbers'],
        ),
        (
            '{"timestamp": 0, "input_length": 5, "output_length": 5, "hash_ids": [1.5]}',
            ["field hash_ids"],
        ),
        (
            '{"timestamp": 0, "input_length": 1100, "output_length": 5, "hash_ids": [1]}',
            ["hash_ids has 1 ids", "2.1 blocks of 512 tokens; give an id for each block, or leave"],
        ),
    ],
)
def test_malformed_mooncake(line: str, words: list[str]) -> None:
    refused("mooncake", GOOD + line + "\n", 2, words)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, ["no column 'TIMESTAMP'"]),
        (
            "TIMESTAMP,ContextTokens\n",
            1,
            [
                "no column 'GeneratedTokens'",
                "the header must name TIMESTAMP, ContextTokens, GeneratedTokens",
            ],
        ),
        ("2023-11-16 18:15:46,1,2\n", 1, ["no column 'TIMESTAMP'"]),
        ("{H}yesterday,1,2\n", 2, ["field TIMESTAMP 'yesterday'", "2023-11-16"]),
        ("{H}1700158546,1,2\n", 2, ["field TIMESTAMP"]),
        ("{H}2023-13-16 18:15:46,1,2\n", 2, ["field TIMESTAMP '2023-13-16"]),
        ("{H}2023-11-16 18:15:46,x,2\n", 2, ["field ContextTokens 'x'", "whole number"]),
        ("{H}2023-11-16 18:15:46,-1,2\n", 2, ["field ContextTokens '-1'"]),
        ("{H}2023-11-16 18:15:46,1,\n", 2, ["field GeneratedTokens ''"]),
        ("{H}2023-11-16 18:15:46,1,2.5\n", 2, ["field GeneratedTokens '2.5'"]),
        ("{H}2023-11-16 18:15:46,1\n", 2, ["2 fields where the header names 3"]),
        ("{H}2023-11-16 18:15:46,1,2,3\n", 2, ["4 fields"]),
        ('{H}"2023-11-16 18:15:46,1,2\n', 2, ["not CSV", "mend"]),
    ],
)
def test_malformed_azure(text: str, line: int, words: list[str]) -> None:
    header = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    refused("azure", text.replace("{H}", header), line, words)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, ["no column 'Timestamp'"]),
        ("Timestamp,Model,Request tokens\n", 1, ["no column 'Response tokens'"]),
        ("{H}x,m,1,2,3,l\n", 2, ["field Timestamp 'x'", "seconds"]),
        ("{H}-5,m,1,2,3,l\n", 2, ["field Timestamp '-5'"]),
        ("{H}nan,m,1,2,3,l\n", 2, ["field Timestamp 'nan'"]),
        ("{H}5,m,one,2,3,l\n", 2, ["field Request tokens 'one'"]),
        ("{H}5,m,1,,3,l\n", 2, ["field Response tokens ''"]),
        ("{H}5,m,1,-2,3,l\n", 2, ["field Response tokens '-2'"]),
        ("{H}5,m,1,2,3,l\n6,m,1,99999999999999,3,l\n", 3, ["field Response tokens"]),
        ("{H}5,m,1,2,3,l\n6,m,1,2\n", 3, ["4 fields where the header names 6"]),
        ('{H}5,"m"x,1,2,3,l\n', 2, ["not CSV"]),
    ],
)
def test_malformed_burstgpt(text: str, line: int, words: list[str]) -> None:
    header = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    refused("burstgpt", text.replace("{H}", header), line, words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", ["not JSON"]),
        ("3", ["no JSON object but 3"]),
        ("{}", ["field phase is null; it must be cold, warmup or measure"]),
        (journal(phase="later"), ["field phase", "later"]),
        (
            journal(intended_ns=None),
            ["field intended_ns is null; it must be a whole number of nanoseconds"],
        ),
        (journal(intended_ns=1.5), ["field intended_ns is 1.5"]),
        (journal(intended_ns=2**62 + 1), ["field intended_ns"]),
        (journal(input_tokens="9"), ["field input_tokens"]),
        (journal(input_tokens=-9), ["field input_tokens is -9"]),
        (journal(input_tokens=9, output_tokens=True), ["field output_tokens is true"]),
        (journal(input_tokens=9, prompt=4), ["field prompt is 4; it must be a text"]),
    ],
)
def test_malformed_tailrace(line: str, words: list[str]) -> None:
    refused("tailrace", journal(input_tokens=1) + line.rstrip("\n") + "\n", 2, words)


def refused(name: FormatName, text: str, line: int, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        read(name, text)
    message = str(caught.value)
    assert f"file 'f' line {line}" in message
    for word in words:
        assert word in message, message
    assert "\n" not in message
