"""The recipes: one function each, returning a `RunConfig`. A variant replaces fields.

The five coursework recipes follow the coursework that they come from; `docs/reference/recipes.md` says for each what
the original specifies and what we chose.
"""

from collections.abc import Callable
from pathlib import Path

from pocketgan.base.errors import ConfigError, nearest
from pocketgan.config import parts
from pocketgan.config.code import failed
from pocketgan.config.data_section import DataConfig
from pocketgan.config.fields import replace
from pocketgan.config.sections import (
    EvaluateConfig,
    NetworkConfig,
    ObjectiveConfig,
    PictureConfig,
    RunConfig,
    TrainConfig,
)
from pocketgan.config.watchdog_section import WatchdogConfig


def pocket() -> RunConfig:
    """Clear digits in a minute: convolutional, class-conditional.

    Convolutions at 7×7 and 14×14, relativistic loss with R1 and R2, mismatched-label loss where there are labels, EMA
    generator. The default.
    """
    return RunConfig(
        recipe="pocket",
        data=DataConfig(validation=5000),
        network=NetworkConfig(
            generator="pocket", discriminator="pocket", latent_dim=64, hidden_dim=32, depth=2, conditional=True
        ),
        objective=ObjectiveConfig(
            objective="relativistic",
            discriminator_batches="concatenated",
            r1="auto",
            r2="auto",
            penalty_batch_fraction=0.25,
            mismatched_label_weight=0.7,
            reuse_fake_batch=True,
        ),
        train=TrainConfig(
            duration="5 min",
            batch_size=64,
            learning_rate=1.5e-3,
            beta1=0.0,
            beta2=0.99,
            schedule="cosine",
            decay_start=0.5,
            ema_half_life="5%",
            precision="auto",
            log_every="20 steps",
            checkpoint_every="1 min",
        ),
        pictures=PictureConfig(sample_every="20 s", sample_count=100),
        evaluation=EvaluateConfig(evaluate_every="60 s"),
        watchdog=WatchdogConfig(on_failure="auto"),
    )


def mlp() -> RunConfig:
    """Fully connected, as taught in PyTorch.

    Three dense layers against two; 50 epochs.
    """
    return RunConfig(
        recipe="mlp",
        network=NetworkConfig(
            hidden_dim=256, depth=3, discriminator_depth=2, activation="relu", discriminator_activation="leaky_relu"
        ),
        train=TrainConfig(duration="50 epochs", checkpoint_every="5 epochs"),
        pictures=PictureConfig(sample_every="10 epochs", sample_name="generated_images", count_by="epoch"),
        evaluation=EvaluateConfig(evaluate_every="2 epochs"),
    )


def dcgan() -> RunConfig:
    """Convolutional, as taught in Keras.

    Transposed convolutions against strided ones, BatchNorm in both.
    """
    return RunConfig(
        recipe="dcgan",
        network=NetworkConfig(generator="dcgan", discriminator="dcgan", hidden_dim=64, weight_init="dcgan"),
        train=TrainConfig(duration="10 epochs", beta1=0.5, log_every="10 steps", checkpoint_every="1 epoch"),
        pictures=PictureConfig(sample_name="generated_images", count_by="epoch"),
        evaluation=EvaluateConfig(evaluate_every="1 epoch"),
    )


def white_background() -> RunConfig:
    """Image to image: turns an 8 dark on white.

    An autoencoder reads the digit; the discriminator sees the inverted digits as real.
    """
    return RunConfig(
        recipe="white-background",
        data=DataConfig(classes="8", pixel_range="unit", sampling="replacement", target="inverted"),
        network=NetworkConfig(
            generator="autoencoder",
            hidden_dim=256,
            depth=5,
            discriminator_depth=2,
            dropout=0.3,
            weight_init="glorot",
        ),
        objective=ObjectiveConfig(objective="msle"),
        train=TrainConfig(duration="5001 steps", beta1=0.5, epsilon=1e-7, checkpoint_every="500 steps"),
        pictures=PictureConfig(sample_every="500 steps", sample_count=16, sample_name="redrawn"),
        evaluation=EvaluateConfig(evaluate_every="500 steps"),
    )


def translator() -> RunConfig:
    """Image to image: translates every image, each its own.

    A U-Net reads the image; the discriminator sees input and output together, and a reconstruction loss compares the
    output with its target. `--task` makes the pairs from any data, `--pairs` reads your own.
    """
    return RunConfig(
        recipe="translator",
        data=DataConfig(validation=5000, pixel_range="unit", task="invert"),
        network=NetworkConfig(generator="translator", discriminator="translator", hidden_dim=16, depth=2),
        objective=ObjectiveConfig(
            objective="relativistic",
            discriminator_batches="concatenated",
            r1=1.0,
            r2=1.0,
            penalty_batch_fraction=0.25,
            mismatched_label_weight=1.0,
            reconstruction_weight=10.0,
            reuse_fake_batch=True,
        ),
        train=TrainConfig(
            duration="3 min",
            batch_size=64,
            learning_rate=3e-3,
            beta1=0.5,
            beta2=0.99,
            schedule="cosine",
            decay_start=0.2,
            ema_half_life="5%",
            precision="auto",
            log_every="20 steps",
        ),
        pictures=PictureConfig(sample_every="20 s", sample_name="redrawn"),
        evaluation=EvaluateConfig(evaluate_every="30 s"),
    )


def class_translator() -> RunConfig:
    """Image to image: turns every image into any class, in the same style.

    An encoder keeps 16 numbers of the image, and a decoder draws them as the requested class. The discriminator judges
    images with their class; cycle consistency and the identity loss keep the rest. Needs labels, but no pairs.
    """
    return RunConfig(
        recipe="class-translator",
        data=DataConfig(validation=5000, to="classes"),
        network=NetworkConfig(
            generator="class-translator",
            discriminator="pocket",
            latent_dim=16,
            hidden_dim=32,
            depth=3,
            discriminator_depth=2,
            conditional=True,
        ),
        objective=ObjectiveConfig(
            objective="relativistic",
            discriminator_batches="concatenated",
            r1="auto",
            r2="auto",
            penalty_batch_fraction=0.25,
            mismatched_label_weight=0.7,
            reconstruction_weight=10.0,
            identity_weight=10.0,
            reuse_fake_batch=True,
        ),
        train=TrainConfig(
            duration="5 min",
            batch_size=64,
            learning_rate=2e-3,
            beta1=0.0,
            beta2=0.99,
            schedule="linear",
            decay_start=0.5,
            ema_half_life="5%",
            precision="auto",
            log_every="20 steps",
        ),
        pictures=PictureConfig(sample_every="20 s", sample_count=40, sample_name="translated"),
        evaluation=EvaluateConfig(evaluate_every="60 s"),
    )


def minimal() -> RunConfig:
    """The smallest Keras GAN.

    One hidden layer each, one joint discriminator batch, a strip of ten images every 100 steps.
    """
    return RunConfig(
        recipe="minimal",
        data=DataConfig(pixel_range="unit", sampling="replacement"),
        network=NetworkConfig(hidden_dim=256, activation="relu", weight_init="glorot"),
        objective=ObjectiveConfig(discriminator_batches="concatenated"),
        train=TrainConfig(
            duration="10000 steps", batch_size=32, learning_rate=1e-3, epsilon=1e-7, checkpoint_every="1000 steps"
        ),
        pictures=PictureConfig(sample_every="100 steps", sample_count=10, layout="strip"),
        evaluation=EvaluateConfig(evaluate_every="2500 steps"),
    )


def comparison() -> RunConfig:
    """For comparing latent and hidden sizes.

    One hidden layer each, two discriminator updates per step: on real images, then on generated ones.
    """
    return RunConfig(
        recipe="comparison",
        data=DataConfig(sampling="replacement"),
        network=NetworkConfig(hidden_dim=128, negative_slope=0.01, weight_init="glorot"),
        objective=ObjectiveConfig(discriminator_batches="two-step"),
        train=TrainConfig(duration="20000 steps", learning_rate=1e-3, epsilon=1e-7, checkpoint_every="1000 steps"),
        pictures=PictureConfig(sample_every="1000 steps", sample_count=16),
        evaluation=EvaluateConfig(evaluate_every="2000 steps"),
    )


def stacked() -> RunConfig:
    """Three digits as red, green and blue: 1,000 modes.

    Stacked MNIST, a common test for lost modes, generated by the networks of `pocket`, without classes.
    """
    config = replace(
        pocket(),
        data="stacked-mnist",
        conditional=False,
        r1=1.0,
        r2=1.0,
        duration="60 min",
        sample_every="1 min",
        sample_count=64,
        evaluate_every="5 min",
    )
    return config.model_copy(update={"recipe": "stacked"})


def drifting() -> RunConfig:
    """One network, no discriminator: drifts to real images.

    The generator of `pocket`. In training, each generated image is attracted to real images of its class and repelled
    from other generated ones.
    """
    return RunConfig(
        recipe="drifting",
        data=DataConfig(validation=5000),
        network=NetworkConfig(
            generator="pocket", discriminator="none", latent_dim=64, hidden_dim=32, depth=2, conditional=True
        ),
        objective=ObjectiveConfig(objective="drifting"),
        train=TrainConfig(
            duration="5 min",
            batch_size=1280,
            learning_rate=4e-3,
            beta2=0.99,
            schedule="cosine",
            decay_start=0.5,
            ema_half_life="5%",
            precision="auto",
            log_every="20 steps",
        ),
        pictures=PictureConfig(sample_every="20 s", sample_count=100),
        evaluation=EvaluateConfig(evaluate_every="60 s"),
        watchdog=WatchdogConfig(on_failure="auto"),
    )


RECIPES: dict[str, Callable[[], RunConfig]] = {
    "pocket": pocket,
    "mlp": mlp,
    "dcgan": dcgan,
    "white-background": white_background,
    "translator": translator,
    "class-translator": class_translator,
    "minimal": minimal,
    "comparison": comparison,
    "stacked": stacked,
    "drifting": drifting,
}

PARAMETERS: dict[str, tuple[int, int]] = {
    "pocket": (523_588, 155_649),
    "mlp": (1_486_352, 533_505),
    "dcgan": (759_681, 138_689),
    "white-background": (1_153_712, 533_505),
    "translator": (73_922, 29_457),
    "class-translator": (492_660, 155_649),
    "minimal": (227_344, 201_217),
    "comparison": (114_064, 100_609),
    "stacked": (324_556, 126_593),
    "drifting": (523_588, 0),
}
"""Parameters of each recipe's generator and discriminator on MNIST: what counting would need PyTorch for. Tested."""


def recipe(name: str) -> RunConfig:
    """Returns the configuration of the recipe called `name`: the package's, or one of the person's own.

    Raises:
        ConfigError: there is no such recipe, or it fails.
    """
    name = str(name)
    if name in RECIPES:
        return RECIPES[name]()
    part = parts.find("recipe", name)
    if part is None and ":" in name:
        raise parts.unknown("recipe", name)
    if part is None and name.endswith(".py"):
        raise ConfigError("recipe of file", field="recipe", file=name)
    if part is None:
        known = [*RECIPES, *parts.names("recipe")]
        raise ConfigError("no recipe", field="recipe", name=name, hint=nearest(name, known), known=", ".join(known))
    try:
        config = part.value() if callable(part.value) else part.value
    except Exception as error:
        path = part.code.path if part.code and part.code.path else Path(name)
        raise failed(error, path, "recipe") from None
    if not isinstance(config, RunConfig):
        raise ConfigError("no configuration", field="recipe", name=name, kind=type(config).__name__)
    return config
