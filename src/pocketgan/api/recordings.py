"""Recording of a person's own training loop."""

import re
import sys
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pocketgan.api.trainings import finish
from pocketgan.base.arguments import whole_number
from pocketgan.base.errors import ConfigError, UserError, nearest
from pocketgan.base.progress import Progress
from pocketgan.base.scripts import end_in_one_line
from pocketgan.config.code import LOADED
from pocketgan.config.fields import validated
from pocketgan.config.parts import PartFacts, Value
from pocketgan.config.sections import RUN_NAME, RunConfig

if TYPE_CHECKING:
    from torch import nn

    from pocketgan.experiment.recorded_generator import SavedGenerator
    from pocketgan.experiment.recording import Recorder

PixelRange = Literal["-1:1", "0:1", "uint8"]
UNNAMED = "recorded"
PLAIN = bool | int | float | str


def record(
    folder: str | Path | None = None,
    data: Any = "mnist",
    *,
    sample: Callable[..., Any],
    pixel_range: PixelRange = "-1:1",
    settings: Mapping[str, Any] | None = None,
    name: str | None = None,
    seed: int | None = None,
    steps: int | None = None,
    sample_every: str = "20 s",
    sample_count: int = 64,
    evaluate_every: str = "60 s",
    evaluate_count: int = 2000,
    log_every: str = "100 steps",
    classes: str = "all",
    validation: float = 5000,
    test: float = 0,
    features: Literal["auto", "digits", "classifier", "self-supervised", "random"] = "auto",
    metrics: Any = "none",
    patience: int = 0,
    on_failure: Literal["continue", "stop"] = "continue",
    boundary: float | None = 0.0,
    generator: "nn.Module | None" = None,
    generator_options: Mapping[str, Any] | None = None,
    latent_dim: int | None = None,
    progress: bool = True,
) -> "Recorder":
    """Records your own training loop, in any framework, as a run: samples, losses, quality, diagnoses.

    Use the result in a `with` statement, and call `step` in each step of your loop:

        with pocketgan.record(sample=draw, settings={"lr": 2e-4}) as run:
            images, labels = run.training_data()
            ...
                run.step(images=128, d_loss=d, g_loss=g)
                if run.stop:
                    break

    Args:
        folder: the run's folder; by default the one in the environment variable `POCKETGAN_RUN`, which a study sets, or
            else the first free `runs/<name>-<n>`.
        data: the images that the loop trains on: `mnist`, `stacked-mnist`, or a path as for `--data`; or arrays as
            for `pocketgan.train`.
        sample: a function `(count, seed)`, or `(count, seed, labels)` for images of requested classes (an int64 array,
            or None for data without classes, or with several labels per image). It returns generated images as an
            array of any framework, of shape (N, H, W), (N, C, H, W), (N, H, W, C) or (N, H·W). The same seed should
            give the same latents. Global random generators are restored after each call.
        pixel_range: the range of these images: `-1:1`, `0:1`, or `uint8` for whole numbers from 0 to 255.
        settings: your settings, by name, such as `vars(args)`: numbers, texts, true or false; None, NaN, infinite
            numbers, paths and lists are kept as texts. Tables, plots and studies show them.
        name: the name of the run's kind in tables, like a recipe's: letters, digits, `.`, `-` and `_`; by default the
            name of your script.
        seed: the seed of the samples, a whole number; by default `settings["seed"]`, if it is one, or else 0.
        steps: the planned number of steps, a whole number, if it is known.
        sample_every: how often sample pictures are written: `20 s`, `1 epoch`, `500 steps`, `10 kimg`; `end` or `none`.
        sample_count: images per sample picture.
        evaluate_every: how often images are measured; `none` for never.
        evaluate_count: images generated for an evaluation.
        log_every: how often losses are logged, not in time.
        classes: the classes to train on, such as `0,1,7`.
        validation: size of the validation set, which `training_data` leaves out; see the setting.
        test: size of the test set of data without one, which `training_data` leaves out, too; see the setting.
        features: the feature space; see the setting.
        metrics: further metrics of each evaluation: names separated by commas, or a list of names and of
            `pocketgan.metrics.Metric` objects, which are metrics of your own.
        patience: `stop` is true after this many evaluations without a new best; 0 for never.
        on_failure: `stop` if `stop` is to be true once the watchdog detects a failure.
        boundary: the output of the discriminator above which an image counts as real: 0 for logits, 0.5 for
            probabilities and scores; None for critics, where it is the middle between the two means.
        generator: your generator, if its weights are to be saved at each evaluation, so that `generate`, `evaluate` and
            `export` work. Its class must be defined in a file or a notebook, and take noise of shape (N, latent_dim).
        generator_options: the arguments of the generator's constructor that Pocketgan doesn't fill in.
        latent_dim: the length of the generator's noise vector.
        progress: whether to show progress on standard error.

    Returns:
        The recorder, whose methods are `step`, `training_data` and `aside`.

    Raises:
        UserError: an argument is invalid; nothing was started.
    """
    if is_loading():
        raise UserError("recorded while loaded")
    end_in_one_line()
    from pocketgan.experiment.recorded_generator import SavedGenerator
    from pocketgan.experiment.recorded_images import RANGES, Drawer
    from pocketgan.experiment.recording import Recorder

    choose("pixel_range", pixel_range, tuple(RANGES))
    choose("on_failure", on_failure, ("continue", "stop"))
    if not isinstance(data, str | Path):
        from pocketgan.images.arrays import keep_arrays

        data = keep_arrays(data)
    own = plain_settings(settings or {})
    seed = whole_number("seed", own_seed(own) if seed is None else seed, least=0)
    steps = None if steps is None else whole_number("steps", steps, least=1)
    check_boundary(boundary)
    called = script_name() if name is None else str(name)
    if not re.fullmatch(RUN_NAME, called):
        raise UserError("run name", field="name", name=called)
    saved = None if generator is None else SavedGenerator(generator, generator_options, latent_dim)
    if saved is not None and pixel_range == "uint8":
        raise UserError("range of generator", field="pixel_range", value=pixel_range)
    drawer = Drawer(sample, pixel_range, None if saved is None else saved.module)
    config = configured(
        {
            "recipe": called,
            "seed": seed,
            "settings": own,
            "data": {
                "data": str(data),
                "classes": classes,
                "validation": validation,
                "test": test,
                "pixel_range": RANGES[pixel_range][2],
            },
            "train": {"duration": f"{1 if steps is None else steps} steps", "log_every": log_every},
            "pictures": {"sample_every": sample_every, "sample_count": sample_count},
            "evaluation": {
                "evaluate_every": evaluate_every,
                "evaluate_count": evaluate_count,
                "features": features,
                "metrics": metrics,
                "patience": patience,
            },
            "watchdog": {"on_failure": on_failure},
        },
        conditional=drawer.takes_labels,
        boundary=boundary,
        saved=saved,
    )
    shown = Progress(quiet=not progress)
    return Recorder(config, folder, drawer, saved, steps=steps, boundary=boundary, progress=shown, at_end=finish)


def configured(
    values: dict[str, Any], *, conditional: bool, boundary: float | None, saved: "SavedGenerator | None"
) -> RunConfig:
    """Returns the configuration of a recorded run.

    Args:
        values: sections of fields.
        conditional: whether images of requested classes can be generated.
        boundary: the logit above which an image counts as real, or None.
        saved: the generator to save, or None.
    """
    parts = {"objective": PartFacts(boundary=boundary).model_dump()}
    network: dict[str, Any] = {"conditional": conditional}
    if saved is not None:
        network |= saved.network()
        parts["generator"] = PartFacts().model_dump()
    return validated({**values, "kind": "recorded", "network": network, "parts": parts})


def choose(field: str, value: object, known: tuple[str, ...]) -> None:
    """Checks that a value is one of some words.

    Raises:
        ConfigError: it isn't.
    """
    if value not in known:
        hint = nearest(str(value), known)
        raise ConfigError("not one of", field=field, value=value, hint=hint, known=", ".join(known))


def plain_settings(settings: Mapping[str, Any]) -> dict[str, Value]:
    """Returns settings as plain values: numbers of NumPy and of other libraries become Python's.

    None, a path, a list, and a number that JSON can't hold become texts.

    Raises:
        UserError: one is something else.
    """
    plain: dict[str, Value] = {}
    for name, value in settings.items():
        number = plain_value(value)
        if isinstance(value, list | tuple):
            parts = [plain_value(one) for one in value]
            number = object() if any(not isinstance(one, PLAIN) for one in parts) else ", ".join(map(str, parts))
        if not isinstance(number, PLAIN):
            raise UserError("setting value", field="settings", name=name, kind=type(value).__name__)
        plain[str(name)] = number
    return plain


def plain_value(value: Any) -> Any:
    """Returns a single setting as a plain value, if it has one, and otherwise the value itself."""
    single = getattr(value, "item", None)
    number = single() if callable(single) and np.ndim(value) == 0 else value
    if number is None:
        return "none"
    return str(number) if isinstance(number, Path) or (isinstance(number, float) and not isfinite(number)) else number


def own_seed(settings: Mapping[str, Value]) -> int:
    """Returns the seed among a loop's own settings; 0 if there is none, or none that counts as one here."""
    seed = settings.get("seed", 0)
    return seed if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**31 else 0


def check_boundary(boundary: object) -> None:
    """Checks the boundary between the outputs for real and for generated images.

    Raises:
        UserError: it is neither a finite number nor None.
    """
    number = plain_value(boundary)
    if boundary is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
        raise UserError("boundary value", field="boundary", value=boundary)


def is_loading() -> bool:
    """Returns whether a file that `--code` names is being loaded, and calls this from its top level."""
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "<module>" and str(frame.f_globals.get("__name__")).startswith(LOADED):
            return True
        frame = frame.f_back
    return False


def script_name() -> str:
    """Returns the name of the program that runs, without its ending; `recorded` in a notebook or in Python's shell."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return plain_name(Path(path).stem) if path and path.endswith(".py") else UNNAMED


def plain_name(text: str) -> str:
    """Returns a text as the name of a run's kind; `recorded` if nothing is left of it."""
    plain = "".join(letter if letter.isalnum() or letter in "_.-" else "-" for letter in text.lstrip("_.-"))
    return plain if plain[:1].isalnum() else UNNAMED
