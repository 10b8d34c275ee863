"""Access control: a layer around the whole application that every request passes first.

Another origin can neither start, stop nor read anything. A foreign page in the same browser is recognized by headers
that browsers add to every request (`Sec-Fetch-Site`, `Origin`). A page whose host name leads here (DNS rebinding) is
recognized by the requested host name (`Host`).
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
from pocketgan.web.train.incoming import MOST_BYTES
from pocketgan.web.words import WORDS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST = 20_000_000
"""Largest request body in bytes, unless it is data for a training."""
TRIES, FORGIVEN_SECONDS = 20, 60.0
"""Number of wrong passwords within this many seconds after which further passwords are rejected unread."""
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; worker-src 'self' blob:; "
    "connect-src 'self' data: blob:; frame-src 'self'; frame-ancestors 'self'; base-uri 'self'; form-action 'self'; "
    "object-src 'none'"
)
"""Content security policy: nothing may be loaded from elsewhere, even by a script in the page."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
OWN = (
    "/", "/live/", "/data/", "/studies/", "/assets/", "/static/", "/svelte/", "/gradio_api/", "/theme.css", "/config"
)  # fmt: skip
"""Paths that are served: exact matches, and everything below those that end in `/`, except below `/` itself."""
DATA_FILE = "/data/file"
"""Path to which a file of data for a training is sent."""
ASIDE = ("/favicon.ico", "/manifest.json", "/robots.txt")
CLOSED = ("proxy=", "deep_link", "dev/", "vibe", "undo-vibe", "runs", "run-history", "stream/", "process_recording",
          "custom_component/", "monitoring", "token", "openapi", "profiling", "file/")  # fmt: skip
"""Routes of Gradio that the interface doesn't need."""


@dataclass
class Guard:
    """ASGI application that forwards permitted requests to another one.

    Attributes:
        app: the other application.
        names: accepted host names in lower case; empty for any name, which is allowed only with a password.
        password: the password for visitors; None for no password.
        cache: the folder of Gradio's own files, the only one from which it serves files.
    """

    app: App
    names: frozenset[str]
    password: str | None = None
    cache: str = ""
    _wrong: list[float] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forwards a request, or answers it with a refusal."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self.refusal(scope, headers)
        if refusal is not None:
            return await refuse(scope, send, *refusal)
        return await self.app(scope, limited(receive, largest(scope)), decorated(send))

    def refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Returns the status and the message with which a request is refused; None if it is permitted."""
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
        most = largest(scope)
        if not length.isdecimal() or int(length) > most:
            return 413, say(WORDS, "too large", most=most // 1_000_000)
        return None

    def named(self, host: str) -> bool:
        """Returns whether a `Host` header names this server; the port may be that of a tunnel."""
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return name is not None and (not self.names or name.lower() in self.names)

    def unknown(self, headers: dict[str, str]) -> tuple[int, str] | None:
        """Returns the refusal for a visitor without the right password; None if the password is right."""
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
    """Returns whether a request comes from a page of another origin; links to the interface are always permitted."""
    site = headers.get("sec-fetch-site", "none")
    origin = headers.get("origin")
    if origin is not None and not same(origin, host):
        return True
    if site in ("same-origin", "none"):
        return False
    followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (followed and scope.get("method") == "GET" and scope["path"] == "/")


def same(origin: str, host: str) -> bool:
    """Returns whether an `Origin` header matches the requested host."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False


def served(path: str, cache: str) -> bool:
    """Returns whether the interface needs this path."""
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
    """Returns whether a host is reachable only from this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def largest(scope: Scope) -> int:
    """Returns the largest permitted request body in bytes."""
    return MOST_BYTES if scope["path"] == DATA_FILE and scope.get("method") == "PUT" else LARGEST


def limited(receive: Receive, most: int = LARGEST) -> Receive:
    """Returns a `receive` that disconnects if the body exceeds the limit, whatever its header announced."""
    taken = 0

    async def receive_some() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > most else message

    return receive_some


def decorated(send: Send) -> Send:
    """Returns a `send` that adds the security headers that an answer doesn't set itself."""

    async def send_with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            more = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in there]
            remaining = [pair for pair in message["headers"] if not pair[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": [*remaining, *more]}
        await send(message)

    return send_with_headers


async def refuse(scope: Scope, send: Send, status: int, sentence: str) -> None:
    """Answers a request with a refusal message."""
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close", "code": 1008})
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Pocketgan", charset="UTF-8"'))
    await decorated(send)({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
    return None
