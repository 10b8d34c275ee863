"""What a place opens on: the best run of one's own, or what the address says."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pocketgan.base.files import write_json
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.web.site import Site
from web_events import Events, events
from web_runs import evaluation, make_run, write_lines, write_status

pytestmark = pytest.mark.slow


def made(folder: Path, distance: float | None = None, baseline: float = 1.5, *, age: int = 0, **fields: Any) -> None:
    """Makes a run with weights: its best Fréchet distance, what real images get, and how long ago it wrote."""
    run = make_run(folder, **fields)
    rows = [] if distance is None else [evaluation(step, distance * step) for step in (1, 3)]
    write_lines(run.folder / "metrics.jsonl", [row | {"frechet_floor": baseline} for row in rows])
    (run.folder / "checkpoints").mkdir(exist_ok=True)
    (run.folder / "checkpoints" / "step-000000050.safetensors").touch()
    now = (run.folder / "status.json").stat().st_mtime
    for name in ("status.json", "config.json"):
        os.utime(run.folder / name, (now - age, now - age))


def as_redrawing(folder: Path) -> None:
    """Makes a run one that redraws images."""
    config = replace(recipe("white-background"), duration="1000 steps", batch_size=8, sample_count=4)
    values = json.loads((folder / "config.json").read_text())
    write_json(
        folder / "config.json",
        values | {"config": config.model_dump()} if "config" in values else values | config.model_dump(),
    )


def study(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.json").write_text("{}")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Events]:
    with events(Site(tmp_path)) as found:
        yield found


def opened(page: Events, place: str) -> Any:
    """The run that a place opens on, as somebody finds it who has chosen nothing."""
    if place == "train":
        return page.send("arrive", address="")[1]["value"]
    return page.come_to(f"{place}-model")[0]["value"]


def listed(page: Events) -> list[str]:
    return [value for _, value in page.send("list_runs")[0]["choices"]]


PLACES = pytest.mark.parametrize("place", ["train", "create"])


@PLACES
def test_the_best_by_its_own_baseline_comes_first(tmp_path: Path, page: Events, place: str) -> None:
    made(tmp_path / "runs" / "a", 50.0)
    made(tmp_path / "runs" / "b", 4.0, 1.0)
    made(tmp_path / "runs" / "c", 6.0, 3.0, age=500)  # Twice its baseline; b is four times.
    made(tmp_path / "runs" / "d")
    study(tmp_path / "s")
    made(tmp_path / "s" / "runs" / "v" / "seed-0", 1.0)
    assert opened(page, place) == "runs/c"


@pytest.mark.slow
@PLACES
def test_the_newest_where_none_was_measured(tmp_path: Path, page: Events, place: str) -> None:
    study(tmp_path / "s")
    made(tmp_path / "s" / "runs" / "v" / "seed-0", 1.0)
    made(tmp_path / "runs" / "a", age=300)
    made(tmp_path / "runs" / "b", age=100)
    made(tmp_path / "runs" / "c", age=200)
    assert opened(page, place) == "runs/b"


@PLACES
def test_what_evaluate_measured_counts(tmp_path: Path, page: Events, place: str) -> None:
    made(tmp_path / "runs" / "a", 2.0, 1.0)
    made(tmp_path / "runs" / "b", 9.0, 1.0)
    figure = {"value": 1.1, "spread": 0.1, "floor": 1.0}
    (tmp_path / "runs" / "b" / "evaluation").mkdir()
    write_json(tmp_path / "runs" / "b" / "evaluation" / "evaluation.json", {"metrics": {"frechet_distance": figure}})
    assert opened(page, place) == "runs/b"
    for damaged in ("{", "[]", '{"metrics": {"frechet_distance": {"value": "x", "floor": 0}}}'):
        (tmp_path / "runs" / "b" / "evaluation" / "evaluation.json").write_text(damaged)
        assert opened(page, place) in ("runs/a", "runs/b")


@pytest.mark.slow
def test_a_run_of_a_study_only_where_there_is_nothing_else(tmp_path: Path, page: Events) -> None:
    study(tmp_path / "s")
    made(tmp_path / "s" / "runs" / "v" / "seed-0", 9.0)
    made(tmp_path / "s" / "runs" / "v" / "seed-1", 2.0)
    assert opened(page, "create") == "s/runs/v/seed-1"
    with events(Site(tmp_path / "s")) as inside:
        assert opened(inside, "train") == "runs/v/seed-1", "a page of the study itself"


def test_a_model_without_weights_is_left_out_and_one_that_redraws_elsewhere(tmp_path: Path, page: Events) -> None:
    made(tmp_path / "runs" / "a", 9.0)
    made(tmp_path / "runs" / "b", 2.0)
    (tmp_path / "runs" / "b" / "checkpoints" / "step-000000050.safetensors").unlink()
    made(tmp_path / "runs" / "c", 50.0)
    made(tmp_path / "runs" / "d", 5.0, age=50)
    for name in ("c", "d"):
        as_redrawing(tmp_path / "runs" / name)
    assert opened(page, "create") == "runs/a" and opened(page, "redraw") == "runs/d"


def test_a_run_that_is_being_trained_is_followed(tmp_path: Path, page: Events) -> None:
    made(tmp_path / "runs" / "a", 2.0)
    made(tmp_path / "runs" / "b", 90.0)
    write_status(tmp_path / "runs" / "b", state="running")
    assert opened(page, "train") == "runs/b" and opened(page, "create") == "runs/a"


def test_lists_have_ones_own_first_and_the_newest_of_them(tmp_path: Path, page: Events) -> None:
    study(tmp_path / "a-study")
    made(tmp_path / "a-study" / "runs" / "v" / "seed-0")
    made(tmp_path / "runs" / "old", age=500)
    made(tmp_path / "runs" / "new", age=5)
    assert listed(page) == ["runs/new", "runs/old", "a-study/runs/v/seed-0"]
    compared = page.send("arrive", address="?tab=compare")[-3]
    assert [value for _, value in compared["choices"]] == listed(page)


def test_nothing_is_chosen_where_there_is_nothing(page: Events) -> None:
    assert opened(page, "train") is None and opened(page, "create") is None and opened(page, "redraw") is None


# The address.


@pytest.fixture
def some(tmp_path: Path) -> Path:
    """Two runs, one that redraws, and a study."""
    for name, distance in (("one", 2.0), ("two", 9.0), ("redraws", 5.0)):
        made(tmp_path / "runs" / name, distance)
    as_redrawing(tmp_path / "runs" / "redraws")
    study(tmp_path / "s")
    return tmp_path


def arrived(page: Events, **fields: Any) -> dict[str, Any]:
    """What an address chooses, by what it is called there."""
    answer = page.send("arrive", address=f"?{urlencode(fields, doseq=True)}")
    names = ("tab", "train", "create", "seed", "redraw", "runs", "over", "study")

    def value(one: Any) -> Any:
        return one.get("selected", one.get("value")) if isinstance(one, dict) else one

    return {name: value(one) for name, one in zip(names, answer, strict=True)}


def test_an_address_chooses_tab_run_seed_and_comparison(some: Path, page: Events) -> None:
    assert arrived(page, tab="train", run="runs/two")["train"] == "runs/two"
    found = arrived(page, tab="create", run="runs/two", seed=41)
    assert (found["tab"], found["create"], found["seed"]) == ("create", "runs/two", 41)
    assert arrived(page, tab="redraw", run="runs/redraws")["redraw"] == "runs/redraws"
    found = arrived(page, tab="compare", runs=["runs/two", "runs/one"], over="epochs", study="s")
    assert (found["runs"], found["over"], found["study"]) == (["runs/two", "runs/one"], "epochs", "s")


def test_an_address_without_anything_leaves_what_is_there(some: Path, page: Events) -> None:
    found = arrived(page)
    assert found["train"] == "runs/one" and found["over"] == "steps"
    assert all(found[name] is None for name in ("tab", "create", "seed", "redraw", "study"))


@pytest.mark.parametrize(
    "address",
    ["?tab=nowhere", "?tab=create&run=../secret&seed=-1", "?tab=create&run=/etc&seed=9999999999999999", "?run=gone",
     "?tab=train&run=gone", "?tab=compare&runs=../x&runs=gone&over=years&study=../s", "?seed=1.5&tab=create",
     "?" + "&".join(f"runs=r{number}" for number in range(200)), "?tab=%00", "x" * 100_000, "?tab=redraw&run=runs/one"],
)  # fmt: skip
def test_what_an_address_says_that_is_not_there_is_left_out(some: Path, page: Events, address: str) -> None:
    tabs, train, create, seed, redraw, runs, over, study_shown = page.send("arrive", address=address)
    assert tabs.get("selected") in (None, "create", "redraw", "train", "compare")
    assert train["value"] == "runs/one" and create.get("value") is None and redraw.get("value") is None
    assert not isinstance(seed, int) and runs["value"] == [] and over == "steps" and study_shown.get("value") is None
