"""Studies included in the package, one function each, like recipes; and studies described by a file."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from pocketgan.base.errors import ConfigError, StudyError, nearest
from pocketgan.base.language import say
from pocketgan.config.recipes import RECIPES
from pocketgan.studies.config import StudyConfig, study_config

QUESTIONS = {
    "latent-dim": "Does a longer latent vector (50, 100, 150) give better digits?",
    "hidden-dim": "Does a wider hidden layer (64, 128, 256) give better digits?",
    "long-run": "Do 200,000 iterations give better digits than 20,000, and does the quality still rise at the end?",
    "digit-by-digit": "Does image-to-image translation get worse after 3,500 steps, and does each digit need its "
    "own learning rate?",
    "stability": "Which of six recipes generates the best digits after five minutes each, and which varies least "
    "over seeds?",
}
"""Questions of the included studies, by name."""


def latent_dim() -> StudyConfig:
    """Does a longer latent vector (50, 100 or 150) give better digits?"""
    return StudyConfig(
        name="latent-dim",
        question=QUESTIONS["latent-dim"],
        recipe="comparison",
        factors={"latent_dim": [50, 100, 150]},
    )


def hidden_dim() -> StudyConfig:
    """Does a wider hidden layer (64, 128 or 256) give better digits?"""
    return StudyConfig(
        name="hidden-dim",
        question=QUESTIONS["hidden-dim"],
        recipe="comparison",
        factors={"hidden_dim": [64, 128, 256]},
    )


def long_run() -> StudyConfig:
    """Do 200,000 iterations give better digits than 20,000? A sample is saved every 10,000."""
    return StudyConfig(
        name="long-run",
        question=QUESTIONS["long-run"],
        recipe="comparison",
        settings={"sample_every": "10000 steps", "evaluate_every": "10000 steps", "checkpoint_every": "10000 steps"},
        duration="200000 steps",
        variants=[{"name": "comparison"}],
        fresh_seeds=0,
        moments=[20_000, 50_000, 100_000],
    )


def digit_by_digit() -> StudyConfig:
    """Does image-to-image translation get worse after 3,500 steps, and does each digit need its own learning rate?"""
    classes = {**{f"digit {digit}": str(digit) for digit in range(10)}, "all digits": "all"}
    return StudyConfig(
        name="digit-by-digit",
        question=QUESTIONS["digit-by-digit"],
        recipe="white-background",
        settings={"evaluate_every": "500 steps"},
        variants=[
            {"name": f"{name}, rate {rate:g}", "classes": chosen, "learning_rate": rate}
            for rate in (2e-4, 1e-4, 5e-4)
            for name, chosen in classes.items()
        ],
        seeds=3,
        fresh_seeds=0,
        moments=[3500],
    )


def stability() -> StudyConfig:
    """Which of six recipes is best after five minutes each, and which varies least over seeds?"""
    return StudyConfig(
        name="stability",
        question=QUESTIONS["stability"],
        settings={"evaluate_every": "30 s"},
        variants=[
            {"name": name, "recipe": name}
            for name in RECIPES
            if name not in ("stacked", "translator", "class-translator", "drifting")
        ],
        duration="5 min",
    )


STUDIES: dict[str, Callable[[], StudyConfig]] = {
    "latent-dim": latent_dim,
    "hidden-dim": hidden_dim,
    "long-run": long_run,
    "digit-by-digit": digit_by_digit,
    "stability": stability,
}


def question_of(config: StudyConfig) -> str:
    """Returns the question of a study, or else its name; questions of included studies are translated."""
    if config.question and config.question == QUESTIONS.get(config.name):
        return say(QUESTIONS, config.name)
    return config.question or config.name


def read_study(text: str | Path) -> StudyConfig:
    """Returns the included study of this name, or the study in this TOML file.

    Raises:
        StudyError: there is neither.
        ConfigError: the file isn't TOML, or a field has an invalid value.
    """
    if str(text) in STUDIES:
        return STUDIES[str(text)]()
    path = Path(text)
    if path.suffix != ".toml":
        parts = {"name": text, "hint": nearest(str(text), STUDIES), "known": ", ".join(STUDIES)}
        raise StudyError("no study", field="study", **parts)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StudyError("unreadable", field="study", path=path, why=error.strerror) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("no toml", field="study", path=path, why=error) from None
    values.setdefault("name", re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-") or "study")
    try:
        return study_config(values)
    except ConfigError as error:
        raise ConfigError("in file", path=path, why=error) from None
