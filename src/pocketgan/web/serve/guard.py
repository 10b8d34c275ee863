"""Who may ask the page for what: a layer around the whole application that every request passes first.

Another origin can neither start, stop nor read anything: a page elsewhere that the same browser shows is told apart by
what browsers say of every request (`Sec-Fetch-Site`, `Origin`), and one that makes its own name lead here (DNS
rebinding) by the name that was asked for (`Host`).
"""

import base64
import binascii
import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from pocketgan.base.language import say
from pocketgan.web.words import WORDS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST = 20_000_000
"""Bytes of a request's body."""
TRIES, FORGIVEN_SECONDS = 20, 60.0
"""Wrong passwords within so many seconds after which no other is looked at."""
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; worker-src 'self' blob:; "
    "connect-src 'self' data: blob:; frame-src 'self'; frame-ancestors 'self'; base-uri 'self'; form-action 'self'; "
    "object-src 'none'"
)
"""What the page may load: nothing from elsewhere, whatever a part of it tries."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
OWN = ("/", "/live/", "/studies/", "/assets/", "/static/", "/svelte/", "/gradio_api/", "/theme.css", "/config")
"""What is served: a path is one of these, or begins with one that ends in `/` and isn't that alone."""
ASIDE = ("/favicon.ico", "/manifest.json", "/robots.txt")
CLOSED = ("proxy=", "deep_link", "dev/", "vibe", "undo-vibe", "runs", "run-history", "stream/", "process_recording",
          "custom_component/", "monitoring", "token", "openapi", "profiling", "file/")  # fmt: skip
"""Parts of Gradio that the page has no need of."""


@dataclass
class Guard:
    """An ASGI application that lets requests through to another.

    Attributes:
        app: the other.
        names: what the page is asked for by, in lower case; empty for any name, which only a password allows.
        password: what a visitor must know; None for no password.
        cache: the folder that Gradio keeps its own files in, the only one that it serves files from.
    """

    app: App
    names: frozenset[str]
    password: str | None = None
    cache: str = ""
    _wrong: list[float] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it itself."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self.refusal(scope, headers)
        if refusal is not None:
            return await refuse(scope, send, *refusal)
        return await self.app(scope, limited(receive), decorated(send))

    def refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Returns the status and the sentence that a request is refused with; None where it may pass."""
        host = headers.get("host", "")
        if not self.named(host):
            return 421, say(WORDS, "not called so")
        if foreign(scope, headers, host):
            return 403, say(WORDS, "foreign")
        if self.password is not None and (wrong := self.unknown(headers)) is not None:
            return wrong
        if not served(scope["path"], self.cache):
            return 404, say(WORDS, "not here")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST:
            return 413, say(WORDS, "too large", most=LARGEST // 1_000_000)
        return None

    def named(self, host: str) -> bool:
        """Whether a `Host` header names this page; the port may be that of a tunnel."""
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return name is not None and (not self.names or name.lower() in self.names)

    def unknown(self, headers: dict[str, str]) -> tuple[int, str] | None:
        """Returns how a visitor without the password is answered; None for one who has it."""
        assert self.password is not None
        now = time.monotonic()
        self._wrong = [moment for moment in self._wrong if now - moment < FORGIVEN_SECONDS]
        scheme, _, code = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return 401, say(WORDS, "password")
        if len(self._wrong) >= TRIES:
            return 429, say(WORDS, "too many tries")
        try:
            given = base64.b64decode(code, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            given = b""
        if hmac.compare_digest(given, self.password.encode()):
            return None
        self._wrong.append(now)
        return 401, say(WORDS, "wrong password")


def foreign(scope: Scope, headers: dict[str, str], host: str) -> bool:
    """Whether a request comes from a page of another origin; a link to this page may be followed from anywhere."""
    site = headers.get("sec-fetch-site", "none")
    origin = headers.get("origin")
    if origin is not None and not same(origin, host):
        return True
    if site in ("same-origin", "none"):
        return False
    followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (followed and scope.get("method") == "GET" and scope["path"] == "/")


def same(origin: str, host: str) -> bool:
    """Whether an `Origin` header names the host that was asked."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False


def served(path: str, cache: str) -> bool:
    """Whether there is anything at a path that the page needs."""
    path = unquote(path)
    if ".." in path.split("/") or "\\" in path or not path.isprintable():
        return False
    if path in (*OWN, *ASIDE):
        return True
    if not any(path.startswith(own) for own in OWN if own.endswith("/") and own != "/"):
        return False
    inside = path.removeprefix("/gradio_api/")
    if inside.startswith("file="):
        return bool(cache) and inside.removeprefix("file=").startswith(f"{cache}/")
    return inside == path or not inside.startswith(CLOSED)


def is_loopback(host: str) -> bool:
    """Whether a host can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def limited(receive: Receive) -> Receive:
    """Returns a `receive` that ends a body that goes on beyond the limit, whatever its header said."""
    taken = 0

    async def receive_some() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > LARGEST else message

    return receive_some


def decorated(send: Send) -> Send:
    """Returns a `send` that adds what browsers are told of every answer, where the answer doesn't say it itself."""

    async def send_with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            more = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in there]
            remaining = [pair for pair in message["headers"] if not pair[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": [*remaining, *more]}
        await send(message)

    return send_with_headers


async def refuse(scope: Scope, send: Send, status: int, sentence: str) -> None:
    """Answers a request with a sentence."""
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close", "code": 1008})
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Pocketgan", charset="UTF-8"'))
    await decorated(send)({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
    return None
