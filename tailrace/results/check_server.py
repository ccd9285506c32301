"""Rows of ``tailrace check`` about a server: its name, its door, and what it says of itself. Pure.

Rule: a step that fails ends the group, for what follows would only repeat it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tailrace.results.checks import Check, Status
from tailrace.results.server_kind import ServerName

SLOW_LOOKUP_NS = 100_000_000
SLOW_CONNECT_NS = 100_000_000
CERTIFICATE_DAYS = 14.0
SHOWN = 8
"""Models that are named in a row."""


@dataclass(frozen=True, slots=True)
class AddressLook:
    """One address of the host, tried on its own."""

    address: str
    connect_ns: int | None = None
    problem: str = ""
    """Why it did not connect."""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class TlsLook:
    """The handshake of one connection."""

    problem: str = ""
    untrusted: bool = False
    """The certificate is what it failed at."""
    version: str = ""
    handshake_ns: int = 0
    days_left: float | None = None
    """Of the certificate; None where it is not checked."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What ``GET {base}/models`` gave."""

    status: int | None = None
    """None where no whole answer came."""
    problem: str = ""
    ids: tuple[str, ...] = ()
    loaded: tuple[str, ...] | None = None
    """Those that the server says are loaded; None where it tells nothing of it."""
    cached: tuple[str, ...] | None = None
    """Those on its disk, likewise."""


@dataclass(frozen=True, slots=True)
class PathLook:
    """Whether one API answers; ``status`` is None where it was not told."""

    name: str
    path: str
    status: int | None = None

    @property
    def there(self) -> bool:
        """Whatever it says to a body that is no JSON, it is not that there is nothing here."""
        return self.status is not None and self.status not in (404, 405, 501) and not self.refused

    @property
    def refused(self) -> bool:
        """Who asks is turned away, perhaps before anybody looks whether it is there."""
        return self.status in (401, 403)


@dataclass(slots=True)
class ServerLook:
    """Everything that was seen of one base URL; filled in step by step."""

    base_url: str
    host: str
    port: int
    literal: bool = False
    """The host is an address, not a name."""
    resolve_ns: int = 0
    resolve_problem: str = ""
    addresses: list[AddressLook] = field(default_factory=list)
    tls: TlsLook | None = None
    listing: Listing | None = None
    server: ServerName = field(default_factory=ServerName)
    paths: list[PathLook] = field(default_factory=list)
    key_given: bool = False
    insecure: bool = False

    @property
    def group(self) -> str:
        """Name of its rows' group."""
        return f"server {self.base_url}"

    @property
    def reached(self) -> bool:
        """Whether anybody can be asked there."""
        return any(one.connect_ns is not None for one in self.addresses) and not (
            self.tls is not None and self.tls.problem
        )

    @property
    def usable(self) -> bool:
        """Whether it is worth asking a model there."""
        said = None if self.listing is None else self.listing.status
        mute = said is None and all(one.status is None for one in self.paths)
        return self.reached and said not in (401, 403) and not mute


def server_rows(look: ServerLook) -> list[Check]:
    """Every row of the group."""
    rows: list[Check] = []
    for rule in (_name, _connect, _tls, _api, _server, _limits, _paths):
        rows += rule(look)
        if any(row.status == "fail" for row in rows):
            break
    return rows


def _row(look: ServerLook, name: str, status: Status, found: str, fix: str = "") -> Check:
    return Check(look.group, name, status, found, fix)


def ms(value_ns: float) -> str:
    """Nanoseconds in ms with three digits."""
    return f"{value_ns / 1e6:.3g} ms" if value_ns < 1e9 else f"{value_ns / 1e6:.0f} ms"


def _name(look: ServerLook) -> Iterator[Check]:
    if look.resolve_problem:
        fix = (
            f"mend the host in --url, or make the name {look.host!r} known (DNS, /etc/hosts); an "
            "address works without"
        )
        yield _row(look, "name", "fail", look.resolve_problem, fix)
        return
    if look.literal:
        yield _row(look, "name", "ok", f"{look.host} is an address")
        return
    listed = ", ".join(one.address for one in look.addresses)
    found = f"{look.host} is {listed} ({ms(look.resolve_ns)})"
    answering = [one for one in look.addresses if one.connect_ns is not None]
    if answering and answering[0] is not look.addresses[0]:
        first, works = look.addresses[0].address, answering[0].address
        place = f"[{works}]" if ":" in works else works
        fix = f"write {place} in place of {look.host} in --url: other clients try {first} first"
        yield _row(look, "name", "warn", f"{found}; only {works} answers", fix)
    elif look.resolve_ns > SLOW_LOOKUP_NS:
        fix = "write the address in --url, or mend the name service; the run looks it up once"
        yield _row(look, "name", "warn", found, fix)
    else:
        yield _row(look, "name", "ok", found)


def _connect(look: ServerLook) -> Iterator[Check]:
    best = next((one for one in look.addresses if one.connect_ns is not None), None)
    if best is None:
        problems = "; ".join(f"{one.address}: {one.problem}" for one in look.addresses)
        refused = any(one.refused for one in look.addresses)
        fix = (
            f"start the server, or mend the port {look.port} in --url"
            if refused
            else f"see that {look.host} is up and no firewall keeps port {look.port} from here"
        )
        yield _row(look, "connect", "fail", f"port {look.port}: {problems}", fix)
        return
    took_ns = best.connect_ns or 0
    found = f"TCP to {best.address} port {look.port} in {ms(took_ns)}"
    if took_ns > SLOW_CONNECT_NS:
        fix = "measure from nearer the server: each TTFT holds a round trip of about this"
        yield _row(look, "connect", "warn", found, fix)
    else:
        yield _row(look, "connect", "ok", found)


def _tls(look: ServerLook) -> Iterator[Check]:
    tls = look.tls
    if tls is None:
        return
    if tls.problem:
        fix = "see that the port speaks TLS; a server without it is http:// in --url"
        if tls.untrusted:
            fix = "give the certificate's authority with --ca-file, or --insecure to go without"
        yield _row(look, "TLS", "fail", tls.problem, fix)
        return
    found = f"{tls.version}, handshake {ms(tls.handshake_ns)}"
    if look.insecure or tls.days_left is None:
        fix = "give --ca-file in place of --insecure where the figures are to be trusted"
        yield _row(look, "TLS", "warn", f"{found}, certificate not checked", fix)
    elif tls.days_left < CERTIFICATE_DAYS:
        fix = "have the certificate renewed before longer runs"
        yield _row(look, "TLS", "warn", f"{found}, {tls.days_left:.0f} days left", fix)
    else:
        yield _row(look, "TLS", "ok", f"{found}, certificate for {tls.days_left:.0f} days")


def _api(look: ServerLook) -> Iterator[Check]:
    listing = look.listing
    if listing is None:
        return
    url = f"{look.base_url}/models"
    if listing.status is None:
        fix = "see the server's log: it takes connections and does not answer"
        yield _row(look, "API", "fail", f"{url}: {listing.problem}", fix)
    elif listing.status in (401, 403):
        fix = "give the key as OPENAI_API_KEY or with --api-key-file"
        if look.key_given:
            fix = "the key that was given is not taken; give another with --api-key-file"
        yield _row(look, "API", "fail", f"{url} answered HTTP {listing.status}", fix)
    elif listing.status >= 500:
        fix = "wait until the server is ready, or see its log"
        yield _row(look, "API", "fail", f"{url} answered HTTP {listing.status}", fix)
    elif listing.ids:
        found = f"{len(listing.ids)} model{'s' * (len(listing.ids) != 1)}: {named(listing.ids)}"
        yield _row(look, "API", "ok", found)
    else:
        fix = "name the model with --model; if requests fail too, mend the path in --url (/v1?)"
        yield _row(look, "API", "warn", f"no list at {url} (HTTP {listing.status})", fix)


def named(ids: tuple[str, ...]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more


def _server(look: ServerLook) -> Iterator[Check]:
    server = look.server
    told = f" (by {server.told_by})" if server.told_by else ""
    name = f"{server.name} {server.version}".rstrip()
    yield _row(look, "software", "ok", f"{name}{told}" if server.known else f"not known{told}")


def _limits(look: ServerLook) -> Iterator[Check]:
    server = look.server
    parts = [f"{server.slots} answers at a time ({server.slots_from})"] if server.slots else []
    parts += [f"{name} {value}" for name, value in server.limits.items()]
    yield _row(look, "own limits", "ok", ", ".join(parts) or "not told by this server")


def _paths(look: ServerLook) -> Iterator[Check]:
    if not look.paths:
        return
    there = [one.name for one in look.paths if one.there]
    if there:
        yield _row(look, "APIs", "ok", ", ".join(there))
        return
    if any(one.refused or one.status is None for one in look.paths):
        yield _row(look, "APIs", "ok", "not told to this key")
        return
    asked = ", ".join(one.path for one in look.paths)
    fix = "mend the path in --url; most servers have theirs under /v1"
    yield _row(look, "APIs", "fail", f"none answers of {asked}", fix)
