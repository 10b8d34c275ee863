"""Routes through which a browser uploads data for a training; the guard has checked the visitor and the origin."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from pocketgan.base.errors import UserError
from pocketgan.base.files import parse_json
from pocketgan.web.serve.guard import DATA_FILE
from pocketgan.web.site import Site
from pocketgan.web.train.incoming import Incoming

MOST_QUESTION = 10_000
"""Largest request, in bytes, that begins an upload."""


def add_uploads(app: FastAPI, site: Site) -> None:
    """Adds the routes to the application: an upload begins, its files follow one by one, and it ends."""
    incoming = Incoming(site)

    @app.post("/data/begin")
    async def begin(request: Request) -> Response:
        """Begins an upload `{name, files, bytes}`; returns its `token`."""
        try:
            values = await question(request)
            return JSONResponse({"token": incoming.begin(values.get("name"), values.get("files"), values.get("bytes"))})
        except (UserError, OSError) as error:
            return refusal(error)

    @app.put(DATA_FILE)
    async def file(request: Request, token: str, path: str) -> Response:
        """Receives one file as the body of a request."""
        try:
            await incoming.receive(token, path, pieces(request))
        except (UserError, OSError) as error:
            return refusal(error)
        except ClientDisconnect:
            return Response(status_code=499)
        return Response(status_code=204)

    @app.post("/data/end")
    async def end(token: str) -> Response:
        """Completes an upload; returns the name of its `data`."""
        try:
            return JSONResponse({"data": await run_in_threadpool(incoming.end, token)})
        except (UserError, OSError) as error:
            return refusal(error)

    @app.post("/data/cancel")
    async def cancel(token: str) -> Response:
        """Removes an upload that isn't complete."""
        await run_in_threadpool(incoming.cancel, token)
        return Response(status_code=204)


async def question(request: Request) -> dict[str, Any]:
    """Returns the JSON object in a short request; an empty one if there is none."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_QUESTION:
            return {}
    try:
        values = parse_json(bytes(body))
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """Yields the body of a request as it arrives."""
    async for piece in request.stream():
        yield piece


def refusal(error: UserError | OSError) -> Response:
    """Returns the answer to an upload that is refused: one line."""
    return PlainTextResponse(str(error) if isinstance(error, UserError) else error.strerror or "", 400)
