"""Answers: every way in which one can fail to be a success, and the sentence that says so."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine import answer as module
from tailrace.engine.answer import Answer
from tailrace.engine.dialects.delta import Delta, Dialect
from tailrace.engine.dialects.ollama import OllamaChat
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.exchange import WireError
from tailrace.results.facts import Books, StageFacts
from tailrace.results.result import stage_result
from tailrace.results.schema import Row, parse_row
from tailrace.results.tally import Tally

SSE = "text/event-stream"
ROLE = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
TEXT = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
FINISH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"completion_tokens":1}}\n\n'
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error":{"message":"out of memory"}}\n\n'
BAD = b"data: {oops\n\n"
HTML = b"<html>\n <head><title>502   Bad Gateway</title>"


def answered(body: bytes, status: int = 200, content_type: str = SSE, piece: int = 7) -> Answer:
    answer = Answer(OpenAIChat())
    answer.accept(status, content_type)
    for start in range(0, len(body), piece):
        answer.on_body(100 + start, body[start : start + piece])
    answer.close(100_000)
    return answer


FAULTS = {
    "a success": (TEXT + FINISH + DONE, None),
    "done without finish reason": (TEXT + DONE, None),
    "finish reason without done": (TEXT + FINISH, None),
    "usage after the finish": (ROLE + TEXT + FINISH + USAGE + DONE, None),
    "comments before": (b": hi\n\n" + TEXT + DONE, None),
    "the last event unfinished": (TEXT + DONE.rstrip(), None),
    "reasoning alone": (
        b'data: {"choices":[{"delta":{"reasoning":"r"}}]}\n\n' + FINISH,
        None,
    ),
    "nothing at all": (b"", "empty"),
    "only a role": (ROLE + FINISH + DONE, "empty"),
    "only comments": (b": hi\n\n: ho\n\n", "empty"),
    "only done": (DONE, "empty"),
    "no end": (ROLE + TEXT, "no_done"),
    "no end but usage": (TEXT + USAGE, "no_done"),
    "error event": (TEXT + ERROR + DONE, "error_event"),
    "error event alone": (ERROR, "error_event"),
    "bad event": (TEXT + BAD + FINISH + DONE, "bad_event"),
    "bad event alone": (BAD, "bad_event"),
    "error before bad": (BAD + ERROR, "error_event"),
    "no object": (b"data: [1]\n\n" + TEXT + DONE, "bad_event"),
}


@pytest.mark.parametrize(("body", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_of_a_stream(body: bytes, fault: str | None) -> None:
    for piece in (1, 7, 10_000):
        found = answered(body, piece=piece).fault()
        assert (found and found[0]) == fault


@pytest.mark.parametrize("status", [100, 302, 400, 401, 404, 429, 500, 503])
@pytest.mark.parametrize("content_type", [SSE, "application/json", ""])
def test_a_status_that_is_no_success(status: int, content_type: str) -> None:
    fault = answered(TEXT + DONE, status, content_type).fault()
    assert fault is not None
    assert fault[0] == f"http_{status}"
    assert fault[1].startswith(f"HTTP {status}: ")


def test_an_error_status_is_no_stream_whatever_its_type_says() -> None:
    assert answered(b'{"error":"no"}', 500, SSE).fault() == ("http_500", "HTTP 500: no")
    assert answered(TEXT, 500, SSE).timeline.chunks == 0


@pytest.mark.parametrize("status", [200, 201, 299])
def test_any_2xx_is_a_success(status: int) -> None:
    assert answered(TEXT + DONE, status).fault() is None


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"error":{"message":"no model x","type":"t"}}', "HTTP 404: no model x"),
        (b'{"error":"no model x"}', "HTTP 404: no model x"),
        (b'{"error":{"code":7}}', 'HTTP 404: {"code":7}'),
        (b'{"detail":"Not Found"}', 'HTTP 404: \'{"detail":"Not Found"}\''),
        (b"[1]", "HTTP 404: '[1]'"),
        (b'"error"', "HTTP 404: '\"error\"'"),
        (b"null", "HTTP 404: 'null'"),
        (HTML, "HTTP 404: '<html> <head><title>502 Bad Gateway</title>'"),
        (b"\xff\xfe", "HTTP 404: '\ufffd\ufffd'"),
        (b"", "HTTP 404: ''"),
    ],
)
def test_error_bodies_are_shown(body: bytes, sentence: str) -> None:
    for piece in (1, 1000):
        fault = answered(body, 404, "application/json", piece).fault()
        assert fault == ("http_404", sentence)


def test_control_characters_of_a_raw_body_do_not_reach_the_message() -> None:
    fault = answered(b"\x1b[31mred\x07", 500, "text/plain").fault()
    assert fault is not None
    assert fault[1].isprintable()


@pytest.mark.parametrize("body", [b"x" * 100_000, b'{"error":"' + b"x" * 3_000 + b'"}'])
def test_long_error_bodies_are_cut(body: bytes) -> None:
    fault = answered(body, 500, "text/plain", piece=1000).fault()
    assert fault is not None
    assert 300 <= len(fault[1]) < 400


def test_what_is_kept_of_a_body_is_bounded() -> None:
    answer = Answer(OpenAIChat())
    answer.accept(500, "text/plain")
    for _ in range(1000):
        answer.on_body(1, b"x" * 10_000)
    assert answer._body is not None
    assert len(answer._body) < 20_000


@pytest.mark.parametrize(
    ("content_type", "shown"),
    [
        ("application/json", "the answer is application/json,"),
        ("text/html; charset=utf-8", "the answer is text/html; charset=utf-8,"),
        ("", "the answer is no content type,"),
    ],
)
def test_an_answer_that_is_no_stream(content_type: str, shown: str) -> None:
    answer = answered(b'{"choices":[{"message":{"content":"a"}}]}', 200, content_type)
    fault = answer.fault()
    assert fault is not None
    assert fault[0] == "not_sse"
    assert shown in fault[1]
    assert '"content":"a"' in fault[1]
    assert answer.timeline.chunks == 0


@pytest.mark.parametrize("more", ["", "; charset=utf-8", ";charset=utf-8"])
def test_a_stream_may_name_its_charset(more: str) -> None:
    assert answered(TEXT + DONE, content_type=SSE + more).fault() is None


def test_an_error_event_is_quoted_and_cut() -> None:
    assert answered(ERROR).fault() == ("error_event", "the server sent an error: out of memory")
    long = b'data: {"error":"' + b"x" * 5_000 + b'"}\n\n'
    fault = answered(long).fault()
    assert fault is not None
    assert len(fault[1]) < 400


def test_the_first_bad_event_is_quoted() -> None:
    fault = answered(BAD + b"data: later\n\n" + TEXT + DONE).fault()
    assert fault is not None
    assert fault[1].startswith("an event cannot be read: ")
    assert fault[1].endswith("'{oops'")


def test_outputs_after_a_bad_event_are_still_noted() -> None:
    assert answered(BAD + TEXT).timeline.chunks == 1


def test_each_event_has_the_stamp_of_the_read_that_completed_it() -> None:
    answer = Answer(OpenAIChat())
    answer.accept(200, SSE)
    answer.on_body(10, TEXT[:9])
    answer.on_body(20, TEXT[9:] + TEXT)
    answer.on_body(30, TEXT.rstrip())
    answer.close(40)
    assert list(answer.timeline._outputs_ns) == [20, 20, 40]


@pytest.mark.parametrize(
    "usage", [{"completion_tokens": "2"}, {"completion_tokens": 2, "prompt_tokens": "9"}]
)
@pytest.mark.parametrize("reason", ["stop", 5, {"type": "stop"}])
def test_values_of_the_wrong_type_do_no_harm_later(
    usage: dict[str, object], reason: object
) -> None:
    """Whatever is made of them, the row can be kept, added up and shown beside a good one."""
    delta = {"choices": [{"delta": {"content": "a"}, "finish_reason": reason}], "usage": usage}
    event = b"data: " + orjson.dumps(delta) + b"\n\n"
    tally = Tally(0, 10**12)
    for body in (event + event + DONE, TEXT + FINISH):
        row = Row("r", 0, 0, "measure", 0, sent_ns=0, closed_ns=100_000, ended_ns=100_000)
        answer = answered(body)
        answer.timeline.fill(row, 0)
        row.outcome = "ok" if answer.fault() is None else "error"
        tally.add(parse_row(row.to_json(), "here"))
    stage_result(StageFacts(0, 1, 0.0, None, 2, 0, Books()), tally)


def whole(body: bytes, status: int = 200, content_type: str = "application/json") -> Answer:
    """An answer that was asked for without streaming, in pieces of 7 bytes."""
    answer = Answer(OpenAIChat(), streamed=False)
    answer.accept(status, content_type)
    for start in range(0, len(body), 7):
        answer.on_body(100 + start, body[start : start + 7])
    answer.close(100_000)
    return answer


WHOLE = b'{"choices":[{"message":{"content":"ab"},"finish_reason":"stop"}]}'
WHOLE_FAULTS = {
    "a success": (WHOLE, "application/json", None),
    "with a charset": (WHOLE, "application/json; charset=utf-8", None),
    "another JSON": (WHOLE, "application/vnd.x+json", None),
    "no finish reason": (b'{"choices":[{"message":{"content":"a"}}]}', "application/json", None),
    "a page": (HTML, "text/html", "not_json"),
    "a stream": (TEXT + FINISH + DONE, SSE, "not_json"),
    "no type": (WHOLE, "", "not_json"),
    "no JSON": (b"{oops", "application/json", "bad_body"),
    "another object": (b'{"ok":true}', "application/json", "bad_body"),
    "an error inside": (b'{"error":{"message":"busy"}}', "application/json", "error_body"),
    "no text": (b'{"choices":[{"message":{"content":""}}]}', "application/json", "empty"),
    "nothing": (b"", "application/json", "bad_body"),
}


@pytest.mark.parametrize(("body", "kind", "fault"), WHOLE_FAULTS.values(), ids=WHOLE_FAULTS.keys())
def test_faults_of_a_whole_answer(body: bytes, kind: str, fault: str | None) -> None:
    found = whole(body, content_type=kind).fault()
    assert (found and found[0]) == fault


def test_a_whole_answer_is_stamped_when_it_is_complete() -> None:
    row = Row("r", 0, 0, "measure", 0)
    whole(WHOLE).timeline.fill(row, 0)
    assert (row.last_output_ns, row.first_output_ns) == (100_000, None)


def test_a_long_whole_answer_is_read_to_its_end() -> None:
    text = "x" * 100_000
    body = orjson.dumps({"choices": [{"message": {"content": text}}]})
    assert whole(body).fault() is None


def test_an_error_status_of_a_whole_answer_is_said_in_its_words() -> None:
    fault = whole(b'{"error":{"message":"no model x"}}', 404).fault()
    assert fault == ("http_404", "HTTP 404: no model x")
    assert whole(b"x" * 100_000, 500)._body is not None
    assert len(whole(b"x" * 100_000, 500)._body or b"") < 20_000


def test_the_sentences_of_answers_that_came_whole() -> None:
    assert answered(DONE).fault() == ("empty", "the answer has no output")
    fault = whole(b"{oops").fault()
    assert fault is not None
    assert fault[1].startswith("the answer cannot be read: ")


@pytest.mark.parametrize(
    ("status", "location", "says"),
    [
        (300, "/v2", "HTTP 300: the server redirects to /v2, which is not followed"),
        (399, "/v2", "HTTP 399: the server redirects to /v2, which is not followed"),
        (302, "", "HTTP 302: 'moved'"),
        (400, "/v2", "HTTP 400: 'moved'"),
        (503, "/v2", "HTTP 503: 'moved'"),
    ],
)
def test_a_redirection_is_named(status: int, location: str, says: str) -> None:
    answer = Answer(OpenAIChat())
    answer.accept(status, "text/plain", location=location)
    answer.on_body(1, b"moved")
    answer.close(2)
    assert answer.fault() == (f"http_{status}", says)


def test_an_answer_that_is_packed_is_not_read() -> None:
    for encoding in ("", "identity", "gzip"):
        answer = Answer(OpenAIChat())
        answer.accept(200, SSE, encoding)
        answer.on_body(1, TEXT + DONE)
        answer.close(2)
        says = "the answer is packed with gzip, which was not asked for"
        assert answer.fault() == (("encoded", says) if encoding == "gzip" else None)


def test_lines_of_json_are_read_as_their_dialect_says() -> None:
    answer = Answer(OllamaChat(), keep_text=True)
    answer.accept(200, "application/x-ndjson")
    answer.on_body(1, b'{"message":{"content":"a"}}\n{"message":{"content":"b"}}\n')
    answer.on_body(2, b'{"message":{"content":""},"done":true,"done_reason":"stop"}')
    answer.close(3)
    assert answer.fault() is None
    row = Row("r", 0, 0, "measure", 0)
    answer.timeline.fill(row, 0)
    assert (row.text, row.first_output_ns) == ("ab", 1)


class Typed(OpenAIChat):
    """Says the type of each event as its text."""

    def read(self, event_type: str, data: bytes) -> Delta:
        return Delta(text=f"({event_type})")


def test_a_dialect_is_told_the_type_of_each_event() -> None:
    answer = Answer(Typed(), keep_text=True)
    answer.accept(200, SSE)
    answer.on_body(5, b"data: 1\n\n")
    answer.on_body(7, b"event: ping\ndata: 2\n\nevent: end\ndata: 3\n")
    answer.close(8)
    row = Row("r", 0, 0, "measure", 0)
    answer.timeline.fill(row, 0)
    assert (row.text, row.first_output_ns) == ("()(ping)(end)", 5)


def test_more_of_a_whole_answer_than_can_be_held_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WHOLE_LIMIT_BYTES", 2**20)
    answer = Answer(OpenAIChat(), streamed=False)
    answer.accept(200, "application/json")
    answer.on_body(1, b" " * 2**20)
    with pytest.raises(WireError, match="the answer is larger than 1 MiB"):
        answer.on_body(2, b" ")


PIECES = st.sampled_from(
    [
        *(TEXT, ROLE, FINISH, USAGE, DONE, ERROR, BAD, b"data: \n\n", b"data: \xff\n\n"),
        *(b"data: {", b"a", b": hi\n\n", b"event: x\n", b"\r", b"\n", b"\r\n"),
        *(b"\xef\xbb\xbf", b'{"message":{"content":"a"}}\n'),
    ]
)


@pytest.mark.parametrize("dialect", [OpenAIChat(), OllamaChat()], ids=["sse", "ndjson"])
@pytest.mark.parametrize("content_type", [SSE, "application/x-ndjson", "text/html"])
@given(st.lists(PIECES, max_size=8))
def test_an_event_without_its_framing_is_the_same_answer(
    dialect: Dialect, content_type: str, pieces: list[bytes]
) -> None:
    """Whatever came before it, be it in the middle of an event or of another kind of answer."""
    whole, stripped = Answer(dialect, keep_text=True), Answer(dialect, keep_text=True)
    for made in (whole, stripped):
        made.accept(200, content_type)
        for at_ns, piece in enumerate(pieces):
            data = piece[len(b"data: ") : -len(b"\n\n")]
            if made is stripped and piece == b"data: " + data + b"\n\n":
                made.on_event(at_ns, data)
            else:
                made.on_body(at_ns, piece)
        made.close(100)
    assert stripped.fault() == whole.fault()
    rows = [Row("r", 0, 0, "measure", 0) for _ in range(2)]
    for made, row in zip((whole, stripped), rows, strict=True):
        made.timeline.fill(row, 0)
    assert rows[0] == rows[1]
