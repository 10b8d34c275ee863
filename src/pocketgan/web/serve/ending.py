"""Shutdown of the server: open streams are closed, so that it ends at once and without error output."""

import asyncio
import socket
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.exceptions import HTTPException

from pocketgan.web.serve.guard import App, Receive, Scope, Send

GRACE_SECONDS = 3
"""Seconds that requests in progress have to finish when the server ends."""


class Server(uvicorn.Server):
    """Server whose shutdown isn't delayed by open browser tabs.

    A browser tab keeps a stream open for as long as the tab exists. Uvicorn waits for it, cancels it, and writes a
    traceback for each. This server first reports to every request that its browser has disconnected, and the request
    ends by itself.

    Args:
        app: the application.
        at_end: called first at shutdown.
    """

    def __init__(self, app: App, at_end: Callable[[], object]) -> None:
        self._ending, self._at_end = asyncio.Event(), at_end
        config = uvicorn.Config(
            listening_until(app, self._ending), log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )  # fmt: skip
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shuts down: disconnects open streams, then waits for the other requests."""
        self._at_end()
        self._ending.set()
        await super().shutdown(sockets)


def listening_until(app: App, ending: asyncio.Event) -> App:
    """Returns an application whose requests see a disconnected browser once `ending` is set."""

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, and completes the answer if the server ends first."""
        if scope["type"] != "http":
            return await app(scope, receive, send)
        answer, refusal = Answer(send), False
        try:
            await app(scope, lambda: first(receive, ending), answer)
        except RuntimeError as error:
            # A refusal after the start of the answer: Gradio's, for an unknown or forgotten session.
            refusal = isinstance(error.__cause__, HTTPException)
            if not refusal:
                raise
        if refusal or ending.is_set():
            await answer.finish()
        return None

    return listening


async def first(receive: Receive, ending: asyncio.Event) -> MutableMapping[str, Any]:
    """Returns the browser's next message, or a disconnect once `ending` is set."""
    message, end = asyncio.ensure_future(receive()), asyncio.ensure_future(ending.wait())
    try:
        done, _ = await asyncio.wait({message, end}, return_when=asyncio.FIRST_COMPLETED)
        return message.result() if message in done else {"type": "http.disconnect"}
    finally:
        for task in (message, end):
            task.cancel()


class Answer:
    """Answer to a browser that can be completed early."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._open = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Sends a part of the answer."""
        self._open = message["type"] == "http.response.start" or bool(message.get("more_body"))
        await self._send(message)

    async def finish(self) -> None:
        """Completes the answer if it was started and isn't complete."""
        if self._open:
            with suppress(RuntimeError, OSError):  # A file with more content announced.
                await self({"type": "http.response.body", "body": b""})
