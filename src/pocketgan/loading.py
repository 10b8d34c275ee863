"""From a run folder back to its networks."""

from torch import nn

from pocketgan.checkpoints import (
    Checkpoint,
    check_config,
    checkpoint_name,
    load_network,
    newest_intact,
    read_checkpoint,
)
from pocketgan.errors import CheckpointDamaged, RunError
from pocketgan.networks import ImageShape, build_generator
from pocketgan.records import DataFacts
from pocketgan.runs import BEST, Run


def image_shape(facts: DataFacts, conditional: bool) -> ImageShape:
    """Returns the shape that networks for this data are made for."""
    return ImageShape(facts.channels, facts.size, len(facts.class_names) if conditional else 0)


def find_checkpoint(run: Run, which: str | int) -> Checkpoint:
    """Returns the checkpoint `best`, `last` or at a step, verified; `auto` is the best, or the last without one.

    Raises:
        RunError: there is none such, or it is damaged.
    """
    paths = run.checkpoints()
    best = run.folder / "checkpoints" / BEST
    if which == "auto":
        which = "best" if best.is_file() else "last"
    steps = [int(path.stem.removeprefix("step-")) for path in paths]
    if not paths and which != "best":
        raise RunError(f"run: '{run.folder}' has no checkpoint yet; 'pocketgan resume {run.folder}' trains on")
    if which == "last":
        found, damaged = newest_intact(paths)
        if found is None:
            raise RunError(f"run: no checkpoint of '{run.folder}' is intact: {'; '.join(damaged)}")
    elif which == "best" and not best.is_file():
        raise RunError(f"checkpoint: '{run.folder}' was not evaluated, so none is known as best; use 'last' or a step")
    elif which == "best" or (str(which).isdecimal() and int(which) in steps):
        try:
            found = read_checkpoint(best if which == "best" else best.with_name(checkpoint_name(int(which))))
        except CheckpointDamaged as error:
            raise RunError(f"checkpoint: {error}; use another, such as --checkpoint last") from None
    else:
        known = ", ".join(str(step) for step in steps[-8:])
        raise RunError(f"checkpoint: no '{which}' in '{run.folder}'; 'last' or a step would do, such as {known}")
    check_config(found, run.config)
    return found


def load_generator(run: Run, checkpoint: str | int = "auto") -> nn.Module:
    """Returns the run's generator (the averaged one, where there is one), ready to generate, on the CPU.

    Raises:
        RunError: there is no such checkpoint, or it is another network's.
    """
    found = find_checkpoint(run, checkpoint)
    config = run.config
    shape = image_shape(run.facts, config.network.conditional)
    network = build_generator(config.network, shape, config.data.pixels, config.seed)
    load_network(network, found, "generator" if config.train.ema_half_life == "none" else "generator_ema")
    return network.eval()
