"""The studies that come with the package, one function each, as the recipes are; and those that a file describes."""

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
    "digit-by-digit": "Does redrawing get worse after 3,500 steps, and does each digit want a learning rate of its "
    "own?",
    "stability": "Which of the six recipes draws best after five minutes each, and which is steady over seeds?",
}
"""What the studies ask, by their names."""


def latent_dim() -> StudyConfig:
    """Does a longer latent vector give better digits? 50, 100, 150."""
    return StudyConfig(
        name="latent-dim",
        question=QUESTIONS["latent-dim"],
        recipe="comparison",
        factors={"latent_dim": [50, 100, 150]},
    )


def hidden_dim() -> StudyConfig:
    """Does a wider hidden layer give better digits? 64, 128, 256."""
    return StudyConfig(
        name="hidden-dim",
        question=QUESTIONS["hidden-dim"],
        recipe="comparison",
        factors={"hidden_dim": [64, 128, 256]},
    )


def long_run() -> StudyConfig:
    """Do ten times as many iterations pay? 200,000, a sample every 10,000."""
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
    """Does redrawing digits get worse after 3,500 steps, and does each digit want its own setting?"""
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
    """Which of the six recipes is best after equal minutes, and which is steady?"""
    return StudyConfig(
        name="stability",
        question=QUESTIONS["stability"],
        settings={"evaluate_every": "30 s"},
        variants=[{"name": name, "recipe": name} for name in RECIPES if name != "stacked"],
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
    """Returns what a study asks, or its name: in the language that is spoken, where the study came with the package."""
    if config.question and config.question == QUESTIONS.get(config.name):
        return say(QUESTIONS, config.name)
    return config.question or config.name


def read_study(text: str | Path) -> StudyConfig:
    """Returns the predeclared study of this name, or the one in this TOML file.

    Raises:
        StudyError: there is neither.
        ConfigError: the file isn't TOML, or a field has a value that it can't have.
    """
    if str(text) in STUDIES:
        return STUDIES[str(text)]()
    path = Path(text)
    if path.suffix != ".toml":
        raise StudyError(
            "no study '{text}'{hint}; known: {known}, or a .toml file",
            field="study",
            text=text,
            hint=nearest(str(text), STUDIES),
            known=", ".join(STUDIES),
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(
            "'{path}' can't be read: {strerror}", field="study", path=path, strerror=error.strerror
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("'{path}' is no TOML: {error}", field="study", path=path, error=error) from None
    values.setdefault("name", re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-") or "study")
    try:
        return study_config(values)
    except ConfigError as error:
        raise ConfigError("{path}: {error}", path=path, error=error) from None
