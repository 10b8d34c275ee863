"""Measures every checkpoint of a run that was trained without evaluation, as `--evaluate-every` would have.

    python benchmarks/follow_again.py RUN...

Writes `metrics.jsonl`, the watchdog's `events.jsonl` and `checkpoints/best.safetensors` into the run's folder; what was
there of these is written anew. Evaluation changes nothing in training, so the figures are those that the same run would
have had, at the steps of its checkpoints.
"""

import sys
from pathlib import Path

from pocketgan.base.progress import Progress
from pocketgan.experiment.diagnosis import History, diagnose
from pocketgan.experiment.monitor import Watch
from pocketgan.images.sets import load_images
from pocketgan.runs.run import BEST, Run
from pocketgan.runs.weights import image_shape
from pocketgan.training.checkpoints import read_checkpoint, restore
from pocketgan.training.state import create_state
from pocketgan.training.steps import Tick


def follow(folder: Path) -> None:
    """Measures the checkpoints of one run, oldest first."""
    run, progress = Run.open(folder), Progress()
    for path in (folder / "metrics.jsonl", folder / "events.jsonl", folder / "checkpoints" / BEST):
        path.unlink(missing_ok=True)
    run.plan = run.plan.model_copy(update={"evaluate_every": 1.0})
    images = load_images(run.config.data)
    watch = Watch(run, images, progress)
    state = create_state(run.config, image_shape(run.facts, run.config.network.conditional), "cpu")
    rows = run.stats()
    for path in run.checkpoints():
        restore(state, read_checkpoint(path))
        epoch = state.nimg / len(images)
        tick = Tick(state.step, state.nimg, epoch, state.seconds, {}, 0.0, True, False, True, True, False, False)
        watch.evaluate(state, tick)
        row = run.metrics()[-1]
        seen = History([r for r in rows if r["step"] <= state.step], run.metrics(), run.config.watchdog)
        progress.say(f"{folder} step {state.step:,}: {row['frechet_distance']:.4g}  {[str(d) for d in diagnose(seen)]}")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        follow(Path(name))
