"""Stock: the same reads through h11, which is what httpx parses HTTP/1.1 with."""

from __future__ import annotations

from collections.abc import Iterable

import h11

from fuzz.talk import Outcome


class StockTalk:
    """Requests on one connection, one after another, as httpcore makes them."""

    def __init__(self) -> None:
        self._h11 = h11.Connection(our_role=h11.CLIENT)

    def ask(self, reads: Iterable[bytes], ended: bool = False) -> Outcome:
        """What comes of a request that these reads answer, and then the connection's end."""
        self._h11.send(h11.Request(method="POST", target="/", headers=[("host", "h")]))
        self._h11.send(h11.EndOfMessage())
        self._status: int | None = None
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self._body: list[bytes] = []
        whole = False
        try:
            for data in (*reads, b"") if ended else reads:
                if whole:
                    break
                self._h11.receive_data(data)
                whole = self._taken()
                if whole and not data:  # the end of the connection was the end of the body
                    return self._outcome("close")
        except h11.RemoteProtocolError:
            return self._outcome("broken")
        if not whole:
            return self._outcome("open")
        if self._h11.their_state is h11.DONE and self._h11.our_state is h11.DONE:
            self._h11.start_next_cycle()
            return self._outcome("keep")
        return self._outcome("close")

    def _taken(self) -> bool:
        """Whether the answer is whole, when all events of what came are taken."""
        while True:
            event = self._h11.next_event()
            if isinstance(event, h11.Response):
                self._status = event.status_code
                self._headers = tuple(event.headers)
            elif isinstance(event, h11.Data):
                self._body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return True
            elif isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("closed before an answer")
            elif event is h11.NEED_DATA or event is h11.PAUSED:
                return False

    def _outcome(self, end: str) -> Outcome:
        return Outcome(self._status, self._headers, b"".join(self._body), end)
