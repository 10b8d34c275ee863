"""The commands that list: recipes, the layers of networks, runs."""

import inspect
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import tyro

from pocketgan.base.errors import RunError
from pocketgan.base.files import natural
from pocketgan.base.language import clock, localised
from pocketgan.base.printing import Column, print_json, show
from pocketgan.cli.flags import parse_recipe
from pocketgan.cli.tables import say
from pocketgan.config import parts
from pocketgan.config.recipes import PARAMETERS, RECIPES
from pocketgan.config.sections import RunConfig
from pocketgan.experiment.recording_words import fed_itself
from pocketgan.runs.exported import load
from pocketgan.runs.listing import Runs, list_runs, written
from pocketgan.runs.model import is_model, located
from pocketgan.runs.records import read_object
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from pocketgan.networks import ImageShape
    from pocketgan.runs.records import Status

RUNS = (
    Column("run"),
    Column("recipe", drop=3),
    Column("state"),
    Column("changed", drop=1),
    Column("best distance", right=True),
    Column("steps", right=True, drop=5),
    Column("time", right=True, drop=2),
    Column("plan", right=True, drop=4),
)
"""The table of runs; headings by their keys."""


def recipes(json: bool = False) -> int:
    """List the recipes: what each is, its networks and parameters, its default duration.

    Args:
        json: print a JSON list.
    """
    if json:
        print_json([recipe_values(name) for name in RECIPES])
        return 0
    columns = (
        Column("recipe"),
        Column("what it is", prose=True),
        Column("trains", right=True),
        Column("generator", right=True, drop=1),
        Column("discriminator", right=True, drop=2),
        Column("networks", drop=4),
        Column("batch", right=True, drop=3),
    )
    rows = []
    for name, make in RECIPES.items():
        config, (generator, discriminator) = make(), PARAMETERS[name]
        about = (inspect.getdoc(make) or "").partition("\n")[0]
        network = config.network
        both = (network.generator, network.discriminator) if config.has_discriminator else (network.generator,)
        kinds = " and ".join(dict.fromkeys(both))
        cells = (config.train.duration, f"{generator:,}", f"{discriminator:,}", kinds, str(config.train.batch_size))
        rows.append((name, about, *cells))
    show(columns, rows)
    print()
    print(say("about recipes"))
    if own := parts.names("recipe"):
        print(say("recipes of packages", names=", ".join(own)))
    return 0


def recipe_values(name: str) -> dict[str, Any]:
    """Returns a recipe as plain values."""
    config, (generator, discriminator) = RECIPES[name](), PARAMETERS[name]
    return {
        "recipe": name,
        "about": (inspect.getdoc(RECIPES[name]) or "").partition("\n")[0],
        "duration": config.train.duration,
        "batch_size": config.train.batch_size,
        "generator": config.network.generator,
        "generator_parameters": generator,
        "discriminator": config.network.discriminator,
        "discriminator_parameters": discriminator,
    }


def summary(arguments: Sequence[str]) -> int:
    """Layers, output shapes and parameters of a recipe's networks, or of a run's: `summary RECIPE|RUN [flags]`."""
    import torch

    from pocketgan.networks import build_discriminator, build_generator
    from pocketgan.networks.summary import count, layers_of

    config, shape = networks_of([word for word in arguments if word != "--json"])
    generator = build_generator(config.network, shape, config.data.pixel_range, config.seed)
    images = torch.zeros(2, shape.channels, shape.size, shape.size)
    labels = torch.zeros(2, dtype=torch.int64) if shape.classes else None
    inputs = images if config.reads_images else torch.zeros(2, config.network.latent_dim)
    pairs = [("generator", generator, inputs)]
    if config.has_discriminator:
        discriminator = build_discriminator(config.network, shape, config.seed, config.data.pixel_range)
        pairs.append(("discriminator", discriminator, images))
    if "--json" in arguments:
        values: dict[str, Any] = {"recipe": config.recipe}
        for title, network, given in pairs:
            layers = [asdict(layer) for layer in layers_of(network, given, labels)]
            kind = config.network.model_dump()[title]
            values[title] = {"architecture": kind, "parameters": count(network), "layers": layers}
        print_json(values)
        return 0
    columns = (Column("layer"), Column("kind"), Column("output shape"), Column("parameters", right=True))
    for title, network, given in pairs:
        layers = layers_of(network, given, labels)
        rows = [(one.name, one.kind, "×".join(map(str, one.output)) or "1", f"{one.parameters:,}") for one in layers]
        show(columns, rows, title=f"{title} ({config.network.model_dump()[title]})")
        print()
    made, judged = count(generator), sum(count(network) for _, network, _ in pairs[1:])
    columns = (Column(""), *(Column(heading, right=True) for heading in ("parameters", "trainable", "frozen")))
    rows = [
        ("generator", f"{made:,}", f"{made:,}", "0"),
        ("discriminator", f"{judged:,}", f"{judged:,}", "0"),
        ("combined (the generator's step)", f"{made + judged:,}", f"{made:,}", f"{judged:,}"),
    ][: 1 if len(pairs) == 1 else 3]
    show(columns, rows)
    return 0


def networks_of(arguments: Sequence[str]) -> "tuple[RunConfig, ImageShape]":
    """Returns the configuration that `summary` is asked for, and the shape of its images."""
    from pocketgan.base.progress import Progress
    from pocketgan.experiment.experiment import settled
    from pocketgan.experiment.prepared_data import find_facts, prepare_images
    from pocketgan.runs.weights import image_shape

    if len(arguments) == 1 and arguments[0] not in RECIPES and is_model(located(arguments[0])):
        model = load(arguments[0])
        if model.config.kind == "recorded":
            raise RunError("recorded, no layers", field="run", folder=model.folder)
        return model.config, image_shape(model.facts, model.config.network.conditional)
    config, _ = parse_recipe("summary", arguments)
    config, images = prepare_images(config, Progress(quiet=True))
    facts = find_facts(images)
    config = settled(config, facts, "cpu")
    return config, image_shape(facts, config.network.conditional)


def runs(
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="[DIR]")] = Path("runs"),
    sort: Literal["newest", "quality", "name"] = "newest",
    json: bool = False,
) -> int:
    """List runs: state, date of the last change, quality beside its real-data baseline.

    Args:
        folder: folder with the runs, at any depth.
        sort: newest first, by quality (lowest Fréchet distance first), or by name.
        json: print a JSON list with more details.
    """
    none_yet = folder == Path("runs") and not folder.exists()
    listed = Runs() if none_yet else list_runs(folder, recursive=True)
    entries, damaged = [], listed.problems
    for run in listed:
        try:
            entries.append(Entry(run, run.status(), quality_of(run)))
        except RunError as error:
            damaged.append(str(error))
    entries.sort(key=ORDERS[sort])
    damaged = [say("damaged run", why=line.removeprefix("run: ")) for line in damaged]
    if json:
        print_json([entry.to_json() for entry in entries])
    elif entries:
        columns = [replace(column, heading=say(column.heading)) for column in RUNS]
        show(columns, [row_of(entry, folder) for entry in entries])
        print()
        print(say("about runs"))
        for entry in entries:
            if entry.run.environment.feeds_itself:
                print(f"{name_in(entry.run, folder)}: {fed_itself()}")
    elif none_yet:
        print(say("no runs yet"))
    elif not damaged:
        print(say("no runs there", folder=folder))
    for line in damaged:
        print(line, file=sys.stderr if json else sys.stdout)
    return 0


class Entry(NamedTuple):
    """A run in the table."""

    run: Run
    status: "Status"
    quality: tuple[float, float | None] | None

    def to_json(self) -> dict[str, Any]:
        """Returns what is known of the run, as plain values."""
        run, status = self.run, self.status
        distance, baseline = self.quality or (None, None)
        return {
            "folder": str(run.folder),
            "recipe": run.config.recipe,
            "seed": run.config.seed,
            "state": status.state,
            "step": status.step,
            "steps": run.planned_steps,
            "seconds": status.seconds,
            "planned": "" if run.planned_steps is None else run.config.train.duration,
            "updated": status.updated.isoformat(),
            "frechet_distance": distance,
            "frechet_floor": baseline,
            "message": status.message,
        }


ORDERS: dict[str, Callable[[Entry], Any]] = {
    "newest": lambda entry: (-entry.status.updated.timestamp(), -written(entry.run), str(entry.run.folder)),
    "quality": lambda entry: (entry.quality[0] if entry.quality else math.inf, str(entry.run.folder)),
    "name": lambda entry: natural(str(entry.run.folder)),
}


def quality_of(run: Run) -> tuple[float, float | None] | None:
    """Returns a run's best Fréchet distance and its real-data baseline.

    It is what the run measured as it trained, or else what `pocketgan evaluate` did; None where neither was done.
    """
    best, rows = run.best(), run.metrics()
    if best is not None:
        return best["frechet_distance"], best.get("frechet_floor") or (rows[-1].get("frechet_floor") if rows else None)
    with suppress(RunError, KeyError, TypeError):
        values = read_object(run.folder / "evaluation" / "evaluation.json")["metrics"]["frechet_distance"]
        return float(values["value"]), values["floor"]
    return None


def row_of(entry: Entry, folder: Path) -> tuple[str, ...]:
    """Returns the cells of a run in the table of a folder."""
    run, status = entry.run, entry.status
    distance, baseline = entry.quality or (None, None)
    measured = "" if distance is None else localised(f"{distance:.3g}")
    return (
        name_in(run, folder),
        run.config.recipe,
        state_of(status, run.planned_steps),
        moment(status.updated),
        measured + ("" if baseline is None else f" ({localised(f'{baseline:.2g}')})"),
        localised(f"{status.step:,}"),
        clock(status.seconds),
        "" if run.planned_steps is None else run.config.train.duration,
    )


def name_in(run: Run, folder: Path) -> str:
    """Returns the name of a run in the table of a folder."""
    return run.folder.relative_to(folder).as_posix() if run.folder != folder else str(folder)


def state_of(status: "Status", steps: int | None) -> str:
    """Returns a run's state, and how far it is unless it is done: `stopped 44%`."""
    state = "stopped" if status.state == "interrupted" else status.state
    return state if steps is None or status.step >= steps else f"{state} {int(100 * status.step / steps)}%"


def moment(when: datetime) -> str:
    """Returns a time as people say it: `today 13:15`, `yesterday 09:02`, `28 Nov 17:40`, another year's as a date."""
    local, now = when.astimezone(), datetime.now().astimezone()
    days = (now.date() - local.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]} {local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == now.year else f"{local:%Y-%m-%d}"
