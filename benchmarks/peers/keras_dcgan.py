"""A DCGAN as tutorials write it in Keras, for `make bench-quality`: it trains, and leaves images at given moments.

Our own writing of that form: transposed convolutions with BatchNorm and LeakyReLU, strided convolutions with dropout,
`predict` for the generated half, two `train_on_batch` for the discriminator and one for the generator in every step.
Of Pocketgan it imports nothing. Training seconds are counted without imports, data loading, and what is written for
the measurement.

It is an entrant of races on grayscale images of 28×28 pixels, too, where Keras, TensorFlow and Pocketgan are installed:

    pocketgan race --entrants pocket,benchmarks/peers/keras_dcgan.py
"""

import argparse
import gzip
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

LATENT_DIM, BATCH_SIZE, LEARNING_RATE, BETA1 = 100, 128, 2e-4, 0.5
COUNT = 10_000
MNIST = Path(__file__).parents[2] / "src" / "pocketgan" / "mnist"


def load_images(folder: Path) -> np.ndarray:
    """Reads MNIST's training images: float32 [-1, 1], shape (60000, 28, 28, 1)."""
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16)
    return (pixels.reshape(-1, 28, 28, 1).astype("float32") - 127.5) / 127.5


def optimizer() -> keras.optimizers.Optimizer:
    """Returns a new Adam."""
    return keras.optimizers.Adam(LEARNING_RATE, beta_1=BETA1)


def build_generator() -> keras.Model:
    """Noise → 7×7 → 14×14 → 28×28, in [-1, 1]."""
    return keras.Sequential(
        [
            layers.Input((LATENT_DIM,)),
            layers.Dense(7 * 7 * 128),
            layers.Reshape((7, 7, 128)),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(64, 4, strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh"),
        ]
    )


def build_discriminator() -> keras.Model:
    """An image → 14×14 → 7×7 → the probability that it is real; compiled for its own update."""
    discriminator = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(64, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Dropout(0.3),
            layers.Conv2D(128, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    discriminator.compile(loss="binary_crossentropy", optimizer=optimizer(), metrics=["accuracy"])
    return discriminator


def build_gan(generator: keras.Model, discriminator: keras.Model) -> keras.Model:
    """Noise → the frozen discriminator's probability; compiled for the generator's update."""
    discriminator.trainable = False
    noise = layers.Input((LATENT_DIM,))
    gan = keras.Model(noise, discriminator(generator(noise)))
    gan.compile(loss="binary_crossentropy", optimizer=optimizer())
    return gan


def make_noise(count: int) -> np.ndarray:
    """Returns latents, standard normal."""
    return np.random.normal(0, 1, (count, LATENT_DIM))


def update(generator: keras.Model, discriminator: keras.Model, gan: keras.Model, images: np.ndarray) -> list[float]:
    """Makes a training step with a batch of real images.

    Returns the discriminator's loss on generated images, and the generator's loss. Keras 3 decides at the first call
    what a model trains, so `trainable` is set before each update.
    """
    real, fake = np.ones((BATCH_SIZE, 1)), np.zeros((BATCH_SIZE, 1))
    generated = generator.predict(make_noise(BATCH_SIZE), verbose=0)
    discriminator.trainable = True
    discriminator.train_on_batch(images, real)
    d_loss = discriminator.train_on_batch(generated, fake)
    discriminator.trainable = False
    return [np.mean(d_loss[0]).item(), np.mean(gan.train_on_batch(make_noise(BATCH_SIZE), real)).item()]


def draw(generator: keras.Model, path: Path) -> None:
    """Writes 10,000 images of the generator as it is, uint8, (N, 1, 28, 28)."""
    made = generator.predict(make_noise(COUNT), batch_size=250, verbose=0)
    pixels = np.clip(np.round((made + 1) * 127.5), 0, 255).astype(np.uint8)
    np.savez_compressed(path, images=pixels.transpose(0, 3, 1, 2))


def train(moments: list[float], seed: int, out: Path, mnist: Path) -> dict[str, object]:
    """Trains until the last moment; writes `images-<seconds>.npz` at each, and returns what was done."""
    keras.utils.set_random_seed(seed)
    images = load_images(mnist)
    generator, discriminator = build_generator(), build_discriminator()
    gan = build_gan(generator, discriminator)
    left, started, steps = sorted(moments), time.perf_counter(), 0
    while left:
        idx = np.random.randint(0, len(images), BATCH_SIZE)
        update(generator, discriminator, gan, images[idx])
        steps += 1
        passed = time.perf_counter() - started
        if passed >= left[0]:
            draw(generator, out / f"images-{left.pop(0):g}.npz")
            started = time.perf_counter() - passed
    parameters = [generator.count_params(), discriminator.count_params()]
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    return {"steps": steps, "seconds": passed, "parameters": parameters, **versions}


class KerasDCGAN:
    """The same networks and the same step in a race; TensorFlow uses as many threads as PyTorch may.

    Args:
        task: the race's `Task`; its images are grayscale, 28×28.
    """

    batch_size = BATCH_SIZE

    def __init__(self, task: Any) -> None:
        import torch

        with suppress(RuntimeError):  # TensorFlow has begun in this process, as in tests: its threads stay.
            tf.config.threading.set_intra_op_parallelism_threads(torch.get_num_threads())
            tf.config.threading.set_inter_op_parallelism_threads(1)
        keras.utils.set_random_seed(task.seed)
        self.task = task
        self.generator, self.discriminator = build_generator(), build_discriminator()
        self.sampling, self.training = map(as_module, (self.generator, self.discriminator))
        self.gan = build_gan(self.generator, self.discriminator)
        self.samplers = {"1 step": self.sample}

    def step(self, progress: float) -> dict[str, float]:
        """Makes a training step."""
        images, _ = self.task.batch(BATCH_SIZE)
        losses = update(self.generator, self.discriminator, self.gan, images.permute(0, 2, 3, 1).numpy())
        return dict(zip(("d_loss", "g_loss"), losses, strict=True))

    def sample(self, count: int, labels: Any, seed: int) -> Any:
        """Returns images in [-1, 1], a float32 tensor (N, 1, 28, 28); without classes."""
        import torch

        noise = np.random.default_rng(seed).normal(0, 1, (count, LATENT_DIM))
        images = self.generator.predict(noise, batch_size=250, verbose=0)
        return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())


entrant = KerasDCGAN


def as_module(model: keras.Model) -> Any:
    """Returns a PyTorch module with parameters of the same shapes, from which a race counts them."""
    import torch

    shapes = [tuple(weight.shape) for weight in model.trainable_weights]
    parameters = [torch.nn.Parameter(torch.empty(shape, device="meta")) for shape in shapes]
    module = torch.nn.Module()
    module.weights = torch.nn.ParameterList(parameters)
    return module


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", default="600", help="training seconds at which images are left, with commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="the folder for the images")
    parser.add_argument("--mnist", type=Path, default=MNIST, help="the folder of MNIST's *.gz files")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    moments = [float(moment) for moment in options.moments.split(",")]
    print(json.dumps(train(moments, options.seed, options.out, options.mnist)))


if __name__ == "__main__":
    main()
