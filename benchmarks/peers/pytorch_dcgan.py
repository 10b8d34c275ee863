"""A DCGAN as tutorials write it in PyTorch, for `make bench-quality`: it trains, and leaves images at given moments.

Our own writing of that form: a dataset that opens each image with PIL and transforms it, a `DataLoader`, convolutions
of 64 channels with BatchNorm, binary cross-entropy, one Adam each at 2e-4 with β₁ 0.5, `.item()` in every batch. Of
Pocketgan it imports nothing. Training seconds are counted as Pocketgan counts its own: without imports, data loading
from disk, and what is written for the measurement.
"""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

LATENT_DIM, CHANNELS, BATCH_SIZE, LEARNING_RATE, BETA1 = 100, 64, 128, 2e-4, 0.5
COUNT = 10_000
MNIST = Path(__file__).parents[2] / "src" / "pocketgan" / "mnist"


class Digits(Dataset):
    """MNIST's training images, each opened as a picture and transformed when it is asked for."""

    def __init__(self, folder: Path) -> None:
        with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
            self.pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> torch.Tensor:
        picture = Image.fromarray(self.pixels[index])
        tensor = torch.from_numpy(np.array(picture, np.float32)).div(255).unsqueeze(0)
        return (tensor - 0.5) / 0.5


def build_generator() -> nn.Sequential:
    """Noise (N, 100, 1, 1) → 7×7 → 14×14 → 28×28, in [-1, 1]."""
    return nn.Sequential(
        nn.ConvTranspose2d(LATENT_DIM, 2 * CHANNELS, 7, 1, 0, bias=False),
        nn.BatchNorm2d(2 * CHANNELS),
        nn.ReLU(True),
        nn.ConvTranspose2d(2 * CHANNELS, CHANNELS, 4, 2, 1, bias=False),
        nn.BatchNorm2d(CHANNELS),
        nn.ReLU(True),
        nn.ConvTranspose2d(CHANNELS, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )


def build_discriminator() -> nn.Sequential:
    """An image → 14×14 → 7×7 → the probability that it is real, (N, 1, 1, 1)."""
    return nn.Sequential(
        nn.Conv2d(1, CHANNELS, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(CHANNELS, 2 * CHANNELS, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * CHANNELS),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(2 * CHANNELS, 1, 7, 1, 0, bias=False),
        nn.Sigmoid(),
    )


def initialise(module: nn.Module) -> None:
    """Normal first weights with deviation 0.02, as the paper has them."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


@torch.no_grad()
def draw(generator: nn.Module, path: Path) -> None:
    """Writes 10,000 images of the generator as it is, uint8, (N, 1, 28, 28)."""
    generator.eval()
    made = [generator(torch.randn(250, LATENT_DIM, 1, 1)) for _ in range(COUNT // 250)]
    generator.train()
    pixels = torch.cat(made).add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    np.savez_compressed(path, images=pixels.numpy())


def train(moments: list[float], seed: int, out: Path, mnist: Path) -> dict[str, object]:
    """Trains until the last moment; writes `images-<seconds>.npz` at each, and returns what was done."""
    torch.manual_seed(seed)
    loader = DataLoader(Digits(mnist), batch_size=BATCH_SIZE, shuffle=True)
    generator, discriminator = build_generator(), build_discriminator()
    generator.apply(initialise)
    discriminator.apply(initialise)
    criterion = nn.BCELoss()
    discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), lr=LEARNING_RATE, betas=(BETA1, 0.999))
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=LEARNING_RATE, betas=(BETA1, 0.999))
    generator_losses, discriminator_losses = [], []
    left, started, steps = sorted(moments), time.perf_counter(), 0
    while left:
        for real in loader:
            # Discriminator: real images, then generated ones.
            discriminator.zero_grad()
            label = torch.full((real.size(0),), 1.0)
            real_loss = criterion(discriminator(real).view(-1), label)
            real_loss.backward()
            fake = generator(torch.randn(real.size(0), LATENT_DIM, 1, 1))
            label.fill_(0.0)
            fake_loss = criterion(discriminator(fake.detach()).view(-1), label)
            fake_loss.backward()
            discriminator_optimizer.step()

            # Generator.
            generator.zero_grad()
            label.fill_(1.0)
            generator_loss = criterion(discriminator(fake).view(-1), label)
            generator_loss.backward()
            generator_optimizer.step()
            generator_losses.append(generator_loss.item())
            discriminator_losses.append((real_loss + fake_loss).item())
            steps += 1

            # For the measurement, outside of the clock.
            passed = time.perf_counter() - started
            if left and passed >= left[0]:
                draw(generator, out / f"images-{left.pop(0):g}.npz")
                started = time.perf_counter() - passed
            if not left:
                break
    parameters = [sum(p.numel() for p in network.parameters()) for network in (generator, discriminator)]
    return {"steps": steps, "seconds": passed, "parameters": parameters, "torch": torch.__version__}


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
