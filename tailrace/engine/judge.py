"""Judge: asks another model to score answers, by plain chat completions. No load, no timing.

Rule: a request that fails is never a score. What may pass (a busy or restarting server) is asked
again a few times with a pause; then the facets are unscored with the reason, and the next command
asks anew. A server that refuses the JSON schema is asked without one, from then on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import orjson

from tailrace.engine.bounded import told
from tailrace.engine.stock import StockTransport
from tailrace.errors import TargetError
from tailrace.hidden import without_secrets
from tailrace.results.rubric_judge import Judged
from tailrace.scenarios.items import Message
from tailrace.scenarios.judging import Reading, judge_messages, read_reply, response_format
from tailrace.scenarios.rubric import Facets
from tailrace.scenarios.urls import endpoint

TRIES = 3
PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
_MAY_PASS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_NO_SCHEMA = frozenset({400, 404, 415, 422, 500, 501})
"""What servers say to a response_format that they do not know."""
_HOPELESS = frozenset({401, 403, 404, 405})
_KEPT_CHARS = 500


@dataclass(frozen=True, slots=True)
class Question:
    """One answer to score: what it answered, and on which facets."""

    model: str
    request: str
    prompt: str
    text_sha256: str
    conversation: tuple[Message, ...]
    answer: str
    facets: Facets
    rubric: str
    """Fingerprint of what the facets ask."""


class _FailedError(Exception):
    """A request without a usable answer: ``class: why``."""

    def __init__(self, error_class: str, why: str, status: int | None = None) -> None:
        super().__init__(f"{error_class}: {why}"[:300])
        self.error_class = error_class
        self.status = status


class Judge:
    """One judge model at one URL; for use on one running loop."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 120.0,
        max_tokens: int = 512,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """``api_key`` takes the place of an Authorization among ``headers``."""
        self.base_url = base_url
        self.model = model
        self._max_tokens = max_tokens
        self._constrained = True
        """Whether a schema is worth asking for."""
        sent = httpx.Headers(list(headers))
        if api_key:
            sent["authorization"] = f"Bearer {api_key}"
        self._client = httpx.AsyncClient(
            transport=StockTransport(), headers=sent, timeout=timeout_s
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def score(self, question: Question) -> Judged:
        """One answer; always a line, scored or with the reason why not."""
        began_ns = time.perf_counter_ns()
        judged = Judged(
            *(question.model, question.request, question.prompt, question.text_sha256, self.model),
            rubric=question.rubric,
        )
        try:
            body = await self._asked(question, judged)
        except _FailedError as failure:
            judged.error = failure.error_class
            judged.unscored = dict.fromkeys(question.facets, str(failure))
        else:
            reading = read_reply(body, question.facets)
            judged.scores, judged.unscored = reading.scores, reading.unscored
            judged.input_tokens, judged.output_tokens = _usage(body)
            judged.reply = _reply(body, reading)
        judged.elapsed_ns = time.perf_counter_ns() - began_ns
        return judged

    async def _asked(self, question: Question, judged: Judged) -> Any:
        judged.constrained = self._constrained
        try:
            return await self._tried(self._body(question, self._constrained))
        except _FailedError as failure:
            if not judged.constrained or failure.status not in _NO_SCHEMA:
                raise
        body = await self._tried(self._body(question, False))
        self._constrained = judged.constrained = False
        return body

    def _body(self, question: Question, constrained: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": judge_messages(question.facets, question.conversation, question.answer),
            "temperature": 0,
            "max_tokens": self._max_tokens,
            "stream": False,
        }
        if constrained:
            body["response_format"] = response_format(question.facets)
        return body

    async def _tried(self, body: Mapping[str, Any]) -> Any:
        for attempt in range(1, TRIES + 1):
            try:
                return await self._posted(body)
            except _FailedError as failure:
                passing = failure.status is None or failure.status in _MAY_PASS
                if attempt == TRIES or not passing or failure.error_class == "timeout":
                    raise
            await anyio.sleep(min(PAUSE_S * 2 ** (attempt - 1), LONGEST_PAUSE_S))
        raise AssertionError("the last try returns or raises")

    async def _posted(self, body: Mapping[str, Any]) -> Any:
        url = endpoint(self.base_url, "/chat/completions")
        try:
            answer = await told(
                *(self._client, "POST", url),
                content=orjson.dumps(body),
                headers={"content-type": "application/json"},
            )
        except httpx.TimeoutException:
            raise _FailedError("timeout", "the judge did not answer in time") from None
        except httpx.HTTPError as exc:
            raise _FailedError(
                "unreachable", without_secrets(str(exc)) or type(exc).__name__
            ) from None
        if answer.status != 200:
            said = " ".join(
                without_secrets(answer.body[:2000].decode("utf-8", "replace"))[:200].split()
            )
            raise _FailedError(f"http_{answer.status}", said, answer.status)
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise _FailedError("not_json", "the judge's server sent no JSON", 200) from None


async def score_all(
    judge: Judge,
    questions: Sequence[Question],
    concurrency: int,
    keep: Callable[[Judged], None],
) -> None:
    """Score them all, ``concurrency`` at a time, each handed to ``keep`` as it comes.

    The first goes alone; raises TargetError when its judge cannot be used at all.
    """
    if not questions:
        return
    first = await judge.score(questions[0])
    if first.error is not None:
        _require_usable(judge, first)
    keep(first)
    waiting = iter(questions[1:])

    async def work() -> None:
        for question in waiting:
            keep(await judge.score(question))

    async with anyio.create_task_group() as group:
        for _ in range(concurrency):
            group.start_soon(work)


def _require_usable(judge: Judge, first: Judged) -> None:
    """A judge that is not there is an error of the command, not of one answer."""
    assert first.error is not None
    why = next(iter(first.unscored.values()), first.error)
    status = first.error.removeprefix("http_")
    if first.error == "unreachable":
        raise TargetError(
            f"--judge-url {judge.base_url} cannot be reached ({why}); is the judge's server "
            "running there?",
            first.error,
        )
    if status.isdigit() and int(status) in _HOPELESS:
        raise TargetError(
            f"--judge-url {judge.base_url} refused judge model {judge.model!r} ({why}); check "
            "--judge-model, the URL, and the key in TAILRACE_JUDGE_API_KEY",
            first.error,
        )


def _usage(body: Any) -> tuple[int | None, int | None]:
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return None, None
    found = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    given, made = (n if type(n) is int and n >= 0 else None for n in found)
    return given, made


def _reply(body: Any, reading: Reading) -> str:
    """The judge's own words, where a facet has no score, so that one can see why."""
    if not reading.unscored:
        return ""
    try:
        return _kept(str(body["choices"][0]["message"]["content"] or ""))
    except (KeyError, IndexError, TypeError):
        return ""


def _kept(text: str) -> str:
    """Words as a file can hold them: no half of a surrogate pair, and not too many."""
    return str(without_secrets(text))[:_KEPT_CHARS].encode("utf-8", "replace").decode("utf-8")
