"""What ``tailrace check`` asks a server beside its models: name, door, TLS, lists and versions.

Rule: nothing here makes a model work. Which APIs there are is seen by what they say to a body that
is no JSON: a path that is not there answers 404, any other has something to say. Plain httpx, for
nothing is timed but connects and handshakes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx

from tailrace.engine.bounded import told
from tailrace.engine.clock import now_ns
from tailrace.engine.dialects.openai_models import models_of
from tailrace.engine.exchange import origin_of
from tailrace.engine.proxies import proxy_for
from tailrace.engine.stock import StockTransport
from tailrace.engine.tls import context_of
from tailrace.hidden import without_secrets
from tailrace.results.check_server import AddressLook, Listing, PathLook, ServerLook, TlsLook
from tailrace.results.server_kind import MODELS, PATHS, Answers, Told, recognised
from tailrace.results.server_models import PAGES, cached_of, loaded_of
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.urls import endpoint

STEP_S = 3.0
"""Longest wait for one thing; a server that is slower at saying its version is passed over."""
APIS = (
    ("chat", "/chat/completions"),
    ("completions", "/completions"),
    ("embeddings", "/embeddings"),
    ("responses", "/responses"),
    ("messages", "/messages"),
)
"""Under the base URL."""
OLLAMA_CHAT = ("Ollama chat", "/api/chat")
"""At the root."""
_NO_JSON = b"{"

SecretHeaders = Sequence[tuple[str, str]]
Address = tuple[socket.AddressFamily, tuple[Any, ...]]


class ServerAsked:
    """The look at one base URL; ``lookups`` counts what was asked."""

    def __init__(self, scenario: Scenario, base_url: str, headers: SecretHeaders) -> None:
        self._url = httpx.URL(base_url)
        self._scheme, host, port = origin_of(self._url)
        self._headers = list(headers)
        self._context = context_of(scenario) if self._scheme == "https" else None
        proxy = proxy_for(base_url, scenario.reach.proxy)
        self._proxy = None if proxy is None else httpx.Proxy(proxy.url, auth=proxy.auth)
        self._addresses: list[Address] = []
        given = any(name.lower() in ("authorization", "api-key") for name, _ in headers)
        self.look = ServerLook(base_url, host, port, _is_address(host), key_given=given)
        self.look.insecure = scenario.insecure
        self.lookups = 0

    async def see(self) -> ServerLook:
        """Everything, as far as it gets; raises nothing."""
        await self._resolve()
        await self._connect_each()
        if self._context is not None and self.look.reached:
            self.look.tls = await self._shake_hands(self._context)
        if self.look.reached:
            await self._ask()
        return self.look

    async def _resolve(self) -> None:
        look, began_ns = self.look, now_ns()
        try:
            with anyio.fail_after(STEP_S):
                found = await asyncio.get_running_loop().getaddrinfo(
                    look.host, look.port, type=socket.SOCK_STREAM
                )
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error) or f"no answer in {STEP_S:g} s"
            look.resolve_problem = f"{look.host!r} cannot be resolved: {reason}"
            return
        look.resolve_ns = now_ns() - began_ns
        self._addresses = [(family, address) for family, _, _, _, address in found]

    async def _connect_each(self) -> None:
        """Every address on its own: the first that answers hides that those before it do not."""
        seen = (self._connect(family, address) for family, address in self._addresses)
        self.look.addresses = list(await asyncio.gather(*seen))

    async def _connect(self, family: socket.AddressFamily, address: tuple[Any, ...]) -> AddressLook:
        shown, began_ns = str(address[0]), now_ns()
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setblocking(False)
                with anyio.fail_after(STEP_S):
                    await asyncio.get_running_loop().sock_connect(sock, address)
                return AddressLook(shown, now_ns() - began_ns)
        except TimeoutError:
            return AddressLook(shown, problem=f"no answer in {STEP_S:g} s")
        except ConnectionRefusedError:
            return AddressLook(shown, problem="refused", refused=True)
        except OSError as error:
            return AddressLook(shown, problem=error.strerror or str(error))

    async def _shake_hands(self, context: ssl.SSLContext) -> TlsLook:
        place = next(one.address for one in self.look.addresses if one.connect_ns is not None)
        try:
            with anyio.fail_after(STEP_S):
                began_ns = now_ns()
                _, writer = await asyncio.open_connection(
                    place, self.look.port, ssl=context, server_hostname=self.look.host
                )
        except ssl.SSLCertVerificationError as error:
            return TlsLook(f"the certificate is not trusted: {error.verify_message}", True)
        except TimeoutError:
            return TlsLook(f"no handshake in {STEP_S:g} s")
        except OSError as error:
            return TlsLook(f"no handshake: {error.strerror or error}")
        took_ns = now_ns() - began_ns
        session = writer.get_extra_info("ssl_object")
        days = _days_left(session.getpeercert())
        writer.close()
        return TlsLook("", False, session.version() or "TLS", took_ns, days)

    async def _ask(self) -> None:
        """The lists and versions, all at once."""
        verify = True if self._context is None else self._context
        answers: dict[str, Told] = {}
        async with (
            httpx.AsyncClient(
                transport=StockTransport(verify=verify, proxy=self._proxy, trust_env=False),
                headers=self._headers,
                timeout=STEP_S,
                trust_env=False,
            ) as client,
            anyio.create_task_group() as group,
        ):

            async def get(key: str, url: httpx.URL) -> None:
                try:
                    answers[key] = await self._get(client, url)
                except (httpx.HTTPError, TimeoutError) as error:
                    problems[key] = without_secrets(str(error)) or f"no answer in {STEP_S:g} s"

            problems: dict[str, str] = {}
            group.start_soon(get, MODELS, self._under("/models"))
            for path in (*PATHS, *PAGES):
                group.start_soon(get, path, self._url.copy_with(path=path))
            for name, path in APIS:
                group.start_soon(self._look_for, client, name, path, self._under(path))
            name, path = OLLAMA_CHAT
            group.start_soon(self._look_for, client, name, path, self._url.copy_with(path=path))
        self.look.listing = _listing(answers, problems.get(MODELS, ""))
        self.look.server = recognised(answers)
        order = [name for name, _ in (*APIS, OLLAMA_CHAT)]
        self.look.paths.sort(key=lambda one: order.index(one.name))

    def _under(self, path: str) -> httpx.URL:
        return httpx.URL(endpoint(self.look.base_url, path))

    async def _get(self, client: httpx.AsyncClient, url: httpx.URL) -> Told:
        self.lookups += 1
        with anyio.fail_after(STEP_S):
            answer = await told(client, "GET", url)
        return Told(
            answer.status, without_secrets(dict(answer.headers)), without_secrets(answer.body)
        )

    async def _look_for(
        self, client: httpx.AsyncClient, name: str, path: str, url: httpx.URL
    ) -> None:
        self.lookups += 1
        status = None
        try:
            with anyio.fail_after(STEP_S):
                headers = {"content-type": "application/json"}
                answer = await told(client, "POST", url, content=_NO_JSON, headers=headers)
                status = answer.status
        except (httpx.HTTPError, TimeoutError):
            pass
        self.look.paths.append(PathLook(name, path, status))


def _listing(answers: Answers, problem: str) -> Listing:
    told = answers.get(MODELS)
    if told is None:
        return Listing(None, problem or "no answer")
    models = models_of(told.body) if told.status == 200 else []
    ids = tuple(model.id for model in models)
    return Listing(told.status, "", ids, loaded_of(answers), cached_of(answers))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _days_left(certificate: dict[str, Any] | None) -> float | None:
    ends = (certificate or {}).get("notAfter")
    if not isinstance(ends, str):
        return None
    left_s = ssl.cert_time_to_seconds(ends) - datetime.now(UTC).timestamp()
    return left_s / 86_400
