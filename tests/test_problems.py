"""What is wrong with a setting or with data is said in the language that is spoken, settings' names as they are."""

import ast
import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import ValidationError

import pocketgan
from pocketgan.base import errors as base_errors
from pocketgan.base import messages
from pocketgan.base.errors import ConfigError, DataError, RunError, UserError, nearest
from pocketgan.base.language import LANGUAGES, speaking
from pocketgan.base.messages import PROBLEMS, problem, restored, stored
from pocketgan.config.data_section import DataConfig
from pocketgan.config.durations import Duration
from pocketgan.config.fields import FIELDS, replace
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import RunConfig
from pocketgan.images.sets import load_images
from pocketgan.runs.exported import ExportedModel
from pocketgan.runs.run import Run
from pocketgan.web.processes import Starts

OTHERS = [code for code in LANGUAGES if code != "en"]
others = pytest.mark.parametrize("code", OTHERS)


def refused(**fields: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        replace(recipe("mlp"), **fields)
    return caught.value


@others
@pytest.mark.parametrize(
    "fields",
    [
        {"batch_size": "many"},
        {"batch_size": 0},
        {"batch_size": 1.5},
        {"learning_rate": "nan"},
        {"beta1": 7},
        {"activation": "geluu"},
        {"conditional": "perhaps"},
        {"augment": "blurr"},
        {"classes": " , "},
        {"duration": "5 parsecs"},
        {"duration": "5"},
        {"ema_half_life": "200%"},
        {"warmup": "5 min"},
        {"objective": "relativistic", "discriminator_batches": "two-step"},
        {"generator": "autoencoder", "conditional": True},
        {"nonesuch": 3},
        {"steps": 3, "epochs": 4},
    ],
    ids=str,
)
def test_a_setting_is_refused_in_each_language(fields: dict[str, object], code: str) -> None:
    english = refused(**fields)
    with speaking(code):
        said = refused(**fields)
    assert said.field == english.field
    assert said.reason != english.reason
    assert all(re.match(rf"{error.field}\b", str(error)) for error in (english, said) if error.field)
    words = re.compile(r"\b(must|isn't|doesn't|sets|has|needs|got|write|use|known|such|reads|with)\b")
    assert words.search(str(english)) and not words.search(str(said))


def test_pydantic_says_nothing_about_a_filled_in_field_that_is_not_translated() -> None:
    """Every field is given what a form may hold, and each type of fault must be one of ours."""
    base, types = recipe("mlp").model_dump(), set()
    for name, section in FIELDS.items():
        for value in ("", "many", "-1", "0", "1.5", "7", "1e99", "nan", "none", "auto", True):
            changed = base | {section: base[section] | {name: value}}
            try:
                RunConfig.model_validate(changed)
            except ValidationError as error:
                types.add(error.errors()[0]["type"])
    assert types - {"value_error", "string_type"} <= set(PROBLEMS)
    assert len(types) > 6, "few faults were found: the values no longer provoke them"


def test_the_choices_are_joined_in_the_language() -> None:
    with speaking("uk"):
        assert "'epoch' або 'replacement'" in str(refused(sampling="stale"))
    assert "'epoch' or 'replacement'" in str(refused(sampling="stale"))


def test_a_near_name_is_asked_for_in_the_language() -> None:
    with speaking("ru"):
        assert nearest("pocke", ["pocket"]) == "; может быть, «pocket»?"
        assert nearest("x", ["pocket"]) == ""
    assert nearest("pocke", ["pocket"]) == "; did you mean 'pocket'?"


@others
def test_data_is_refused_in_each_language(code: str, tmp_path: Path) -> None:
    with speaking(code), pytest.raises(DataError) as caught:
        load_images(DataConfig(data=str(tmp_path)))
    assert str(caught.value).startswith("data: ") and str(tmp_path) in str(caught.value)
    assert "holds no" not in str(caught.value)


def test_numbers_in_them_are_written_as_the_language_writes_them() -> None:
    assert problem("labels for images", file="x", labels=9999, images=10000) == "x has 9,999 labels for 10,000 images"
    with speaking("uk"):
        assert "10\N{NO-BREAK SPACE}000" in problem("labels for images", file="x", labels=9999, images=10000)


def test_durations_are_shown_as_examples() -> None:
    with speaking("ko"), pytest.raises(ValueError, match=r"'50 epochs'.* 또는 '5 min'"):
        Duration.parse("soon")


@pytest.mark.slow
def test_a_process_that_the_page_starts_speaks_its_language() -> None:
    starts = Starts()
    started = starts.launch("x", ["train", "pockte"], "uk")
    assert started.process.wait(60) == 2
    assert "може, «pocket»?" in started.last_words()


def damaged_run(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def foreign_run(folder: Path) -> None:
    (folder / "config.json").write_text('{"format": 999}')


def unfinished_model(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_format": 999}')


@others
@pytest.mark.parametrize("prepare", [lambda folder: None, damaged_run, foreign_run, unfinished_model])
def test_what_is_wrong_with_a_folder_is_said_in_each_language(
    prepare: Callable[[Path], None], code: str, tmp_path: Path
) -> None:
    prepare(tmp_path)
    for read in (Run.open, ExportedModel.open):
        with pytest.raises(UserError) as caught:
            read(tmp_path)
        english = str(caught.value)
        with speaking(code), pytest.raises(UserError) as caught:
            read(tmp_path)
        said = str(caught.value)
        assert said != english and said.partition(": ")[0] == english.partition(": ")[0]
        assert str(tmp_path) in said


def test_no_message_takes_the_key_of_another() -> None:
    """A module's texts would otherwise hide those of another module."""
    modules = sorted(Path(messages.__file__).parent.glob("*_messages.py"))
    parts = [import_module(f"pocketgan.base.{path.stem}") for path in modules]
    texts = [text for part in parts for name, text in vars(part).items() if name.isupper() and isinstance(text, dict)]
    assert len(texts) == len(modules) > 3
    assert all(PROBLEMS[key] == text for one in texts for key, text in one.items())


def test_every_error_and_every_line_has_a_key() -> None:
    """An English sentence in the code would be shown in English in every language."""
    errors = {name for name, one in vars(base_errors).items() if isinstance(one, type) and issubclass(one, Exception)}
    found = []
    for path in sorted(Path(pocketgan.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            text = isinstance(first, ast.JoinedStr) or (isinstance(first, ast.Constant) and first.value not in PROBLEMS)
            shown = ast.unparse(node.func).endswith("progress.say") or name in ("note", "working", "task")
            if text and (name in errors or shown):
                found.append(f"{path.name}: {ast.unparse(first)}")
    assert found == ["flags.py: '{message}'", "features.py: f'{out}: {right:.2%} of the test split right'"]


@others
def test_a_message_in_a_file_is_shown_in_each_language(code: str) -> None:
    written = stored(RunError("older checkpoint", why=problem("file damaged", file=Path("x"))))
    assert written == {"key": "older checkpoint", "why": {"key": "file damaged", "file": "x"}}
    assert restored(json.loads(json.dumps(written))) == "x is cut short or damaged; continuing from the one before"
    with speaking(code):
        inner = problem("file damaged", file="x")
        assert restored(written) == problem("older checkpoint", why=inner)
        assert RunError("in file", path="y", why=inner).english == "y: x is cut short or damaged"
    assert restored({"key": "of a later version"}) == restored({}) == restored(None) == ""
    assert restored("a sentence of version 0.1.0") == "a sentence of version 0.1.0"
