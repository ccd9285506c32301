"""The endpoint: routes, refusals, slots, and the truth of what was done.

Rule: a completion request enters the truth when it is read and leaves it once, however it ends.
The endpoint's own questions (/health, /truth, /v1/models) are answered at once and not counted.
Why: the counts of requests in flight and of connections judge a load generator's concurrency.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import deque
from collections.abc import Callable

import orjson

from tailrace.simulate import answers, ask, asks, chunks, embeddings, faults, metrics
from tailrace.simulate.connection import Connection, Request
from tailrace.simulate.door import Door
from tailrace.simulate.pace import Pace
from tailrace.simulate.played import Played
from tailrace.simulate.script import Script, plan, script_values
from tailrace.simulate.truth import Record, Truth

FAULT_HEADER = b"x-simulate-fault"
_EMBEDDINGS = b"/v1/embeddings"
_ANSWERED = (b"/v1/chat/completions", _EMBEDDINGS, *asks.READERS)
_STRIKES: dict[faults.At, tuple[faults.At, ...]] = {
    "request": ("request", "reuse"),
    "reuse": ("reuse",),
    "head": ("head",),
    "connect": ("connect",),
    "listener": ("request", "reuse"),
}
"""Where a fault strikes, by what it is made for; a first request is "request", a later "reuse"."""


class Server:
    """The handler of every connection."""

    def __init__(self, script: Script, pace: Pace, host: str, port: int) -> None:
        self.script = script
        self.door = Door(lambda: Connection(self), host, port)
        self.truth = Truth(script.truth_limit)
        self._pace = pace
        self._open: dict[Connection, answers.Answer | None] = {}
        self._queue: deque[answers.Answer] = deque()
        self._serving = 0
        self._prompt_tokens = self._generated_tokens = 0
        """Of answers that have ended."""

    # The connection's calls.

    def opened(self, connection: Connection) -> int:
        """Number the client."""
        self._open[connection] = None
        self.truth.accepted += 1
        fault = self._fault("connect", {}, self.truth.accepted)
        if fault is not None:
            ending = {"reset": connection.reset, "close": connection.close}
            asyncio.get_running_loop().call_soon(ending.get(fault.then, connection.ignore))
        return self.truth.accepted

    def head(self, connection: Connection, target: bytes, headers: dict[bytes, bytes]) -> None:
        """Answer before the request is whole, where that is the script's fault."""
        number = self.truth.requests + 1
        fault = self._fault("head", {}, number)
        if fault is None or target.partition(b"?")[0] not in _ANSWERED:
            return
        now = time.perf_counter_ns()
        name = headers.get(b"x-request-id", b"").decode("latin-1")
        record = self.truth.received(name or None, connection.number, True, now, now)
        record.fault = fault.name
        connection.ignore()
        self._at_once(connection, record, fault.status, _fault_message(fault, "", says_close=True))

    def closed(self, connection: Connection) -> None:
        """Free what the client held."""
        answer = self._open.pop(connection, None)
        if answer is not None:
            answer.left()

    def malformed(self, connection: Connection) -> None:
        """Refuse what is not HTTP, unless an answer is under way."""
        if self._open.get(connection) is not None:
            connection.abort()
            return
        refusal = ask.Refusal(400, "The request is not HTTP/1.1.")
        connection.send(chunks.json_message(400, refusal.body(), says_close=True))
        connection.close()

    def request(self, connection: Connection, request: Request) -> None:
        """Find the route."""
        path, _, query = request.target.partition(b"?")
        if path in _ANSWERED and request.method == b"POST":
            self._complete(connection, request)
            return
        close = not request.keep_alive
        if self.script.metrics and (path, request.method) == (metrics.PATH, b"GET"):
            text = metrics.metrics_text(self._counts())
            connection.send(chunks.message(200, metrics.CONTENT_TYPE, text, says_close=close))
            connection.answered(keep=request.keep_alive)
            return
        status, body = self._plain(request.method, path, query)
        connection.send(chunks.json_message(status, body, says_close=close))
        connection.answered(keep=request.keep_alive)

    def _plain(self, method: bytes, path: bytes, query: bytes) -> tuple[int, bytes]:
        """The status and body of anything but a completion."""
        if path == b"/truth" and method == b"DELETE":
            self.truth.reset()
            return 200, b'{"status":"reset"}'
        if path == b"/truth" and method == b"GET":
            return 200, self._truth_body(records=b"requests=0" not in query.split(b"&"))
        if path == b"/health" and method == b"GET":
            return 200, b'{"status":"ok"}'
        if path == b"/v1/models" and method == b"GET":
            return 200, _models_body(self.script.models)
        known = (*_ANSWERED, b"/truth", b"/health", b"/v1/models")
        status = 405 if path in known else 404
        line = f"Invalid URL ({method.decode('latin-1')} {path.decode('latin-1')})"
        return status, ask.Refusal(status, line).body()

    def _truth_body(self, *, records: bool) -> bytes:
        script = script_values(self.script)
        if script["api_key"] is not None:
            script["api_key"] = "(set)"
        return orjson.dumps({"script": script} | self.truth.values(records=records))

    # Completions.

    def _complete(self, connection: Connection, request: Request) -> None:
        """Record the request, then refuse it, fault it, or answer it."""
        name = request.headers.get(b"x-request-id")
        first = connection.epoch != self.truth.epoch
        connection.epoch = self.truth.epoch
        record = self.truth.received(
            name.decode("latin-1") if name else None,
            connection.number,
            first,
            request.arrived_ns,
            request.received_ns,
        )
        wanted = self._read(request)
        if isinstance(wanted, ask.Refusal):
            message = chunks.json_message(
                wanted.status, wanted.body(), says_close=not request.keep_alive
            )
            self._at_once(connection, record, wanted.status, message, request.keep_alive)
            return
        fault = self._fault("request" if first else "reuse", request.headers, record.number)
        record.fault = None if fault is None else fault.name
        if fault is not None and fault.at == "listener":
            self._shut(record, fault)
            return
        if fault is not None and (fault.status != 200 or fault.page):
            message = _fault_message(fault, wanted.model, says_close=not request.keep_alive)
            self._at_once(connection, record, fault.status, message, request.keep_alive)
            return
        self._enter(self._answer(connection, record, wanted, fault, request.keep_alive))

    def _read(self, request: Request) -> ask.Ask | ask.Refusal:
        key = self.script.api_key
        if key is not None:
            bare = request.headers.get(b"x-api-key", b"")
            given = request.headers.get(b"authorization", b"Bearer " + bare)
            if not hmac.compare_digest(given, b"Bearer " + key.encode()):
                return ask.UNAUTHORIZED
        named = request.headers.get(FAULT_HEADER)
        known = None if named is None else faults.CATALOGUE.get(named.decode("latin-1"))
        if named is not None and (known is None or known.at != "request"):
            return ask.Refusal(400, f"unknown fault in {FAULT_HEADER.decode()}")
        return _reader(request)(request.body, self.script.models)

    def _fault(
        self, at: faults.At, headers: dict[bytes, bytes], number: int
    ) -> faults.Fault | None:
        """The fault that strikes here: a header names it, or it is the script's and is due."""
        named = headers.get(FAULT_HEADER)
        if named is not None:
            return faults.CATALOGUE[named.decode("latin-1")]
        script = self.script
        if script.fault is None or at not in _STRIKES[faults.CATALOGUE[script.fault].at]:
            return None
        if self.door.shut_once:  # what shuts the door does so once
            return None
        struck = number >= script.fault_from and faults.due(script.fault_every, number)
        return faults.CATALOGUE[script.fault] if struck else None

    def _shut(self, record: Record, fault: faults.Fault) -> None:
        """Take no more connections, and end those that are open."""
        self.truth.closed(record, "fault")
        self.door.shut(fault.again_s)
        self.end()

    def _at_once(
        self,
        connection: Connection,
        record: Record,
        status: int,
        message: bytes,
        keep: bool = True,
    ) -> None:
        record.status = status
        record.bytes = len(message)
        record.headers_ns = record.done_ns = connection.send(message)
        self.truth.closed(record, "refused" if record.fault is None else "fault")
        connection.answered(keep=keep)

    def _answer(
        self,
        connection: Connection,
        record: Record,
        wanted: ask.Ask,
        fault: faults.Fault | None,
        keep_alive: bool,
    ) -> answers.Answer:
        script = self.script
        job = answers.Job(
            connection=connection,
            record=record,
            ask=wanted,
            plan=plan(script, record.number, wanted.max_tokens, ignore_eos=wanted.ignore_eos),
            fault=fault,
            fault_after=script.fault_after,
            role_early=script.role_early,
            keep_alive=keep_alive,
            created=int(time.time()),
        )
        kind: type[answers.Answer] = answers.Streamed if wanted.stream else answers.Whole
        if wanted.inputs:
            kind = embeddings.Embedded
        if fault is not None and fault.play:
            kind = Played
        return kind(job, self._pace, self._ended)

    # Slots.

    def _enter(self, answer: answers.Answer) -> None:
        """Serve the answer now, or when those before it are done."""
        self._open[answer.connection] = answer
        if self.script.slots and self._serving >= self.script.slots:
            self._queue.append(answer)
            return
        self._serving += 1
        answer.begin(answer.record.arrived_ns)

    def _ended(self, answer: answers.Answer, end: answers.End) -> None:
        """The one way out of an answer."""
        if answer.connection in self._open:
            self._open[answer.connection] = None
        self.truth.closed(answer.record, end)
        if not answer.start:
            return
        self._prompt_tokens += answer.job.ask.prompt_tokens
        self._generated_tokens += answer.sent_tokens
        self._serving -= 1
        while self._queue and self._serving < self.script.slots:
            following = self._queue.popleft()
            if not following.connection.gone:
                self._serving += 1
                following.begin(time.perf_counter_ns())

    def _counts(self) -> metrics.Counts:
        begun = [answer for answer in self._open.values() if answer is not None and answer.start]
        return metrics.Counts(
            self._serving,
            len(self._queue),
            self._prompt_tokens + sum(answer.job.ask.prompt_tokens for answer in begun),
            self._generated_tokens + sum(answer.sent_tokens for answer in begun),
        )

    def end(self) -> None:
        """Drop every client."""
        self._queue.clear()
        for connection in list(self._open):
            connection.abort()


def _reader(request: Request) -> Callable[[bytes, tuple[str, ...]], ask.Ask | ask.Refusal]:
    path = request.target.partition(b"?")[0]
    if path == _EMBEDDINGS:
        return embeddings.read_inputs
    return asks.READERS.get(path, ask.read_ask)


def _fault_message(fault: faults.Fault, model: str, *, says_close: bool) -> bytes:
    """The whole answer of a fault that sends no stream."""
    kind, body = b"application/json", ask.refusal_of(fault.status, model).body()
    if fault.page:
        kind, body = b"text/html; charset=utf-8", fault.page.encode()
    return chunks.message(fault.status, kind, body, says_close=says_close, extra=fault.headers)


def _models_body(models: tuple[str, ...]) -> bytes:
    rows = [
        {"id": name, "object": "model", "created": 0, "owned_by": "simulate"} for name in models
    ]
    return orjson.dumps({"object": "list", "data": rows})


async def serve(
    script: Script,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until cancelled; `ready` is told the base URL once connections are taken."""
    loop = asyncio.get_running_loop()
    pace = Pace(loop)
    server = Server(script, pace, host, port)
    await server.door.open()
    try:
        if ready is not None:
            ready(base_url(*server.door.address))
        await asyncio.get_running_loop().create_future()
    finally:
        server.door.close()
        server.end()
        pace.close()


def base_url(host: str, port: int) -> str:
    """The URL that OpenAI clients are given."""
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"
