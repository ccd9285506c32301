"""Rows of ``tailrace check`` about a model: listed, answering, really streaming, counted. Pure.

Rule: what a run would stumble over is FAIL; what it would measure all the same, with less to say,
is WARN. A model that does not answer has no further rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from tailrace.results.check_server import Listing, ms, named
from tailrace.results.checks import Check, Status
from tailrace.results.schema import Row

LUMP_SHARE = 0.95
"""First output after this part of the whole time: the answer came at once, at its end."""
LUMP_GAP_NS = 200_000
"""And chunks that come closer than this were ready before: no model writes 5,000 a second."""
LUMP_CHUNKS = 4
"""Fewer chunks than these can come close together by chance."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One probe."""

    row: Row
    done: bool
    """The stream said that it is over ([DONE], or its API's own mark)."""


@dataclass(slots=True)
class ModelLook:
    """What was seen of one model."""

    alias: str
    """Its name in the reports."""
    model: str
    """Its id on the server."""
    base_url: str
    streamed: bool = True
    usage_asked: bool = True
    dialect: str = "openai-chat"
    """In which words it is asked; at first what was wished, ``auto`` as well."""
    dialect_from: str = ""
    """The sign by which ``auto`` found it; empty where it was not looked for."""
    listing: Listing | None = None
    first: Seen | None = None
    second: Seen | None = None
    plain: Seen | None = None
    """Asked once more without ``stream_options``, where the server refused the first."""
    not_asked: str = ""
    """Why there was no probe."""
    command: str = ""
    """The program that a run starts for it; it is not started here."""
    command_found: bool = False

    @property
    def group(self) -> str:
        """Name of its rows' group."""
        return f"model {self.alias}"

    @property
    def answers(self) -> bool:
        """Whether a burst is worth sending."""
        return self.first is not None and self.first.row.outcome == "ok"


def model_rows(look: ModelLook) -> list[Check]:
    """Every row of the group but that of the burst."""
    rows = [*_command(look), *_listed(look), *_loaded(look), *_dialect(look), *_answers(look)]
    if look.answers and look.first is not None:
        if look.streamed:
            rows += _streams(look, look.first.row)
        rows += [*_end(look, look.first), *_tokens(look, look.first.row), *_keeps(look)]
    return rows


def _row(look: ModelLook, name: str, status: Status, found: str, fix: str = "") -> Check:
    return Check(look.group, name, status, found, fix)


def _command(look: ModelLook) -> Iterator[Check]:
    if look.command and look.command_found:
        yield _row(look, "serve", "ok", f"{look.command} is there; the run starts it, not check")
    elif look.command:
        fix = "install it, or give its whole path in 'serve' of the models file"
        yield _row(look, "serve", "fail", f"{look.command} is not a program on this machine", fix)


def _listed(look: ModelLook) -> Iterator[Check]:
    ids = look.listing.ids if look.listing is not None else ()
    if not ids:
        return
    if look.model in ids:
        yield _row(look, "listed", "ok", f"as {look.model}")
        return
    found = f"{look.base_url} lists no {look.model}"
    fix = f"give one of these with --model: {named(ids)}"
    status: Status = "warn" if look.answers else "fail"  # aliases and adapters may be unlisted
    yield _row(look, "listed", status, found, fix)


def _loaded(look: ModelLook) -> Iterator[Check]:
    listing = look.listing
    if listing is None or (listing.loaded is None and listing.cached is None):
        return
    loaded, cached = listing.loaded or (), listing.cached
    if look.model in loaded:
        yield _row(look, "loaded", "ok", "the server says so")
    elif cached is not None and look.model not in cached:
        fix = "have the server download it before the run"
        yield _row(look, "loaded", "warn", "no, and it is not on the server's disk", fix)
    else:
        others = f"; loaded: {named(loaded)}" if loaded else ""
        fix = "load it before the run, or leave time for its first request (--idle-timeout)"
        yield _row(look, "loaded", "warn", f"not when it was listed{others}", fix)


def _dialect(look: ModelLook) -> Iterator[Check]:
    if look.first is not None:
        how = f" ({look.dialect_from})" if look.dialect_from else ""
        yield _row(look, "dialect", "ok", f"{look.dialect}{how}")


def _answers(look: ModelLook) -> Iterator[Check]:
    if look.first is None:
        if look.not_asked:
            fix = "give check more time with --within" if "--within" in look.not_asked else ""
            yield _row(look, "answers", "warn", look.not_asked, fix or "see the rows above")
        return
    row = look.first.row
    second = look.second.row if look.second is not None else row
    if row.outcome == "ok" and second.outcome in ("ok", "cancelled"):
        yield _row(look, "answers", "ok", _times(look))
        return
    if row.outcome == "ok":
        found = f"only the first of two requests: {second.error or second.outcome}"
        yield _row(look, "answers", "fail", found, _mend(look, second))
        return
    found = row.error or f"no whole answer in time ({row.outcome})"
    if look.plain is not None and look.plain.row.outcome == "ok":
        fix = "give --no-stream-usage: without stream_options it answers"
        yield _row(look, "answers", "fail", found, fix)
    else:
        yield _row(look, "answers", "fail", found, _mend(look, row))


def _mend(look: ModelLook, row: Row) -> str:
    """What to do about a probe that failed, by its class."""
    kind = row.error_class or row.outcome
    if kind in ("http_401", "http_403"):
        return "give the key as OPENAI_API_KEY or with --api-key-file"
    if kind == "http_404":
        ids = look.listing.ids if look.listing is not None else ()
        if ids and look.model not in ids:
            return f"give one of these with --model: {named(ids)}"
        return "check the path of --url (most servers want /v1) and the name in --model"
    if kind == "http_429":
        return "wait, or have the rate limit of this key raised"
    if kind == "not_sse":
        return "give --no-stream if it only answers whole, or the URL of a chat API"
    if kind == "not_json":
        return "leave --no-stream out if it always streams, or give the URL of a chat API"
    if kind == "cancelled":
        return "give check more time with --within, or load the model first"
    if kind == "empty":
        return "give more --probe-tokens; if it stays empty, see the model's chat template"
    return "see the server's log for this request"


def _times(look: ModelLook) -> str:
    """``TTFT 210 ms, then 35 ms; gap 20 ms`` of the probes, or how long the whole answers took."""
    seen = [one.row for one in (look.first, look.second) if one is not None]
    rows = [row for row in seen if row.outcome == "ok" and row.sent_ns is not None]
    name = "TTFT" if look.streamed else "whole answer"
    points = [row.first_output_ns if look.streamed else row.closed_ns for row in rows]
    waits = [
        ms(at_ns - (row.sent_ns or 0))
        for at_ns, row in zip(points, rows, strict=True)
        if at_ns is not None
    ]
    gaps = [gap for row in rows for gap in row.gaps_ns]
    gap = f", gap p50 {ms(median(gaps))}" if gaps else ""
    return f"{name} {', then '.join(waits)}{gap}"


def _streams(look: ModelLook, row: Row) -> Iterator[Check]:
    sent_ns, first_ns, last_ns = row.sent_ns or 0, row.first_output_ns or 0, row.last_output_ns or 0
    moments = 1 + sum(gap > 0 for gap in row.gaps_ns)
    came = f"{row.chunks} chunk{'s' * (row.chunks != 1)} in {moments} read{'s' * (moments != 1)}"
    spread = f"{came} over {ms(last_ns - first_ns)}"
    silence_ns, whole_ns = first_ns - sent_ns, last_ns - sent_ns
    late = silence_ns > LUMP_SHARE * whole_ns
    if row.chunks < LUMP_CHUNKS:
        fix = "give more --probe-tokens to see more of it"
        yield _row(look, "streams", "warn", f"{came}, too few to tell", fix)
    elif late and median(row.gaps_ns) < LUMP_GAP_NS:
        found = f"{spread}, after {ms(silence_ns)} of silence: all of it came at the end"
        fix = (
            "switch off what gathers the answer (a proxy's buffering, as nginx's proxy_buffering), "
            "or ask with --no-stream: TTFT means nothing here"
        )
        yield _row(look, "streams", "fail", found, fix)
    elif 2 * moments < row.chunks:
        fix = "read ICL as of lumps: the server or a proxy writes several chunks at a time"
        yield _row(look, "streams", "warn", spread, fix)
    else:
        yield _row(look, "streams", "ok", spread)


def _end(look: ModelLook, seen: Seen) -> Iterator[Check]:
    reason = seen.row.finish_reason
    found = f"finish reason {reason}" if reason else "no finish reason"
    if look.streamed:
        found += ", end of stream said" if seen.done else ", no [DONE]"
    if reason and (seen.done or not look.streamed):
        yield _row(look, "end", "ok", found)
    else:
        fix = "nothing a run needs; but an answer that breaks off is harder to tell from a whole"
        yield _row(look, "end", "warn", found, fix)


def _tokens(look: ModelLook, row: Row) -> Iterator[Check]:
    if row.token_source != "usage":
        found = f"no usage in the answer; {row.chunks} chunks counted"
        fix = (
            "have the server send usage (stream_options.include_usage); else token rates are "
            "rates of chunks"
        )
        if not look.usage_asked:
            fix = "leave --no-stream-usage out, unless the server refuses it"
        yield _row(look, "tokens", "warn", found, fix)
        return
    cached = f", {row.cached_tokens} from its cache" if row.cached_tokens else ""
    found = f"usage: {row.input_tokens or 0} in{cached}, {row.output_tokens} out"
    if not look.streamed or row.output_tokens == row.chunks:
        equal = f", one a chunk ({row.chunks})" if look.streamed else ""
        yield _row(look, "tokens", "ok", found + equal)
    else:
        fix = "read ICL as between chunks, TPOT as between tokens: here they differ"
        yield _row(
            look, "tokens", "warn", f"{found}, in {row.chunks} chunk{'s' * (row.chunks != 1)}", fix
        )


def _keeps(look: ModelLook) -> Iterator[Check]:
    """Whether the second probe went over the first one's connection."""
    second = look.second
    if second is None or second.row.reused is None:
        return
    if second.row.reused:
        yield _row(look, "connection", "ok", "kept for the next request")
        return
    begin_ns, end_ns = second.row.connect_begin_ns, second.row.connect_end_ns
    cost = ms(end_ns - begin_ns) if begin_ns is not None and end_ns is not None else "a connect"
    fix = (
        "switch the server's (or proxy's) keep-alive on where it has one; the run times the "
        "connect apart from TTFT"
    )
    found = f"closed after each answer, so each request pays {cost}"
    yield _row(look, "connection", "warn", found, fix)
