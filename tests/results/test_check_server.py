"""What of a server is a fault, and what mends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tailrace.results.check_server import (
    AddressLook,
    Listing,
    PathLook,
    ServerLook,
    TlsLook,
    ms,
    named,
    server_rows,
)
from tailrace.results.checks import Check
from tailrace.results.server_kind import ServerName

MS = 1_000_000
URL = "http://box:8000/v1"
GOOD = ServerLook(
    base_url=URL,
    host="box",
    port=8000,
    resolve_ns=MS,
    addresses=[AddressLook("10.0.0.7", MS)],
    listing=Listing(200, "", ("m", "n")),
    server=ServerName("vLLM", "0.11.0", "owned_by vllm", 256, "/metrics"),
    paths=[PathLook("chat", "/chat/completions", 400), PathLook("responses", "/responses", 404)],
)


def rows(**changes: Any) -> dict[str, Check]:
    return {row.name: row for row in server_rows(replace(GOOD, **changes))}


def test_a_good_server_is_green() -> None:
    found = rows()
    assert {row.status for row in found.values()} == {"ok"}
    assert list(found) == ["name", "connect", "API", "software", "own limits", "APIs"]
    assert {row.group for row in found.values()} == {f"server {URL}"}
    assert found["software"].found == "vLLM 0.11.0 (by owned_by vllm)"
    assert found["own limits"].found == "256 answers at a time (/metrics)"
    assert found["APIs"].found == "chat"


@pytest.mark.parametrize(
    ("name", "status", "changes", "found", "fix"),
    [
        (
            "name",
            "fail",
            {"resolve_problem": "'box' cannot be resolved: unknown", "addresses": []},
            "'box' cannot be resolved",
            "--url",
        ),
        ("name", "warn", {"resolve_ns": 900 * MS}, "900 ms", "write the address"),
        (
            "connect",
            "fail",
            {"addresses": [AddressLook("10.0.0.7", None, "refused", True)]},
            "10.0.0.7: refused",
            "start the server",
        ),
        (
            "connect",
            "fail",
            {"addresses": [AddressLook("10.0.0.7", None, "no answer in 3 s")]},
            "no answer",
            "firewall",
        ),
        ("connect", "warn", {"addresses": [AddressLook("a", 250 * MS)]}, "250 ms", "nearer"),
        ("TLS", "fail", {"tls": TlsLook("not trusted", True)}, "not trusted", "--ca-file"),
        ("TLS", "fail", {"tls": TlsLook("no handshake")}, "no handshake", "http://"),
        (
            "TLS",
            "warn",
            {"tls": TlsLook(version="TLSv1.3", days_left=3.2)},
            "3 days left",
            "renewed",
        ),
        (
            "TLS",
            "warn",
            {"tls": TlsLook(version="TLSv1.3"), "insecure": True},
            "not checked",
            "--ca-file",
        ),
        ("API", "fail", {"listing": Listing(401)}, "HTTP 401", "OPENAI_API_KEY"),
        ("API", "fail", {"listing": Listing(403), "key_given": True}, "HTTP 403", "not taken"),
        ("API", "fail", {"listing": Listing(503)}, "HTTP 503", "ready"),
        ("API", "fail", {"listing": Listing(None, "silence")}, "silence", "log"),
        ("API", "warn", {"listing": Listing(404)}, "HTTP 404", "/v1"),
        ("API", "warn", {"listing": Listing(200)}, "no list", "--model"),
        ("APIs", "fail", {"paths": [PathLook("chat", "/chat", 404)]}, "/chat", "/v1"),
    ],
)
def test_a_fault_names_what_mends_it(
    name: str, status: str, changes: dict[str, Any], found: str, fix: str
) -> None:
    changed = rows(**changes)
    row = changed[name]
    assert row.status == status
    assert found in row.found
    assert fix in row.fix
    assert row.fix[0].islower(), "an instruction that follows a colon"
    if status == "fail":
        assert list(changed)[-1] == name  # what follows would only repeat it


def test_a_name_whose_first_address_is_dead_is_yellow() -> None:
    dead, alive = AddressLook("::1", None, "refused", True), AddressLook("127.0.0.1", MS)
    row = rows(host="localhost", addresses=[dead, alive])["name"]
    assert row.status == "warn"
    assert "::1, 127.0.0.1" in row.found
    assert row.fix.startswith("write 127.0.0.1 in place of localhost in --url")
    other = rows(addresses=[replace(alive, connect_ns=None), replace(dead, connect_ns=MS)])
    assert "write [::1] in place of box" in other["name"].fix


def test_a_certificate_that_lasts_is_green() -> None:
    row = rows(tls=TlsLook(version="TLSv1.3", handshake_ns=2 * MS, days_left=80.0))["TLS"]
    assert (row.status, row.found) == ("ok", "TLSv1.3, handshake 2 ms, certificate for 80 days")


@pytest.mark.parametrize(
    ("changes", "reached", "usable"),
    [
        ({}, True, True),
        ({"addresses": []}, False, False),
        ({"tls": TlsLook("no handshake")}, False, False),
        ({"listing": Listing(401)}, True, False),
        ({"listing": Listing(404)}, True, True),
        ({"listing": Listing(None, "silence")}, True, True),
        ({"listing": Listing(None, "silence"), "paths": [PathLook("chat", "/")]}, True, False),
    ],
)
def test_whether_it_is_worth_asking(changes: dict[str, Any], reached: bool, usable: bool) -> None:
    look = replace(GOOD, **changes)
    assert (look.reached, look.usable) == (reached, usable)


def test_a_gate_before_all_paths_tells_nothing_of_them() -> None:
    row = rows(paths=[PathLook("chat", "/chat", 401), PathLook("responses", "/r", 404)])["APIs"]
    assert (row.status, row.found) == ("ok", "not told to this key")


def found(name: str, **changes: Any) -> tuple[str, str, str]:
    row = rows(**changes)[name]
    return row.status, row.found, row.fix


def test_what_a_green_row_says() -> None:
    assert found("name") == ("ok", "box is 10.0.0.7 (1 ms)", "")
    assert found("name", literal=True) == ("ok", "box is an address", "")
    assert rows(literal=True)["name"].group == f"server {URL}"
    assert found("connect") == ("ok", "TCP to 10.0.0.7 port 8000 in 1 ms", "")
    assert found("API") == ("ok", "2 models: m, n", "")
    assert found("API", listing=Listing(200, "", ("m",))) == ("ok", "1 model: m", "")
    both = [PathLook("chat", "/chat", 400), PathLook("responses", "/responses", 200)]
    assert found("APIs", paths=both) == ("ok", "chat, responses", "")


@pytest.mark.parametrize(
    ("server", "software", "limits"),
    [
        (ServerName(), "not known", "not told by this server"),
        (ServerName("vLLM", ""), "vLLM", "not told by this server"),
        (ServerName(told_by="server: uvicorn"), "not known (by server: uvicorn)", None),
        (
            ServerName("vLLM", "1", "x", 4, "/props", {"context": 8192, "batch": 2}),
            "vLLM 1 (by x)",
            "4 answers at a time (/props), context 8192, batch 2",
        ),
    ],
)
def test_what_a_server_says_of_itself(
    server: ServerName, software: str, limits: str | None
) -> None:
    assert found("software", server=server)[1] == software
    assert limits is None or found("own limits", server=server)[1] == limits


@pytest.mark.parametrize(
    ("name", "well", "ill"),
    [
        ("name", {"resolve_ns": 100 * MS}, {"resolve_ns": 100 * MS + 1}),
        (
            "connect",
            {"addresses": [AddressLook("a", 100 * MS)]},
            {"addresses": [AddressLook("a", 100 * MS + 1)]},
        ),
        ("TLS", {"tls": TlsLook(days_left=14.0)}, {"tls": TlsLook(days_left=13.9)}),
        ("TLS", {"tls": TlsLook(days_left=14.0)}, {"tls": TlsLook()}),
        ("TLS", {"tls": TlsLook(days_left=90)}, {"tls": TlsLook(days_left=90), "insecure": True}),
    ],
)
def test_where_green_ends(name: str, well: dict[str, Any], ill: dict[str, Any]) -> None:
    assert (rows(**well)[name].status, rows(**ill)[name].status) == ("ok", "warn")


def test_a_servers_own_error_is_a_fault_and_one_of_the_path_is_none() -> None:
    assert rows(listing=Listing(500))["API"].status == "fail"
    assert rows(listing=Listing(499))["API"].status == "warn"


def test_every_address_that_fails_is_named_with_its_reason() -> None:
    dead = [AddressLook("::1", None, "refused", True), AddressLook("127.0.0.1", None, "silent")]
    said = "port 8000: ::1: refused; 127.0.0.1: silent"
    assert found("connect", addresses=dead)[1] == said
    asked = [PathLook("chat", "/chat", 404), PathLook("completions", "/completions", 405)]
    assert found("APIs", paths=asked)[1] == "none answers of /chat, /completions"
    said = f"{URL}/models: silence"
    assert found("API", listing=Listing(None, "silence"))[1] == said


def test_times_are_short_and_never_in_powers() -> None:
    assert [ms(one * MS) for one in (0.01234, 999.4, 1000, 1234.5, 100_000)] == [
        *("0.0123 ms", "999 ms", "1000 ms", "1234 ms", "100000 ms")
    ]


def test_long_lists_are_cut() -> None:
    assert named(("a", "b")) == "a, b"
    assert named(tuple("abcdefgh")) == "a, b, c, d, e, f, g, h"
    assert named(tuple("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"
