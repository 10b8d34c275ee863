"""The folder of a run that is recorded from a person's own loop: where it is, and what it says about the loop."""

import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pocketgan.base.errors import PocketganError, RunError, UserError
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress
from pocketgan.config.code import loaded, sources
from pocketgan.config.fields import replace
from pocketgan.config.plan import Plan
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.environment import describe_environment
from pocketgan.experiment.experiment import settled
from pocketgan.experiment.prepared_data import find_facts, prepare_images
from pocketgan.experiment.recorded_generator import SavedGenerator
from pocketgan.images.sets import ImageSet
from pocketgan.runs.model import is_model
from pocketgan.runs.own_code import FOLDER as CODE
from pocketgan.runs.own_code import keep_code
from pocketgan.runs.places import claim_folder
from pocketgan.runs.run import Run

FOLDER = "POCKETGAN_RUN"
"""Environment variable with the folder of the run, which a study sets for the script that it starts."""


@dataclass(frozen=True)
class Moment:
    """A moment of the loop.

    Attributes:
        step, nimg, epoch, seconds: the clocks; `seconds` leaves out what the recorder itself takes.
        measures: means of what the loop reported since the last row, by name.
        images_per_second: real images per second since the last row.
        last, stopped: whether the loop has ended, and whether a signal asked for it.
    """

    step: int
    nimg: int
    epoch: float
    seconds: float
    measures: dict[str, float] = field(default_factory=dict)
    images_per_second: float = 0.0
    last: bool = False
    stopped: bool = False


def create_recorded(
    config: RunConfig, place: str | Path | None, generator: SavedGenerator | None, steps: int | None
) -> tuple[Run, ImageSet]:
    """Creates the folder of a recorded run; returns the run, and its training images.

    Args:
        config: the configuration.
        place: the folder; by default the one that a study names, or the first free one in `runs`.
        generator: the generator to save, or None.
        steps: the planned number of steps, if it is known.

    Raises:
        UserError: the data, the folder or the generator can't be used; nothing was created.
    """
    given, place = place is not None, place if place is not None else os.environ.get(FOLDER) or None
    if place is not None and is_model(place):
        raise RunError("folder holds a run", field="folder", folder=place)
    config, images = prepare_images(config, Progress(quiet=True))
    facts = find_facts(images)
    config = settled(config, facts, "cpu")
    if facts.condition_names:  # A loop is asked for classes, not for several labels.
        config = replace(config, conditional=False)
    if generator is not None:
        generator.check(config, facts)
    code = config.code() | script() | {name: text for one in loaded.values() for name, text in one.files.items()}
    folder = claimed(place, config.recipe, given=given)
    keep_code(folder / CODE, code)
    environment = describe_environment("" if generator is None else generator.device, code)
    environment = environment.model_copy(update={"command": command_line(), "feeds_itself": True})
    return Run.create(folder, config, facts, plan_of(config, steps), environment), images


def plan_of(config: RunConfig, steps: int | None) -> Plan:
    """Returns the plan of a recorded run, of which only the length has a meaning, and whether it is evaluated."""
    return Plan(
        duration=config.train.duration,
        steps=steps or 1,
        log_every=1,
        sample_every=None,
        checkpoint_every=1,
        evaluate_every=None if config.evaluation.evaluate_every == "none" else 1,
        warmup=None,
        ema_half_life=None,
        ema_share=None,
        steps_per_second=None,
        open_ended=steps is None,
    )


def claimed(place: str | Path | None, name: str, *, given: bool) -> Path:
    """Returns the new folder of a run: the given one, a study's, which may hold other files, or the first free one.

    Raises:
        RunError: the folder can't be used.
    """
    try:
        if place is None or given:
            return claim_folder(place, name)
        folder = Path(place).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    except RunError as error:
        raise RunError(error.key, field="folder", **error.parts) from None
    except OSError as error:
        raise RunError("not writable", field="folder", folder=place, why=error.strerror) from None


def script() -> dict[str, bytes]:
    """Returns the source of the program that records, with the files that it imports from its own folder."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    if path is None or not path.endswith(".py") or "site-packages" in path:
        return {}
    with suppress(UserError, OSError):
        return sources(Path(path).resolve())
    return {}


def command_line() -> str:
    """Returns the command that started the program that records; empty in a notebook or in Python's shell."""
    return shlex.join(["python", *sys.argv]) if script() else ""


def reason_of(error: BaseException | None) -> PocketganError | str:
    """Returns why a run failed, for its status."""
    if isinstance(error, PocketganError):
        return error
    if isinstance(error, SystemExit):
        return problem("loop exited", code=str(error.code))
    text = str(error).strip().partition("\n")[0]
    return problem("loop failed", why=f"{type(error).__name__}: {text}" if text else type(error).__name__)
