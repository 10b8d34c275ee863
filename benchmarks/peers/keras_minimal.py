"""The GAN of the `minimal` recipe as a tutorial writes it in Keras, timed.

Prints one line of JSON. Needs only the environment of `requirements.txt` beside it, and the MNIST files.
"""

import argparse
import gzip
import json
import os
import sys
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

LATENT_DIM, HIDDEN_DIM, PIXELS, BATCH_SIZE, LEARNING_RATE = 100, 256, 784, 32, 1e-3
PARAMETERS = [227_344, 201_217]
WARMUP_STEPS, CHECK_STEPS = 20, 3
MNIST = Path(__file__).parents[2] / "src" / "pocketgan" / "mnist"


def load_images(folder: Path) -> np.ndarray:
    """Reads MNIST's training images: float32 [0, 1], shape (60000, 784)."""
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16)
    return pixels.reshape(-1, PIXELS).astype("float32") / 255


def build_generator() -> keras.Model:
    """Noise → one hidden layer → an image in [0, 1]."""
    return keras.Sequential(
        [
            layers.Input((LATENT_DIM,)),
            layers.Dense(HIDDEN_DIM, activation="relu"),
            layers.Dense(PIXELS, activation="sigmoid"),
        ]
    )


def build_discriminator() -> keras.Model:
    """An image → one hidden layer → the probability that it is real; compiled for its own update."""
    discriminator = keras.Sequential(
        [
            layers.Input((PIXELS,)),
            layers.Dense(HIDDEN_DIM, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    discriminator.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(LEARNING_RATE))
    return discriminator


def build_gan(generator: keras.Model, discriminator: keras.Model) -> keras.Model:
    """Noise → the frozen discriminator's probability; compiled for the generator's update."""
    discriminator.trainable = False
    noise = layers.Input((LATENT_DIM,))
    gan = keras.Model(noise, discriminator(generator(noise)))
    gan.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(LEARNING_RATE))
    return gan


def make_noise() -> np.ndarray:
    """Returns one batch of latents, standard normal."""
    return np.random.normal(0, 1, (BATCH_SIZE, LATENT_DIM))


def update_discriminator(generator: keras.Model, discriminator: keras.Model, images: np.ndarray) -> None:
    """Trains the discriminator on one joint batch, half real and half generated.

    Keras 3 decides at the first call what a model trains, so the discriminator must be trainable by then.
    """
    idx = np.random.randint(0, len(images), BATCH_SIZE)
    generated = generator.predict(make_noise(), verbose=0)
    both = np.concatenate([images[idx], generated])
    labels = np.concatenate([np.ones((BATCH_SIZE, 1)), np.zeros((BATCH_SIZE, 1))])
    discriminator.trainable = True
    discriminator.train_on_batch(both, labels)


def update_generator(gan: keras.Model, discriminator: keras.Model) -> None:
    """Trains the generator to pass for real, through the frozen discriminator."""
    discriminator.trainable = False
    gan.train_on_batch(make_noise(), np.ones((BATCH_SIZE, 1)))


def measure(images: np.ndarray, seconds: float) -> dict[str, object]:
    """Trains for `seconds` after the warm-up, and returns what was measured."""
    generator, discriminator = build_generator(), build_discriminator()
    gan = build_gan(generator, discriminator)

    def step() -> None:
        update_discriminator(generator, discriminator, images)
        update_generator(gan, discriminator)

    for _ in range(WARMUP_STEPS):
        step()
    steps, passed, started = 0, 0.0, time.perf_counter()
    while passed < seconds:
        step()
        steps += 1
        passed = time.perf_counter() - started
    return {
        "steps": steps,
        "seconds": passed,
        "steps_per_second": steps / passed,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "parameters": [generator.count_params(), discriminator.count_params()],
    }


def changed(before: list[np.ndarray], model: keras.Model) -> list[bool]:
    """Returns for each weight of the model whether it differs from `before`."""
    return [not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True)]


def check(images: np.ndarray) -> list[str]:
    """Returns what is wrong with the GAN: its sizes, or an update that changes too little or too much."""
    generator, discriminator = build_generator(), build_discriminator()
    gan = build_gan(generator, discriminator)
    wrong = []
    counts = [generator.count_params(), discriminator.count_params()]
    if counts != PARAMETERS:
        wrong.append(f"parameters: {counts}, not {PARAMETERS}")
    for step in range(1, CHECK_STEPS + 1):
        for name, trained, other, update in (
            ("discriminator", discriminator, generator, lambda: update_discriminator(generator, discriminator, images)),
            ("generator", generator, discriminator, lambda: update_generator(gan, discriminator)),
        ):
            before, other_before = trained.get_weights(), other.get_weights()
            update()
            if not all(changed(before, trained)):
                wrong.append(f"step {step}: the {name}'s update leaves some of its weights as they were")
            if any(changed(other_before, other)):
                wrong.append(f"step {step}: the {name}'s update changes the other network")
    return wrong


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="train for so long after the warm-up")
    parser.add_argument("--mnist", type=Path, default=MNIST, help="the folder of MNIST's *.gz files")
    parser.add_argument("--check", action="store_true", help="check instead that each update trains its network alone")
    options = parser.parse_args()
    images = load_images(options.mnist)
    if not options.check:
        print(json.dumps(measure(images, options.seconds)))
        return 0
    wrong = check(images)
    print("\n".join(wrong) or f"right in {CHECK_STEPS} steps: each update changes all weights of its network, no other")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
