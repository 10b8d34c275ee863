"""Read-only routes beside Gradio: live views, sample pictures, and reports of studies."""

import json
from collections.abc import Callable

from fastapi import FastAPI
from fastapi.responses import FileResponse, PlainTextResponse, Response

from pocketgan.base.errors import UserError, WebError
from pocketgan.base.files import parse_json
from pocketgan.base.language import say
from pocketgan.runs.records import LARGEST_HEADER
from pocketgan.web.compare.side_by_side import MOST, OVER, Comparisons
from pocketgan.web.serve.upload_routes import add_uploads
from pocketgan.web.site import Site
from pocketgan.web.train.live import Live
from pocketgan.web.words import WORDS

PRIVATE = {"Cache-Control": "private, no-store"}
KEPT = {"Cache-Control": "private, max-age=86400, immutable"}
"""Headers of pictures that a browser may cache, since their addresses contain the time of their last change."""
REPORT = {
    "Content-Security-Policy": "sandbox allow-scripts allow-downloads; default-src 'none'; img-src data: blob:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'self'",
    **PRIVATE,
}
"""Headers of a study's report, which is sandboxed and can't access the interface."""
KINDS = {".png": "image/png", ".html": "text/html; charset=utf-8", ".csv": "text/csv; charset=utf-8"}


def add_routes(app: FastAPI, site: Site) -> None:
    """Adds the routes to the application."""
    live, comparisons = Live(site), Comparisons(site)
    add_uploads(app, site)

    @app.get("/live/run")
    def run(name: str, have: str = "") -> Response:
        """Returns the parts of a run's view that a browser doesn't have yet; status 204 if it has all."""
        return parts(live.changed(name, have))

    @app.get("/live/compare")
    def compare(names: str, over: str = "steps", have: str = "") -> Response:
        """Returns the parts of a comparison that a browser doesn't have yet; status 204 if it has all."""
        return answered(lambda: parts(comparisons.changed(names_in(names), over if over in OVER else "steps", have)))

    @app.get("/live/picture")
    def picture(name: str, file: str) -> Response:
        """Returns a sample picture of a run."""
        return answered(lambda: sent(site, name, "samples", file, (".png",), KEPT))

    @app.get("/live/judged")
    def judged(name: str, file: str) -> Response:
        """Returns the discriminator's score of each image in a sample picture."""
        return answered(lambda: judgement(site, name, file))

    @app.get("/studies/{path:path}")
    def study(path: str) -> Response:
        """Returns a file of a study's report: `<study>/<file>`."""
        name, _, file = path.rpartition("/")
        return answered(lambda: sent(site, name, "report", file, tuple(KINDS), REPORT))


def names_in(text: str) -> list[str]:
    """Returns the distinct names of runs in a JSON list, up to the largest number that can be compared.

    Raises:
        WebError: the text isn't such a list.
    """
    try:
        names = parse_json(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise WebError(say(WORDS, "no such name"))
    return list(dict.fromkeys(names))[:MOST]


def parts(changed: dict[str, list[str]]) -> Response:
    """Returns parts of a view as JSON; status 204 for none."""
    if not changed:
        return Response(status_code=204, headers=PRIVATE)
    return Response(json.dumps(changed, ensure_ascii=False), media_type="application/json", headers=PRIVATE)


def answered(make: Callable[[], Response]) -> Response:
    """Returns the response of `make`, or its error message with status 404."""
    try:
        return make()
    except UserError as error:
        return PlainTextResponse(str(error), 404, headers=PRIVATE)
    except OSError as error:
        return PlainTextResponse(error.strerror or "", 404, headers=PRIVATE)


def sent(site: Site, name: str, inside: str, file: str, endings: tuple[str, ...], headers: dict[str, str]) -> Response:
    """Returns a file from a folder of a run or a study."""
    path = site.file(name, inside, file, endings)
    return FileResponse(path, media_type=KINDS[path.suffix], headers=headers)


def judgement(site: Site, name: str, file: str) -> Response:
    """Returns the discriminator's score of each image in a picture, in [0, 1], as a JSON list; empty if unknown."""
    path = site.file(name, "samples", file, (".png",)).with_suffix(".json")
    sure: list[float | None] = []
    if path.is_file() and path.resolve().parent == path.parent.resolve():
        try:
            values = parse_json(path.read_bytes()[:LARGEST_HEADER])["real"]
            sure = [value if isinstance(value, int | float) and 0 <= value <= 1 else None for value in values]
        except (ValueError, KeyError, TypeError):
            sure = []
    return Response(json.dumps(sure), media_type="application/json", headers=KEPT)
