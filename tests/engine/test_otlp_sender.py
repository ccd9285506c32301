"""Sending spans to a collector that reads them with OpenTelemetry's own messages."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from tailrace.engine.otlp_endpoint import OtlpEndpoint
from tailrace.engine.otlp_sender import TRIES, OtlpSender, Sent
from tailrace.errors import TargetError, UsageError
from tailrace.results.export.chosen import chosen
from tailrace.results.export.otlp import BATCH, otlp_batches

from ..collector import TAKEN, Answer, collector
from ..results.builders import MS, row, run_folder
from ..results.export.runs import finished
from ..threaded import nobody

KEY = ("authorization", "Bearer s3cret-key")


def busy(status: int = 503, **headers: str) -> Answer:
    return (status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


def send(path: Path, endpoint: OtlpEndpoint, waits: list[float] | None = None) -> Sent:
    run = chosen(path)
    said: list[str] = []
    slept = [] if waits is None else waits
    sent = OtlpSender(endpoint, said.append, slept.append).send(otlp_batches(run.facts, run.rows()))
    assert len(said) == len(slept)
    return sent


@pytest.fixture
def run(tmp_path: Path) -> Path:
    finished(tmp_path / "run")
    return tmp_path / "run"


def test_spans_arrive_whole_and_the_same_each_time(run: Path) -> None:
    with collector() as found:
        endpoint = OtlpEndpoint(f"{found.url}/v1/traces", (KEY,))
        assert send(run, endpoint) == Sent(batches=1, spans=4)
        assert send(run, replace(endpoint, gzip=True)) == Sent(batches=1, spans=4)
    assert found.batches[0] == found.batches[1]
    (path, headers), _ = found.asked
    assert (path, headers["authorization"]) == ("/v1/traces", "Bearer s3cret-key")
    resource = found.batches[0].resource_spans[0].resource
    told = {each.key: each.value.string_value for each in resource.attributes}
    assert (told["service.name"], told["tailrace.model"]) == ("tailrace", "m")
    spans = {
        each.value.string_value: span
        for span in found.spans[:4]
        for each in span.attributes
        if each.key == "tailrace.request.id"
    }
    assert len({span.trace_id for span in spans.values()}) == 4
    facts = chosen(run).facts
    assert spans["a"].start_time_unix_nano == facts.origin_wall_ns
    assert [event.time_unix_nano - facts.origin_wall_ns for event in spans["a"].events] == [
        100 * MS,
        130 * MS,
    ]
    assert (spans["b"].status.code, spans["b"].status.message) == (2, "late")


def test_protobuf_is_the_same_spans(run: Path) -> None:
    some = ExportTracePartialSuccess(rejected_spans=2, error_message="too old")
    said = ExportTraceServiceResponse(partial_success=some).SerializeToString()
    with collector([TAKEN, (200, {}, said), (200, {}, b"\xff"), (400, {}, b"")]) as found:
        endpoint = OtlpEndpoint(f"{found.url}/v1/traces")
        as_json = send(run, endpoint)
        endpoint = replace(endpoint, protobuf=True)
        assert send(run, endpoint) == replace(as_json, rejected=2, words=["too old"])
        assert send(run, endpoint) == as_json
        with pytest.raises(TargetError, match=r"HTTP 400$"):
            send(run, endpoint)
    assert found.asked[1][1]["content-type"] == "application/x-protobuf"
    assert found.batches[0] == found.batches[1]


def test_many_spans_go_in_bounded_batches(tmp_path: Path) -> None:
    run_folder(tmp_path, [row(n, 1, (), id=str(n)) for n in range(BATCH + 1)]).rebuild()
    with collector() as found:
        assert send(tmp_path, OtlpEndpoint(found.url)) == Sent(batches=2, spans=BATCH + 1)
    assert [len(b.resource_spans[0].scope_spans[0].spans) for b in found.batches] == [BATCH, 1]
    assert len({span.span_id for span in found.spans}) == BATCH + 1


def test_what_may_pass_is_sent_again_after_the_wait_that_was_asked(run: Path) -> None:
    waits: list[float] = []
    moment = "Thu, 01 Jan 2026 00:00:{:02}"
    answers = [
        busy(429, retry_after="7"),
        busy(503, retry_after=moment.format(9) + " GMT", date=moment.format(0) + " GMT"),
        busy(502),
    ]
    with collector(answers) as found:
        assert send(run, OtlpEndpoint(found.url), waits).spans == 4
    assert waits[:2] == [7, 9]
    assert 4 <= waits[2] <= 5  # doubled twice, and a little more
    assert len(found.batches) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_it_gives_up(run: Path, status: int) -> None:
    waits: list[float] = []
    with collector([busy(status)] * TRIES) as found, pytest.raises(TargetError) as caught:
        send(run, OtlpEndpoint(found.url), waits)
    assert (len(found.asked), len(waits)) == (TRIES, TRIES - 1)
    assert caught.value.error_class == f"http_{status}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, b'{"message": "who is s3cret-key?"}'), "401: 'who is …?'; give the key in OTEL"),
        ((403, {}, b"no\nway Bearer s3cret-key"), "403: 'no way …'; check the key"),
        ((404, {}, b""), "404; name the collector's OTLP/HTTP address"),
        ((400, {}, b"\x00\xff"), "400; it may take protobuf only"),
        ((415, {}, b""), "415; it takes protobuf only"),
        ((500, {}, b""), "answers HTTP 500"),
        ((201, {"content-type": "text/html"}, b"<p>"), "answers with a web page; name the"),
        ((307, {"location": "http://elsewhere"}, b""), "answers HTTP 307"),
        (busy(429, retry_after="600"), "asks to wait 600 s"),
    ],
)
def test_what_will_not_pass_is_one_sentence(run: Path, answer: Answer, said: str) -> None:
    with collector([answer]) as found, pytest.raises(TargetError) as caught:
        send(run, OtlpEndpoint(found.url, (KEY,)))
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert len(found.asked) == 1


def test_what_was_sent_before_a_failure_is_told(tmp_path: Path) -> None:
    run_folder(tmp_path, [row(n, 1, (), id=str(n)) for n in range(BATCH + 1)]).rebuild()
    with (
        collector([TAKEN, busy(500)]) as found,
        pytest.raises(TargetError, match=rf"\({BATCH} spans were sent before\)"),
    ):
        send(tmp_path, OtlpEndpoint(found.url))


@pytest.mark.parametrize("rejected", ["3", 3])
def test_partial_success(run: Path, rejected: int | str) -> None:
    said = f'{{"partialSuccess": {{"rejectedSpans": {rejected!r}, "errorMessage": "too old"}}}}'
    with collector([(200, {}, said.replace("'", '"').encode())]) as found:
        assert send(run, OtlpEndpoint(found.url)) == Sent(1, 4, 3, ["too old"])


def test_nobody_there(run: Path) -> None:
    waits: list[float] = []
    with (
        nobody() as url,
        pytest.raises(TargetError, match=r"cannot be reached .* is a collector running"),
    ):
        send(run, OtlpEndpoint(url), waits)
    assert waits == []


def test_one_that_is_silent_is_asked_again(run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        waits: list[float] = []
        with pytest.raises(TargetError, match=r"did not answer in 0.05 s"):
            send(run, OtlpEndpoint(url, timeout_s=0.05), waits)
    assert len(waits) == TRIES - 1


def test_a_ca_file_that_is_none(run: Path) -> None:
    with pytest.raises(UsageError, match=r"THE_VARIABLE 'nope\.pem' cannot be used"):
        send(run, OtlpEndpoint("https://h", ca_file="nope.pem", ca_from="THE_VARIABLE"))
