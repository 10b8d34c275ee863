"""How the page ends: whoever still listens to it is let go, so that it ends at once and without a word."""

import asyncio
import socket
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.exceptions import HTTPException

from pocketgan.web.serve.guard import App, Receive, Scope, Send

GRACE_SECONDS = 3
"""What is under way when the page ends has so long to come to its own end."""


class Server(uvicorn.Server):
    """Serves an application until it is stopped; an open tab doesn't keep it from ending.

    A tab holds a stream open that lasts as long as the tab. Uvicorn waits for it, cancels it, and writes a traceback
    for each. Here every request is told first that its browser has left, and ends as it then does.

    Args:
        app: the application.
        at_end: called first when it ends.
    """

    def __init__(self, app: App, at_end: Callable[[], object]) -> None:
        self._ending, self._at_end = asyncio.Event(), at_end
        config = uvicorn.Config(
            listening_until(app, self._ending), log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )  # fmt: skip
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends: lets go of whoever listens, then waits for the rest."""
        self._at_end()
        self._ending.set()
        await super().shutdown(sockets)


def listening_until(app: App, ending: asyncio.Event) -> App:
    """Returns an application whose requests are told that the browser has left once `ending` is set."""

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, and ends the answer where the page ends before it."""
        if scope["type"] != "http":
            return await app(scope, receive, send)
        answer, refusal = Answer(send), False
        try:
            await app(scope, lambda: first(receive, ending), answer)
        except RuntimeError as error:
            # A refusal after the answer has begun: Gradio's, of a session that it doesn't know (any more).
            refusal = isinstance(error.__cause__, HTTPException)
            if not refusal:
                raise
        if refusal or ending.is_set():
            await answer.finish()
        return None

    return listening


async def first(receive: Receive, ending: asyncio.Event) -> MutableMapping[str, Any]:
    """Returns what a browser sends next, or that it has left once `ending` is set."""
    message, end = asyncio.ensure_future(receive()), asyncio.ensure_future(ending.wait())
    try:
        done, _ = await asyncio.wait({message, end}, return_when=asyncio.FIRST_COMPLETED)
        return message.result() if message in done else {"type": "http.disconnect"}
    finally:
        for task in (message, end):
            task.cancel()


class Answer:
    """What is sent to a browser, which can be brought to its end."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._open = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Sends a part of the answer."""
        self._open = message["type"] == "http.response.start" or bool(message.get("more_body"))
        await self._send(message)

    async def finish(self) -> None:
        """Ends the answer, where it was begun and isn't at its end."""
        if self._open:
            with suppress(RuntimeError, OSError):  # A file of which more was promised.
                await self({"type": "http.response.body", "body": b""})
