"""The studies that come with the package: one function each, as the recipes are."""

from collections.abc import Callable

from pocketgan.recipes import RECIPES
from pocketgan.study_config import StudyConfig


def latent_dim() -> StudyConfig:
    """Does a longer latent vector give better digits? 50, 100, 150."""
    return StudyConfig(
        name="latent-dim",
        question="Does a longer latent vector (50, 100, 150) give better digits?",
        recipe="comparison",
        factors={"latent_dim": [50, 100, 150]},
    )


def hidden_dim() -> StudyConfig:
    """Does a wider hidden layer give better digits? 64, 128, 256."""
    return StudyConfig(
        name="hidden-dim",
        question="Does a wider hidden layer (64, 128, 256) give better digits?",
        recipe="comparison",
        factors={"hidden_dim": [64, 128, 256]},
    )


def long_run() -> StudyConfig:
    """Do ten times as many iterations pay? 200,000, a sample every 10,000."""
    return StudyConfig(
        name="long-run",
        question="Do 200,000 iterations give better digits than 20,000, and does the quality still rise at the end?",
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
        question="Does redrawing get worse after 3,500 steps, and does each digit want a learning rate of its own?",
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
        question="Which of the six recipes draws best after five minutes each, and which is steady over seeds?",
        settings={"evaluate_every": "30 s"},
        variants=[{"name": name, "recipe": name} for name in RECIPES],
        duration="5 min",
    )


STUDIES: dict[str, Callable[[], StudyConfig]] = {
    "latent-dim": latent_dim,
    "hidden-dim": hidden_dim,
    "long-run": long_run,
    "digit-by-digit": digit_by_digit,
    "stability": stability,
}
