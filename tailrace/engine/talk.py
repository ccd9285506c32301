"""Talk: one session under way: its history, whose turn it is, and how it ends. Pure.

Rule: the history carries the server's real answers. An assistant that calls tools is answered by
the turn's scripted results, each under the id of its call, until it makes no call or no result is
left; results that no call asked for are skipped and counted. A turn that fails ends the session,
since the next one would have no answer to follow.
"""

from __future__ import annotations

from typing import Any

from tailrace.engine.dialects.tool_calls import Call
from tailrace.results.schema import Row
from tailrace.results.session_facts import SessionBooks
from tailrace.scenarios.items import Item, Message
from tailrace.scenarios.sessions import SessionScript, ToolResult

UNSCRIPTED = '{"error": "this tool is not available"}'
"""Answers a call that no scripted result is for, beside others that have one."""


class Talk:
    """A session; ``nonce_of`` is the number that its nonce is made of, the same for all turns."""

    def __init__(
        self, script: SessionScript, number: int, nonce_of: int, books: SessionBooks
    ) -> None:
        self.script = script
        self.number = number
        self.nonce_of = nonce_of
        self.turn = 0
        self.step = 0
        """Rounds of tool results in this turn so far."""
        self.over = False
        self._books = books
        self._history: list[Message] = []
        if script.system is not None:
            self._history.append(("system", script.system))
        self._results: list[ToolResult] = []
        self._speak()

    def item(self) -> Item:
        """The next request: everything said so far."""
        extra: dict[str, Any] = {"tools": list(self.script.tools)} if self.script.tools else {}
        return Item(
            f"{self.script.id}/{self.turn}",
            tuple(self._history),
            self.script.turns[self.turn - 1].max_tokens,
            extra=extra,
        )

    def tag(self, row: Row) -> None:
        """Write into a row which part of which session it is."""
        row.session, row.turn, row.step = self.number, self.turn, self.step

    def note(self, row: Row) -> None:
        """The request has its outcome: go on, or end."""
        self.tag(row)
        if row.outcome != "ok":
            self._end(row)
            self._books.broken += 1
            return
        if row.tool_calls and self._answer_calls(row.text, row.tool_calls):
            self.step += 1
            return
        self._books.calls_unanswered += len(row.tool_calls or ())
        self._books.tool_results_skipped += len(self._results)
        self._history.append(("assistant", row.text or ""))
        if self.turn == len(self.script.turns):
            self._end(row)
            self._books.finished += 1
        else:
            self._speak()

    def _end(self, row: Row) -> None:
        self.over = row.session_end = True

    def _speak(self) -> None:
        turn = self.script.turns[self.turn]
        self.turn, self.step = self.turn + 1, 0
        self._results = list(turn.tool_results)
        self._history.append(("user", turn.user))

    def _answer_calls(self, text: str | None, calls: list[Call]) -> bool:
        """Put the calls and their results into the history; False when no result is for any."""
        answers = [self._take(call["function"]["name"]) for call in calls]
        if all(answer is None for answer in answers):
            return False
        named = [
            call | {"id": call["id"] or f"call_{self.turn}_{self.step}_{index}"}
            for index, call in enumerate(calls)
        ]
        self._history.append(("assistant", {"content": text or None, "tool_calls": named}))
        for call, answer in zip(named, answers, strict=True):
            content = UNSCRIPTED if answer is None else answer.content
            self._history.append(("tool", {"tool_call_id": call["id"], "content": content}))
        self._books.tool_results += sum(answer is not None for answer in answers)
        return True

    def _take(self, name: str) -> ToolResult | None:
        """The first result left that is for this function."""
        for index, result in enumerate(self._results):
            if result.name in (None, name):
                return self._results.pop(index)
        return None
