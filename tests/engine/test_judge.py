"""Judge: a reply is read, a failure is no score, and a server without schemas is asked plainly."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tailrace.engine import judge as module
from tailrace.engine.judge import Judge, Question, score_all
from tailrace.errors import TargetError
from tailrace.results.rubric_judge import Judged

from ..judge_server import completion, grades, judge_server

FACETS = {"accuracy": "Is it true?", "tone": ""}


def question(request: str = "r1") -> Question:
    return Question("m", request, "1", "d", (("user", "Why?"),), "Because.", FACETS, "f")


def ask(url: str, *questions: Question, **more: Any) -> list[Judged]:
    lines: list[Judged] = []

    async def main() -> None:
        judge = Judge(url, "j", **more)
        try:
            await score_all(judge, questions, 2, lines.append)
        finally:
            await judge.aclose()

    anyio.run(main)
    return lines


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0.0)


def test_a_constrained_reply_is_scored() -> None:
    with judge_server(grades) as bench:
        (line,) = ask(bench.url, question(), api_key="k1")
    assert line.scores == {"accuracy": 4, "tone": 4}
    assert (line.constrained, line.error, line.rubric) == (True, None, "f")
    assert (line.input_tokens, line.output_tokens) == (30, 10)
    assert line.elapsed_ns > 0
    (asked,) = bench.asked
    assert (asked["model"], asked["temperature"], asked["stream"]) == ("j", 0, False)
    assert asked["response_format"]["type"] == "json_schema"
    assert bench.keys == ["Bearer k1"]


def test_a_key_takes_the_place_of_the_headers_own() -> None:
    headers = [("Authorization", "Bearer of-the-file")]
    with judge_server(grades) as bench:
        ask(bench.url, question(), headers=headers)
        ask(bench.url, question(), headers=headers, api_key="k1")
    assert bench.keys == ["Bearer of-the-file", "Bearer k1"]


def test_a_server_that_refuses_the_schema_is_asked_without_one_from_then_on() -> None:
    def reply(asked: dict[str, Any]) -> Any:
        if "response_format" in asked:
            return 400, '{"error": "response_format is not supported"}'
        return grades(asked, 2)

    with judge_server(reply) as bench:
        lines = ask(bench.url, *(question(f"r{n}") for n in range(3)))
    assert [line.scores for line in lines] == [{"accuracy": 2, "tone": 2}] * 3
    assert not any(line.constrained for line in lines)
    assert ["response_format" in asked for asked in bench.asked] == [True, False, False, False]


def test_what_may_pass_is_asked_again() -> None:
    told = iter([(503, "busy"), (429, "later")])
    with judge_server(lambda asked: next(told, grades(asked))) as bench:
        (line,) = ask(bench.url, question())
    assert line.scores == {"accuracy": 4, "tone": 4}
    assert len(bench.asked) == 3


@pytest.mark.parametrize(
    ("reply", "error", "why"),
    [
        ("I give it a 4.", None, "not_json: the reply is no JSON object: I give it a 4."),
        ((200, "<html>"), "not_json", "not_json: the judge's server sent no JSON"),
        ((200, "{}"), None, "not_a_completion"),
        ((200, completion("")), None, "empty"),
        ((503, "busy\nstill"), "http_503", "http_503: busy still"),
    ],
)
def test_a_failure_is_unscored_with_the_reason(reply: Any, error: str | None, why: str) -> None:
    with judge_server(lambda _: reply) as bench:
        (line,) = ask(bench.url, question())
    assert line.scores == {}
    assert line.error == error
    assert list(line.unscored) == list(FACETS)
    assert all(reason.startswith(why) for reason in line.unscored.values())


def test_half_a_surrogate_pair_can_be_kept() -> None:
    text = '{"accuracy": 4, "\\ud800": 4}'
    with judge_server(lambda _: text) as bench:
        (line,) = ask(bench.url, question())
    assert "missing" in line.unscored["tone"]
    assert line.to_json()


def test_a_judge_that_is_not_there_ends_the_command() -> None:
    with judge_server(grades) as bench:
        url = bench.url
    with pytest.raises(TargetError, match=f"--judge-url {url} cannot be reached"):
        ask(url, question())


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_judge_that_refuses_ends_the_command(status: int) -> None:
    with (
        judge_server(lambda _: (status, "no such model")) as bench,
        pytest.raises(TargetError, match=r"refused judge model 'j'.*--judge-model"),
    ):
        ask(bench.url, question())


def test_nothing_to_ask_asks_nothing() -> None:
    with judge_server(grades) as bench:
        assert ask(bench.url) == []
    assert bench.asked == []
