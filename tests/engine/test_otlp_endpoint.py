"""Where spans are sent: ``--to`` and OpenTelemetry's own variables."""

from __future__ import annotations

import pytest

from tailrace.engine.otlp_endpoint import OtlpEndpoint, otlp_endpoint
from tailrace.errors import UsageError

URL = "http://127.0.0.1:4318"
BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
OF_TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"


@pytest.mark.parametrize(
    ("to", "environment", "url"),
    [
        (URL, {}, f"{URL}/v1/traces"),
        (f"{URL}/", {}, f"{URL}/v1/traces"),
        (f"{URL}/v1/traces", {}, f"{URL}/v1/traces"),
        ("https://h/otlp", {}, "https://h/otlp/v1/traces"),
        ("https://h/otlp?a=b", {}, "https://h/otlp/v1/traces?a=b"),
        (None, {BASE: f"{URL}/x/"}, f"{URL}/x/v1/traces"),
        (None, {BASE: "http://other", OF_TRACES: f"{URL}/take"}, f"{URL}/take"),
        (None, {BASE: URL, OF_TRACES: ""}, f"{URL}/v1/traces"),
        (URL, {BASE: "http://other", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, f"{URL}/v1/traces"),
    ],
)
def test_the_url(to: str | None, environment: dict[str, str], url: str) -> None:
    assert otlp_endpoint(to, environment).url == url


def test_everything_else_by_the_specifications_variables() -> None:
    found = otlp_endpoint(
        URL,
        {
            HEADERS: "Authorization=Bearer%20s3cret%2C1, x-scope = tenant,",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        },
    )
    assert found == OtlpEndpoint(
        f"{URL}/v1/traces",
        (("authorization", "Bearer s3cret,1"), ("x-scope", "tenant")),
        *(2.5, True, True, "ca.pem", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
    )
    said = found.without_secrets("no Bearer s3cret,1; s3cret,1 is not of tenant")
    assert said == "no …; … is not of …"


@pytest.mark.parametrize(
    ("to", "environment", "said"),
    [
        ("127.0.0.1:4318", {}, "--to '127.0.0.1:4318' is not a URL like http://127.0.0.1:4318"),
        ("http://u:s3cret@h", {}, "--to must not hold a user or password; give it in OTEL_"),
        ("http://h?api_key=s3cret", {}, r"--to must not hold a secret \(api_key=…\); give it in"),
        (None, {}, f"--to env: {BASE} is not set"),
        (None, {BASE: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "sends by HTTP"),
        (URL, {HEADERS: "a=b,s3cret"}, f"{HEADERS}: header 2 is not written key=value"),
        (URL, {HEADERS: "a=s3cret%0d%0ax:y"}, "header 1"),
        (URL, {HEADERS: "a b=s3cret"}, "header 1"),
        (URL, {"OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, "must be milliseconds"),
        (URL, {"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"}, "must be gzip or none"),
    ],
)
def test_bad_input_is_named_and_no_secret_repeated(
    to: str | None, environment: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        otlp_endpoint(to, environment)
    assert "s3cret" not in str(caught.value)
