"""Spans as protobuf: without its package that is a sentence, and what is no answer is empty."""

from __future__ import annotations

import sys

import pytest

from tailrace.engine.otlp_protobuf import OtlpProtobuf
from tailrace.errors import UsageError


def test_without_its_package_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.collector.trace.v1", None)
    with pytest.raises(UsageError) as caught:
        OtlpProtobuf()
    assert str(caught.value) == (
        "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf needs opentelemetry-proto: "
        "pip install 'tailrace[otel]', or set it to http/json"
    )


def test_what_is_no_answer_is_empty() -> None:
    assert OtlpProtobuf().decode(b"\xff\xff") == {}
    assert OtlpProtobuf().decode(b"") == {}
