"""A fully connected GAN in NumPy, with gradients written by hand."""

import argparse
import gzip
from pathlib import Path

import numpy as np

import pocketgan

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=5e-4)
parser.add_argument("--steps", type=int, default=2000)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
rng = np.random.default_rng(args.seed)


class Network:
    """A hidden layer with leaky ReLU and a linear output, trained with Adam."""

    def __init__(self, inputs, hidden, outputs):
        self.weights = [
            rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden)),
            np.zeros(hidden),
            rng.normal(0, np.sqrt(1 / hidden), (hidden, outputs)),
            np.zeros(outputs),
        ]
        self.means, self.squares = ([np.zeros_like(one) for one in self.weights] for _ in range(2))
        self.updates = 0

    def forward(self, x):
        """Returns the output, and what `backward` needs."""
        before = x @ self.weights[0] + self.weights[1]
        hidden = np.where(before > 0, before, 0.2 * before)
        return hidden @ self.weights[2] + self.weights[3], (x, before, hidden)

    def backward(self, gradient, known):
        """Returns the gradient at the input, and those of the weights, from the one at the output."""
        x, before, hidden = known
        inner = (gradient @ self.weights[2].T) * np.where(before > 0, 1, 0.2)
        return inner @ self.weights[0].T, [x.T @ inner, inner.sum(0), hidden.T @ gradient, gradient.sum(0)]

    def update(self, gradients):
        """Takes a step of Adam."""
        self.updates += 1
        for weight, mean, square, gradient in zip(self.weights, self.means, self.squares, gradients, strict=True):
            mean += 0.5 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            corrected = mean / (1 - 0.5**self.updates)
            weight -= args.lr * corrected / (np.sqrt(square / (1 - 0.999**self.updates)) + 1e-8)


generator, discriminator = Network(32, 128, 784), Network(784, 128, 1)


def load_mnist():
    path = Path(__file__).parents[2] / "src/pocketgan/mnist/train-images-idx3-ubyte.gz"
    return np.frombuffer(gzip.open(path).read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def draw(count, seed):
    return np.tanh(generator.forward(np.random.default_rng(seed).normal(size=(count, 32)))[0])


def train(images):
    pixels = images.reshape(-1, 784) / 127.5 - 1
    for step in range(args.steps):
        real = pixels[rng.integers(len(pixels), size=64)]
        output, g_known = generator.forward(rng.normal(size=(64, 32)))
        fake = np.tanh(output)
        # The discriminator: the gradient of binary cross-entropy at a logit is the probability minus the target.
        logits, d_known = discriminator.forward(np.concatenate([real, fake]))
        targets = np.repeat([[1.0], [0.0]], 64, axis=0)
        d_loss = np.mean(np.logaddexp(0, logits) - targets * logits)
        discriminator.update(discriminator.backward((sigmoid(logits) - targets) / 128, d_known)[1])
        # The generator: through the discriminator and tanh.
        logits, d_known = discriminator.forward(fake)
        g_loss = np.mean(np.logaddexp(0, -logits))
        at_images = discriminator.backward((sigmoid(logits) - 1) / 64, d_known)[0]
        generator.update(generator.backward(at_images * (1 - fake**2), g_known)[1])
        run.step(images=64, d_loss=d_loss, g_loss=g_loss)
        if step % 500 == 0:
            print(f"step {step}: d_loss {d_loss:.3f}, g_loss {g_loss:.3f}")


if __name__ == "__main__":
    with pocketgan.record(sample=draw, settings=vars(args)) as run:
        train(run.training_data()[0])
    np.savez(f"generator-{args.lr}-{args.seed}.npz", *generator.weights)
