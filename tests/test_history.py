"""Settings of older formats, and files of formats that this version doesn't know."""

import json
import shutil
from pathlib import Path

import pytest

import pocketgan
from pocketgan.base.errors import UserError
from pocketgan.config import history
from pocketgan.config.fields import replace, validated
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.studies.config import study_config
from pocketgan.studies.study import Study

OLD = Path(__file__).parent / "old_runs" / "0.1.0"


@pytest.mark.parametrize("number", range(1, history.FORMAT + 1))
def test_formats_up_to_this_one_are_known(number: int) -> None:
    assert history.known_format(number) == history.known_format(str(number)) == number


@pytest.mark.parametrize("found", [0, -1, "0", history.FORMAT + 1, None, True, 1.0, "1.0", "", [], "١"])
def test_others_are_not(found: object) -> None:
    assert history.known_format(found) is None


@pytest.mark.parametrize("name", RECIPES)
def test_todays_settings_pass_through(name: str) -> None:
    values = recipe(name).model_dump()
    assert history.upgrade(values, history.FORMAT) == values


def test_format_1_keeps_what_it_meant() -> None:
    values = replace(recipe("minimal"), sample_every="none", threads=0).model_dump()
    for section, names in history.NEW_FIELDS[2].items():
        for name in names:
            values[section].pop(name)
    config = validated(history.upgrade(values, 1))
    assert config.data.validation_split == "random"
    assert config.train.keep_checkpoints == "all"
    assert config.train.threads == 0 and not config.train.replan
    assert config.pictures.sample_every == "end"


@pytest.mark.parametrize(("name", "today"), [("my recipe!", "my-recipe-"), ("../../evil", "evil"), ("..", "unnamed")])
def test_recipes_of_format_1_could_have_any_name(name: str, today: str) -> None:
    assert history.upgrade({"recipe": name}, 1)["recipe"] == today


@pytest.mark.parametrize("values", [{}, {"train": 3}, {"data": None, "pictures": []}, {"recipe": 5}])
def test_nonsense_is_left_to_the_check(values: dict[str, object]) -> None:
    history.upgrade(values, 1)
    with pytest.raises(UserError):
        validated(history.upgrade(values, 1))


def test_a_study_of_an_older_format_goes_on(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(OLD / "study", tmp_path / "study"))
    there = Study.open(folder)
    values = json.loads((folder / "study.json").read_text())["study"]
    study = Study.begin(study_config(values), folder)
    assert study.variants == there.variants
    assert all(job.result() is not None for job in study.jobs())
    with pytest.raises(UserError):
        Study.begin(study_config(values | {"settings": values["settings"] | {"hidden_dim": 5}}), folder)


@pytest.mark.parametrize("what", ["pocket", "pocket-model", "study"])
def test_a_newer_format_is_refused_in_a_line(what: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(OLD / what, tmp_path / "copy"))
    path = folder / ("study.json" if what == "study" else "config.json")
    values = json.loads(path.read_text())
    key = "model_format" if "model_format" in values else "format"
    path.write_text(json.dumps(values | {key: 99}))
    with pytest.raises(UserError) as error:
        Study.open(folder) if what == "study" else pocketgan.load(folder)
    assert "99" in str(error.value) and str(history.FORMAT) in str(error.value)
    assert "\n" not in str(error.value)
