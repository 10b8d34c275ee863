"""How long measuring takes: `make bench` runs this after `speed.py`.

A full evaluation: every metric with spread and floor, 10,000 labelled images against MNIST's test split, in the space
`digits`, from the images in memory to the last figure (without generating and without drawing the page). A quick one:
what a run of each recipe does at every `--evaluate-every`, generating included, in the median of five. And the training
of the space `classifier` on MNIST's training split. Each in a process of its own, so that peak memory is its own.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time

from pocketgan.base.progress import Progress
from pocketgan.config.data_section import DataConfig
from pocketgan.config.fields import replace
from pocketgan.config.plan import make_plan
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.experiment.environment import describe_environment
from pocketgan.experiment.experiment import find_facts
from pocketgan.experiment.monitor import Follower
from pocketgan.experiment.speed import measure_speed
from pocketgan.images.sets import load_images
from pocketgan.metrics import features
from pocketgan.metrics.evaluation import COUNT, labels_in, look_at, read_real, score
from pocketgan.metrics.features import IMAGES_TO_FIT, train_space, trained_space
from pocketgan.metrics.registry import METRICS, Comparison
from pocketgan.runs.places import claim_folder
from pocketgan.runs.run import Run
from pocketgan.runs.weights import image_shape
from pocketgan.training.state import create_state


def memory() -> float:
    """Returns the process's peak memory, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def full() -> None:
    """Prints the seconds of a full evaluation."""
    made = load_images(DataConfig())
    made = made.part(slice(COUNT))
    space = features.digits()
    start = time.perf_counter()
    sets = read_real(DataConfig(), "test")
    real = look_at(sets, space, len(made))
    looked = time.perf_counter()
    generated = space(made.images, labels_in(space.class_names, made))
    score(Comparison(generated, real.reference), real, space, METRICS)
    end = time.perf_counter()
    shown = f"{len(sets.training or made):,} training and {len(sets.reference):,} test images"
    print(
        f"full evaluation, {len(made):,} images: {end - start:.1f} s "
        f"({looked - start:.1f} s of it looking at {shown}), {memory():.0f} MB",
        flush=True,
    )


def classifier() -> None:
    """Prints the seconds that the space `classifier` takes for MNIST's training split, and how good it then is."""
    images, test = load_images(DataConfig()), load_images(DataConfig(), "test")
    start = time.perf_counter()
    content = train_space(images, epochs=IMAGES_TO_FIT / len(images), seed=0, progress=Progress(quiet=True))
    seconds = time.perf_counter() - start
    right = (trained_space("classifier", content, "")(test.images).predicted == test.labels).double().mean().item()
    print(f"classifier of {len(images):,} images: {seconds:.0f} s, {right:.2%} of the test split right", flush=True)


def quick(name: str) -> None:
    """Prints the seconds of an evaluation during training, and its share of a run with the recipe's interval."""
    config = replace(recipe(name), duration="1000 steps", checkpoint_every="500 steps", evaluate_every="500 steps")
    images = load_images(config.data)
    facts = find_facts(images)
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(replace(config, sample_every="none"), len(images))
        run = Run.create(claim_folder(f"{folder}/run", name), config, facts, plan, describe_environment("cpu"))
        start = time.perf_counter()
        follower = Follower(run, images, Progress(quiet=True))
        began = time.perf_counter() - start
        state = create_state(config, image_shape(facts, config.network.conditional), "cpu")
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            follower.measure(state)
            seconds.append(time.perf_counter() - start)
    speed = measure_speed(config, images, facts, "cpu", Progress(quiet=True))
    each, interval = statistics.median(seconds), make_plan(recipe(name), len(images), speed).evaluate_every
    assert interval is not None
    print(
        f"`{name}`: {each:.2f} s each ({config.evaluation.evaluate_count:,} images against "
        f"{len(follower.reference.sample):,}), {each / (each + interval / speed):.1%} of a run at its interval, "
        f"{began:.1f} s once at the start, {memory():.0f} MB"
    )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        for what in ("full", "classifier", *RECIPES):
            subprocess.run([sys.executable, __file__, what], check=True)
    elif sys.argv[1] in ("full", "classifier"):
        {"full": full, "classifier": classifier}[sys.argv[1]]()
    else:
        quick(sys.argv[1])
