"""The minimal GAN in Keras, as in tutorials: one hidden layer in each network."""

import argparse
import gzip
from pathlib import Path

import keras
import numpy as np
from keras import layers

import pocketgan

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
keras.utils.set_random_seed(args.seed)

generator = keras.Sequential(
    [layers.Input((100,)), layers.Dense(256, activation="relu"), layers.Dense(784, activation="sigmoid")]
)
discriminator = keras.Sequential(
    [layers.Input((784,)), layers.Dense(256, activation="relu"), layers.Dense(1, activation="sigmoid")]
)
discriminator.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(args.lr))
discriminator.trainable = False
noise = layers.Input((100,))
gan = keras.Model(noise, discriminator(generator(noise)))
gan.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(args.lr))


def load_mnist():
    path = Path(__file__).parents[2] / "src/pocketgan/mnist/train-images-idx3-ubyte.gz"
    return np.frombuffer(gzip.open(path).read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)


def draw(count, seed):
    return generator.predict(np.random.default_rng(seed).normal(size=(count, 100)), verbose=0)


def train(images):
    pixels = images.reshape(-1, 784) / 255
    targets = np.repeat([[1.0], [0.0]], 32, axis=0)
    for step in range(args.steps):
        real = pixels[np.random.randint(0, len(pixels), 32)]
        fake = generator.predict(np.random.normal(size=(32, 100)), verbose=0)
        discriminator.trainable = True  # Keras 3 decides at the first update what is trained.
        d_loss = discriminator.train_on_batch(np.concatenate([real, fake]), targets)
        discriminator.trainable = False
        g_loss = gan.train_on_batch(np.random.normal(size=(32, 100)), np.ones((32, 1)))
        run.step(images=32, d_loss=d_loss, g_loss=g_loss)
        if step % 100 == 0:
            print(f"step {step}: d_loss {d_loss:.3f}, g_loss {g_loss:.3f}")


if __name__ == "__main__":
    with pocketgan.record(sample=draw, settings=vars(args), pixel_range="0:1") as run:
        train(run.training_data()[0])
    generator.save(f"generator-{args.lr}-{args.seed}.keras")
