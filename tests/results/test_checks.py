"""Rows and report of a check."""

from __future__ import annotations

from tailrace.results.checks import Check, Report, failure_line, groups_of

GREEN = Check("this machine", "clock", "ok", "fine")
YELLOW = Check("server u", "name", "warn", "two addresses", "write one")
RED = Check("server u", "connect", "fail", "refused", "start the server")
LATER = Check("model m", "answers", "fail", "HTTP 500", "see the log")


def test_the_first_failure_is_what_is_named() -> None:
    report = Report([GREEN, YELLOW, RED, LATER])
    assert report.first_failure is RED
    assert failure_line(RED) == "server u, connect: refused; start the server"
    assert report.counts == {"ok": 1, "warn": 1, "fail": 2}


def test_yellow_rows_do_not_fail() -> None:
    report = Report([GREEN, YELLOW])
    assert report.first_failure is None
    assert report.to_dict()["passed"] is True


def test_the_document_has_the_rows_and_what_was_sent() -> None:
    document = Report([GREEN, RED], requests=10, lookups=17, took_s=1.5).to_dict()
    assert document["schema"] == "tailrace.check/1"
    assert document["passed"] is False
    assert document["first_failure"]["name"] == "connect"
    assert (document["requests"], document["lookups"], document["took_s"]) == (10, 17, 1.5)
    assert document["rows"][0] == {
        "group": "this machine",
        "name": "clock",
        "status": "ok",
        "found": "fine",
        "fix": "",
    }


def test_groups_keep_their_order() -> None:
    rows = [RED, GREEN, YELLOW]
    assert groups_of(rows) == [("server u", [RED, YELLOW]), ("this machine", [GREEN])]
