"""The page's events through its own protocol, as a browser sends them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from pocketgan.web.serve.server import make_app
from pocketgan.web.site import Site

BASE = "http://127.0.0.1:7860"


class Events:
    """A browser that sends the page's events.

    Attributes:
        client: for what isn't an event.
    """

    def __init__(self, client: TestClient) -> None:
        self.client = client
        config = client.get("/config").json()
        self._events = {one["api_name"]: one for one in config["dependencies"] if one["backend_fn"]}
        self._parts = {one["id"]: one["props"] for one in config["components"]}

    def come_to(self, model: str) -> list[Any]:
        """Opens a tab; returns what that answers, of which the choice of a model is the first.

        Args:
            model: the `elem_id` of that choice.
        """
        for name, one in self._events.items():
            first = self._parts.get(one["outputs"][0] if one["outputs"] else None, {})
            if first.get("elem_id") == model and len(one["outputs"]) > 1:
                return self.send(name)
        raise AssertionError(f"nothing fills {model}")

    def send(self, event: str, **filled: Any) -> list[Any]:
        """Sends an event; returns what it answers.

        Args:
            event: its name.
            **filled: what is put into components, by their `elem_id` without `set-`; the others are as they were.
        """
        found = self._events[event]
        ids = [self._parts[place].get("elem_id") or "" for place in found["inputs"]]
        names = [name.removeprefix("set-") for name in ids]
        assert filled.keys() <= set(names), names
        data = [
            filled.get(name, self._parts[place].get("value"))
            for name, place in zip(names, found["inputs"], strict=True)
        ]
        body = {"data": data, "fn_index": found["id"], "session_hash": "mine"}
        answer = self.client.post("/gradio_api/run/predict", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def handlers(page: Any) -> list[Any]:
    """Returns the functions behind a page's events, each once: eight events of Create share one."""
    found = {id(getattr(one.fn, "__wrapped__", one.fn)): one for one in page.fns.values() if one.fn is not None}
    return list(found.values())


@contextmanager
def events(site: Site) -> Iterator[Events]:
    """Yields a browser of a page."""
    with TestClient(make_app(site), base_url=BASE) as client:
        yield Events(client)


def end_commands(site: Site) -> None:
    """Ends what a page has started. What waits is dropped first: it would start when the one before it ends."""
    for queue in (site.trainings, site.evaluations):
        for name in queue.names():
            queue.drop(name)
    for started in list(site.starts._started.values()):
        if started.running():
            started.process.kill()
        started.process.wait(20)
